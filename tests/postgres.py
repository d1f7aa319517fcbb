"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, on loopback, gone when the tests are done."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.loopback import free_port

PASSWORD = "only-for-tests"  # noqa: S105
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=40 -c shared_buffers=64MB"


@dataclass(frozen=True)
class Server:
    """A running server. `options` are those of `postgres`."""

    programs: Path
    data: Path
    port: int
    options: str

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://tester:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"{self.options} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.data} -p {self.port}"
        log = str(self.data / "server.log")
        self._as_owner("pg_ctl", "start", "-w", "-t", "120", "-D", str(self.data), "-l", log, "-o", options)

    def stop(self) -> None:
        """Stop it at once, as if its machine had been switched off."""
        self._as_owner("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.data))

    def _as_owner(self, program: str, *arguments: str) -> None:
        run(self.programs / program, *arguments, folder=self.data)


@contextmanager
def server(options: str = FAST, *, under: Path | None = None) -> Iterator[Server]:
    """A server in a folder of its own, which goes with it.

    Raises:
        AssertionError: PostgreSQL is not installed.
    """
    programs = binaries()
    top = Path(tempfile.mkdtemp(prefix="zhijian-postgres-", dir=under))
    top.chmod(0o755)
    data = top / "data"
    data.mkdir()
    secret = data.with_name("secret")
    secret.write_text(PASSWORD, encoding="utf-8")
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    try:
        run(
            programs / "initdb", "-D", str(data), "-U", "tester", "-A", "scram-sha-256", "--pwfile", str(secret),
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", folder=data,
        )  # fmt: skip
        running = Server(programs, data, free_port(), options)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(top, ignore_errors=True)


def binaries() -> Path:
    """The folder of initdb and pg_ctl: that of Debian's newest version, else the one on the path.

    Raises:
        AssertionError: there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    assert found or on_path, "PostgreSQL is not installed: apt-get install postgresql"
    return found[-1].parent if found else Path(str(on_path)).parent


def run(program: Path, *arguments: str, folder: Path) -> None:
    """Run a program of the server, as its own user where we are root: PostgreSQL refuses to run as root."""
    command = [str(program), *arguments]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def fresh(running: Server, *, like: str = "template1") -> str:
    """The URL of a new database."""
    import psycopg

    name = f"db{uuid.uuid4().hex[:12]}"
    with psycopg.connect(running.url().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    return running.url(name)
