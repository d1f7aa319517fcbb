"""A message as a web request: generic JSON, and the forms of the robots of 企业微信, 钉钉 and 飞书."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from pipeline.alerts.receivers import Kind, Receiver
from pipeline.alerts.sending import NoAnswerError, NotNowError, RefusedError
from pipeline.alerts.wording import plain, repeated
from pipeline.settings import Settings
from pipeline.store.records import Letter

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 100_000
"""Bytes of an answer that are read; a robot says whether it took the message in a hundred."""
WECOM_BYTES = 4096
"""The longest Markdown that a robot of 企业微信 takes."""
_SOON = {
    Kind.WECOM: frozenset({-1, 45009}),
    Kind.DINGTALK: frozenset({-1, 130101, 430101, 90030}),
    Kind.FEISHU: frozenset({9499, 11232}),
}
"""Codes of robots that are busy, or were sent too many messages a minute."""

_HARMLESS = str.maketrans("*`[]<>", "＊｀［］＜＞")


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted: the address with its signature, headers, and the body."""

    url: str = field(repr=False)
    headers: Mapping[str, str]
    body: bytes


def send(letter: Letter, receiver: Receiver, settings: Settings) -> None:
    """Post a message.

    Raises:
        SendingError: it was not taken, or nobody knows.
    """
    import httpx

    request = request_of(letter, receiver, settings, datetime.now(UTC))
    try:
        with httpx.Client(timeout=settings.alerts.timeout, follow_redirects=False) as client:
            posting = client.stream("POST", request.url, content=request.body, headers=dict(request.headers))
            with posting as answer:
                status, told = answer.status_code, _beginning(answer, settings.alerts.timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotNowError(type(error).__name__) from error
    except httpx.TransportError as error:
        raise NoAnswerError(type(error).__name__) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RefusedError(type(error).__name__) from error
    _judge(receiver.kind, status, told)


def _beginning(answer: httpx.Response, seconds: float) -> bytes:
    """The beginning of an answer: as much as came in so many seconds, for it need not have an end."""
    until, content = time.monotonic() + seconds, bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > MOST_BYTES or time.monotonic() > until:
            break
    return bytes(content)


def request_of(letter: Letter, receiver: Receiver, settings: Settings, now: datetime) -> Request:
    """The request for a message at a moment; signatures hold the moment, so that nobody can post it again later."""
    match receiver.kind:
        case Kind.WECOM:
            return _posted(receiver.address, _wecom(letter, settings), letter)
        case Kind.DINGTALK:
            return _posted(_signed_for_dingtalk(receiver, now), _dingtalk(letter, settings), letter)
        case Kind.FEISHU:
            return _posted(receiver.address, _feishu(letter, receiver.secret, settings, now), letter)
        case _:
            return _generic(letter, receiver, settings, now)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Zhijian-Signature`: HMAC-SHA256 over time stamp, a full stop and the body, in hexadecimal.

    The scheme is that of RFC 2104 with the key `secret`. A receiver computes it again, compares in constant time, and
    refuses time stamps that are minutes old.
    """
    found = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={found}"


def dingtalk_signature(secret: str, milliseconds: str) -> str:
    r"""The parameter `sign` of 钉钉: Base64 of HMAC-SHA256 over `时间戳\n密钥`, with the secret as key."""
    found = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(found).decode()


def feishu_signature(secret: str, seconds: str) -> str:
    r"""The field `sign` of 飞书: Base64 of HMAC-SHA256 over nothing, with `时间戳\n密钥` as key."""
    found = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(found).decode()


def _generic(letter: Letter, receiver: Receiver, settings: Settings, now: datetime) -> Request:
    message = letter.message
    content = {
        "key": letter.key,
        "alert": message.alert,
        "kind": message.kind,
        "title": message.title,
        "lines": list(message.lines),
        "report": message.report,
        "made_at": message.made_at.isoformat(),
        "language": settings.language,
        "repetition": repeated(letter),
    }
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(now.timestamp()))
    headers = {"X-Zhijian-Timestamp": timestamp}
    if receiver.secret:
        headers["X-Zhijian-Signature"] = signature(receiver.secret, timestamp, body)
    return _request(receiver.address, body, letter, headers)


def _wecom(letter: Letter, settings: Settings) -> object:
    lines = _marked(letter, settings)
    while len("\n".join(lines).encode()) > WECOM_BYTES and len(lines) > 1:
        lines = [*lines[:-2], "…"] if lines[-1] == "…" else [*lines[:-1], "…"]
    return {"msgtype": "markdown", "markdown": {"content": "\n".join(lines)}}


def _dingtalk(letter: Letter, settings: Settings) -> object:
    text = "\n\n".join(_marked(letter, settings))
    return {"msgtype": "markdown", "markdown": {"title": letter.message.title, "text": text}}


def _feishu(letter: Letter, secret: str, settings: Settings, now: datetime) -> object:
    lines = [[{"tag": "text", "text": line}] for line in plain(letter, settings.language)]
    name = "zh_cn" if settings.language == "zh" else "en_us"
    post = {name: {"title": letter.message.title, "content": lines}}
    content: dict[str, object] = {"msg_type": "post", "content": {"post": post}}
    if secret:
        seconds = str(int(now.timestamp()))
        content |= {"timestamp": seconds, "sign": feishu_signature(secret, seconds)}
    return content


def _signed_for_dingtalk(receiver: Receiver, now: datetime) -> str:
    if not receiver.secret:
        return receiver.address
    milliseconds = str(int(now.timestamp() * 1000))
    signed = urlencode({"timestamp": milliseconds, "sign": dingtalk_signature(receiver.secret, milliseconds)})
    parts = urlsplit(receiver.address)
    return urlunsplit(parts._replace(query=f"{parts.query}&{signed}" if parts.query else signed))


def _marked(letter: Letter, settings: Settings) -> list[str]:
    """The lines as Markdown; names may hold marks of their own, which must not become links or fonts."""
    lines = plain(letter, settings.language)
    return [f"**{_escaped(letter.message.title)}**", *(_escaped(line) for line in lines)]


def _escaped(text: str) -> str:
    return text.translate(_HARMLESS)


def _posted(url: str, content: object, letter: Letter) -> Request:
    return _request(url, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), letter, {})


def _request(url: str, body: bytes, letter: Letter, headers: Mapping[str, str]) -> Request:
    common = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": letter.key}
    return Request(url, {**common, **headers}, body)


def _judge(kind: Kind, status: int, body: bytes) -> None:
    """What an answer means; robots answer 200 and tell in a code whether they took the message."""
    if status in (408, 425, 429) or status >= 500:
        raise NotNowError(f"HTTP {status}")
    if not 200 <= status < 300:
        raise RefusedError(f"HTTP {status}")
    if kind is Kind.WEBHOOK:
        return
    try:
        answer = json.loads(body)
        code = int(answer["errcode" if "errcode" in answer else "code" if "code" in answer else "StatusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswerError(f"HTTP {status}, {type(error).__name__}") from error
    if code:
        raise (NotNowError if code in _SOON[kind] else RefusedError)(f"{kind} {code}")
