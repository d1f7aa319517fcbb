"""Servers on this machine that take, refuse, fail first or never answer: real sockets, real protocols."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG = -1
"""An answer that never comes."""
FLOOD = -2
"""An answer that never ends."""
PATIENCE = 900
"""Seconds after which a machine that is only slow is taken for one that is stuck."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(wanted: Callable[[], Any]) -> Any:
    """What `wanted` gives as soon as it is something; a server that does not answer yet gives nothing."""
    patience = time.monotonic() + PATIENCE
    while True:
        try:
            if found := wanted():
                return found
        except httpx.HTTPError:
            pass
        assert time.monotonic() < patience
        time.sleep(0.2)


@dataclass
class Posted:
    """A request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Web:
    """A web server that answers by a list of (status, body), the last one for good."""

    answers: list[tuple[int, str]]
    got: list[Posted] = field(default_factory=list)
    url: str = ""


@contextmanager
def web(*answers: tuple[int, str]) -> Iterator[Web]:
    """A web server on a free port."""
    state = Web(list(answers) or [(200, "{}")])
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            state.got.append(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if status == HANG:
                released.wait()
                return
            if status == FLOOD:
                self.send_response(200)
                self.end_headers()
                with suppress(ConnectionError):
                    while not released.is_set():
                        self.wfile.write(text.encode() * 10_000)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Box:
    """A mail server that answers each message by a list of replies, the last one for good."""

    replies: list[str]
    port: int = 0
    got: list[Envelope] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply == "HANG":
            import asyncio

            while not self.released.is_set():
                await asyncio.sleep(0.02)
            return "250 late"
        return reply


@contextmanager
def mail(*replies: str, tls: SSLContext | None = None, login: tuple[str, str] | None = None) -> Iterator[Box]:
    """A mail server on a free port; with STARTTLS where it has a certificate, then a login may be demanded."""
    box = Box(list(replies) or ["250 OK"])

    def check(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: object) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=mechanism in ("LOGIN", "PLAIN") and given == login, handled=False)

    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=tls,
        require_starttls=tls is not None,
        auth_required=login is not None,
        authenticator=check if login else None,
    )
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        box.released.set()
        controller.stop()


def certificate(folder: Path) -> tuple[SSLContext, Path]:
    """A server's side of TLS for 127.0.0.1, and the file of the CA (itself) that clients must trust."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "ca.pem", folder / "key.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted
