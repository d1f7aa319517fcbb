"""One JSON object of an inbox → one `Interaction` (docs/formats.md "Interaction"), checked key by key.

`id` and `channel` are required; a call needs `recording` or `turns`, a chat or e-mail `turns`. A known key with a wrong
value is an error that names the key's path and what was expected; `null` means "not known". Unknown keys are kept in
`Interaction.extra`, those of `agent`, `customer` and `turns` below the same name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import NoReturn

from pipeline.conversation import Agent, Channel, Customer, Interaction, Json, Speaker, Turn
from pipeline.errors import InputError
from pipeline.i18n import Language, t
from pipeline.redact import masked_text
from pipeline.text import normalise

_KNOWN = {
    "id", "channel", "agent", "customer", "queue", "started_at", "recording", "channels", "turns", "csat", "attributes",
}  # fmt: skip
_AGENT = {"id", "name", "team", "hired_on"}
_CUSTOMER = {"id", "segment"}
_TURN = {"speaker", "text", "start", "end"}
_SPEAKERS: Mapping[str, Speaker] = {speaker.value: speaker for speaker in Speaker}
_SIDES = ("left", "right", "mono")
_LONGEST_ID = 200
_DEEP = 100
"""Brackets in a text from which on it might be nested too deeply to be written again."""


def decode_json(text: str, *, source: str, first_line: int | None = None, language: Language = "zh") -> dict[str, Json]:
    """The JSON object in `text`.

    Args:
        text: a whole `.json` file, or one line of a `.jsonl` file.
        source: the file's name for messages.
        first_line: the line's number in a `.jsonl` file, `None` for a whole file.
        language: of messages.

    Raises:
        InputError: Z105 not JSON (with line and column), Z108 not an object or a text that is not Unicode.
    """
    at = source if first_line is None else f"{source}:{first_line}"
    try:
        content: Json = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\u" in text or text.count("[") + text.count("{") > _DEEP:
            json.dumps(content, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        line = error.lineno if first_line is None else first_line
        what = t(language, "ingest.wrong_json", line=line, column=error.colno, detail=error.msg)
        raise InputError("Z105", what, where=f"{source}:{line}", hint=t(language, "ingest.wrong_json_hint")) from error
    except (ValueError, RecursionError) as error:
        what = t(language, "ingest.unusable_json", detail=str(error).splitlines()[0])
        raise InputError("Z105", what, where=at, hint=t(language, "ingest.wrong_json_hint")) from error
    if not isinstance(content, dict):
        key = "ingest.list_in_json" if isinstance(content, list) else "ingest.not_an_object"
        raise InputError("Z108", t(language, key), where=at, hint=t(language, f"{key}_hint"))
    return content


def canonical(content: Mapping[str, Json]) -> bytes:
    """The bytes that stand for a JSON object in its digest: sorted keys, no spaces, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse_interaction(
    content: Mapping[str, Json],
    *,
    source: str,
    digest: str,
    recording: str | None,
    language: Language = "zh",
    readable: bool = True,
) -> Interaction:
    """Check one JSON object and make it an interaction.

    Args:
        content: the object.
        source: file (and line) for messages.
        digest: the interaction's identity, `sha256:…`.
        recording: path of the recording that belongs to it, if there is one.
        language: of messages.
        readable: normalise what was said; where nobody reads it, that can be saved.

    Raises:
        InputError: Z107 a required key is missing, Z108 a key has a wrong value.
    """
    read = _Reader(source, language)
    channel = _channel(read, content)
    turns, turn_extra = _turns(read, content, normalise if readable else _as_it_is)
    if not turns and not (channel is Channel.CALL and recording is not None):
        named = "ingest.expected.recording_or_turns" if channel is Channel.CALL else "ingest.expected.turns"
        read.missing("turns", t(language, named))
    agent, customer = content.get("agent"), content.get("customer")
    extra: dict[str, Json] = {key: value for key, value in content.items() if key not in _KNOWN}
    for name, value, known in (("agent", agent, _AGENT), ("customer", customer, _CUSTOMER)):
        if isinstance(value, dict) and (rest := {k: v for k, v in value.items() if k not in known}):
            extra[name] = rest
    if turn_extra:
        extra["turns"] = turn_extra
    return Interaction(
        id=_identifier(read, content),
        channel=channel,
        digest=digest,
        source=source,
        agent=_agent(read, agent),
        customer=_customer(read, customer),
        queue=read.text(content, "queue"),
        started_at=_started_at(read, content),
        recording=recording,
        channels=_channels(read, content),
        turns=turns,
        csat=read.number(content, "csat"),
        attributes=MappingProxyType(dict(read.table(content.get("attributes"), "attributes"))),
        extra=MappingProxyType(extra),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes typed values out of an object; the one place that words what was expected."""

    source: str
    language: Language

    def missing(self, path: str, expected: str) -> NoReturn:
        raise InputError(
            "Z107",
            t(self.language, "ingest.missing_key", key=path, expected=expected),
            where=f"{self.source}:{path}",
            hint=t(self.language, "ingest.see_formats"),
        )

    def wrong(self, path: str, value: Json, expected: str, **args: str) -> NoReturn:
        shown = masked_text(json.dumps(value, ensure_ascii=False))
        raise InputError(
            "Z108",
            t(
                self.language,
                "ingest.wrong_value",
                key=path,
                value=shown if len(shown) <= 60 else shown[:59] + "…",
                expected=t(self.language, f"ingest.expected.{expected}", **args),
            ),
            where=f"{self.source}:{path}",
            hint=t(self.language, "ingest.see_formats"),
        )

    def text(self, content: Mapping[str, Json], key: str, prefix: str = "") -> str | None:
        value = content.get(key)
        if value is not None and not isinstance(value, str):
            self.wrong(prefix + key, value, "text")
        return value

    def required_text(self, content: Mapping[str, Json], key: str, prefix: str = "") -> str:
        if key not in content:
            self.missing(prefix + key, t(self.language, "ingest.expected.filled_text"))
        value = content[key]
        if not isinstance(value, str) or not value.strip():
            self.wrong(prefix + key, value, "filled_text")
        return value

    def number(self, content: Mapping[str, Json], key: str, prefix: str = "") -> float | None:
        value = content.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(prefix + key, value, "number")
        try:
            return float(value)
        except OverflowError:
            self.wrong(prefix + key, value, "number")

    def seconds(self, content: Mapping[str, Json], key: str, prefix: str) -> float | None:
        value = self.number(content, key, prefix)
        if value is not None and value < 0:
            self.wrong(prefix + key, value, "seconds")
        return value

    def table(self, value: Json, path: str) -> Mapping[str, Json]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, value, "object")
        return value


def _identifier(read: _Reader, content: Mapping[str, Json]) -> str:
    value = read.required_text(content, "id").strip()
    if len(value) > _LONGEST_ID or not value.isprintable():
        read.wrong("id", value, "identifier", longest=str(_LONGEST_ID))
    return value


def _channel(read: _Reader, content: Mapping[str, Json]) -> Channel:
    allowed = ", ".join(Channel)
    value = content.get("channel")
    if "channel" not in content:
        read.missing("channel", t(read.language, "ingest.expected.one_of", allowed=allowed))
    if not isinstance(value, str) or value not in set(Channel):
        read.wrong("channel", value, "one_of", allowed=allowed)
    return Channel(value)


def _agent(read: _Reader, value: Json) -> Agent | None:
    if value is None:
        return None
    table = read.table(value, "agent")
    hired_on = read.text(table, "hired_on", "agent.")
    if hired_on is not None:
        try:
            date.fromisoformat(hired_on)
        except ValueError:
            read.wrong("agent.hired_on", hired_on, "date")
    return Agent(
        read.required_text(table, "id", "agent.").strip(),
        read.text(table, "name", "agent."),
        read.text(table, "team", "agent."),
        hired_on,
    )


def _customer(read: _Reader, value: Json) -> Customer | None:
    if value is None:
        return None
    table = read.table(value, "customer")
    return Customer(read.text(table, "id", "customer."), read.text(table, "segment", "customer."))


def _started_at(read: _Reader, content: Mapping[str, Json]) -> datetime | None:
    value = read.text(content, "started_at")
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        read.wrong("started_at", value, "moment")
    if moment.tzinfo is None:
        read.wrong("started_at", value, "moment")
    return moment


def _channels(read: _Reader, content: Mapping[str, Json]) -> Mapping[str, Speaker]:
    sides: dict[str, Speaker] = {}
    for side, role in read.table(content.get("channels"), "channels").items():
        if side not in _SIDES:
            read.wrong("channels", side, "side", allowed=", ".join(_SIDES))
        sides[side] = _speaker(read, role, f"channels.{side}")
    return MappingProxyType(sides)


def _speaker(read: _Reader, value: Json, path: str) -> Speaker:
    if not isinstance(value, str) or value not in _SPEAKERS:
        read.wrong(path, value, "one_of", allowed=", ".join(Speaker))
    return _SPEAKERS[value]


def _turns(
    read: _Reader, content: Mapping[str, Json], form: Callable[[str], str]
) -> tuple[tuple[Turn, ...], dict[str, Json]]:
    value = content.get("turns")
    if value is None:
        return (), {}
    if not isinstance(value, list):
        read.wrong("turns", value, "list")
    turns: list[Turn] = []
    extra: dict[str, Json] = {}
    for index, item in enumerate(value):
        path = f"turns[{index}]"
        if not isinstance(item, dict):
            read.wrong(path, item, "object")
        turns.append(_turn(read, item, index, f"{path}.", form))
        if rest := {key: kept for key, kept in item.items() if key not in _TURN}:
            extra[str(index)] = rest
    return tuple(turns), extra


def _turn(read: _Reader, item: Mapping[str, Json], index: int, prefix: str, form: Callable[[str], str]) -> Turn:
    if "speaker" not in item:
        read.missing(prefix + "speaker", t(read.language, "ingest.expected.one_of", allowed=", ".join(Speaker)))
    if "text" not in item:
        read.missing(prefix + "text", t(read.language, "ingest.expected.text"))
    original = item["text"]
    if not isinstance(original, str):
        read.wrong(prefix + "text", original, "text")
    start, end = read.seconds(item, "start", prefix), read.seconds(item, "end", prefix)
    if start is not None and end is not None and end < start:
        read.wrong(prefix + "end", end, "after_start", start=f"{start:g}")
    speaker = _speaker(read, item["speaker"], prefix + "speaker")
    return Turn(index, speaker, form(original), original, start, end)


def _as_it_is(text: str) -> str:
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(digits)
    return value
