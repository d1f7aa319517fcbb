"""The little dialogues under `examples`: text → `Conversation`.

A dialogue is lines `[0.8-3.1] 坐席(0.92): 您好`: times, word confidence, and after it how sure the role is
(`坐席(0.9, 0.4)`), may be left out. So may how loud the turn is and what music plays in the silence before it, in dB
relative to full scale: `坐席(-26 dB)`, `坐席(0.9, -26 dB, ♪ -30 dB)`. Lines that begin with `@` say what the
conversation came with:

    @channel chat                 call, chat, email
    @queue 售后                   also @segment, @agent, @team, @csat, @started_at
    @attribute order_status=shipped
    @duration 12                  seconds; short for @measure duration=12
    @measure longest_silence=6.2
    @class complaint_level=1      complaint_type, complaint_level, problem, resolved
    @ended_by customer            short for @attribute ended_by=customer
    @reading 2 sentiment=-0.6 complaint=0.9   how the second turn reads: tones, confidence, acts
    @answer yes 我查了一下         what a language model answers to questions, and what it quotes
    @decided yes                  what a person decides
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pipeline.conversation import (
    Agent,
    Answer,
    Channel,
    Classes,
    Conversation,
    Customer,
    Interaction,
    Json,
    Measures,
    Reading,
    Speaker,
    Turn,
)
from pipeline.criteria.manual import DECIDED
from pipeline.criteria.question import ANY_QUESTION
from pipeline.dialogue import measure
from pipeline.text import normalise

_SPEAKERS = {
    "坐席": Speaker.AGENT, "客服": Speaker.AGENT, "agent": Speaker.AGENT,
    "客户": Speaker.CUSTOMER, "顾客": Speaker.CUSTOMER, "customer": Speaker.CUSTOMER,
    "机器人": Speaker.BOT, "bot": Speaker.BOT,
    "系统": Speaker.SYSTEM, "system": Speaker.SYSTEM,
    "未知": Speaker.UNKNOWN, "unknown": Speaker.UNKNOWN,
}  # fmt: skip
_LINE = re.compile(
    r"(?:\[\s*(?P<start>[\d.]+)\s*(?:-\s*(?P<end>[\d.]+)\s*)?\]\s*)?"
    r"(?P<speaker>\w+?)\s*(?:[(（](?P<notes>[^()（）]*)[)）])?\s*[:：]\s*(?P<text>.*)"
)
_LEVEL = re.compile(r"(♪?)\s*(-\d+(?:\.\d+)?)\s*dB", re.IGNORECASE)
_MEASURES = tuple(measured.name for measured in fields(Measures))
_CLASSES = tuple(classed.name for classed in fields(Classes))
_TONES = ("politeness", "empathy", "sentiment", "confidence")
_SURE = 0.9
"""How sure a reading is taken to be that says nothing of its confidence."""


@dataclass(slots=True)
class _Given:
    """What the lines with `@` say."""

    channel: Channel
    interaction: dict[str, Any] = field(default_factory=dict)
    agent: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Json] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    classes: dict[str, Any] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)


def dialogue(
    text: str, *, channel: Channel = Channel.CALL, reader: Callable[[Conversation], Conversation] | None = None
) -> Conversation:
    """The conversation of a little dialogue, with the measures that its times allow.

    Args:
        text: one turn or one `@` line a line.
        channel: where no line says another.
        reader: reads tone and acts; what the lines with `@` say stands above it.

    Raises:
        ValueError: a line does not begin with a known speaker and a colon, or with a known `@` word; the error is the
            line.
    """
    given = _Given(channel)
    turns: list[Turn] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            if line.startswith("@"):
                _header(line, given)
            else:
                turns.append(_turn(line, len(turns)))
        except (KeyError, ValueError):
            raise ValueError(line) from None
    conversation = Conversation(
        Interaction(
            "example",
            given.channel,
            digest="",
            source="example",
            turns=tuple(turns),
            agent=Agent(**{"id": "example", **given.agent}) if given.agent else None,
            attributes=MappingProxyType(given.attributes),
            **given.interaction,
        ),
        tuple(turns),
        measures=measure(given.channel, turns),
    )
    if reader is not None:
        conversation = reader(conversation)
    return _overlaid(conversation, given)


def _turn(line: str, index: int) -> Turn:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(line)
    speaker = _SPEAKERS[match["speaker"].lower()]
    numbers, levels = _notes(match["notes"])
    known = 0.0 if speaker is Speaker.UNKNOWN else 1.0
    return Turn(
        index=index,
        speaker=speaker,
        text=normalise(match["text"]),
        original=match["text"],
        start=float(match["start"]) if match["start"] else None,
        end=float(match["end"]) if match["end"] else None,
        confidence=numbers[0] if numbers else None,
        role_confidence=numbers[1] if len(numbers) > 1 else known,
        loudness=levels.get(""),
        sound_before=levels.get("♪"),
    )


def _notes(text: str | None) -> tuple[list[float], dict[str, float]]:
    """What stands in brackets behind a speaker: word confidence and sureness of the role; levels by their sign."""
    notes = [] if text is None else [note.strip() for note in re.split("[,，]", text)]
    levels = [match for note in notes if (match := _LEVEL.fullmatch(note))]
    numbers = [float(note) for note in notes if not _LEVEL.fullmatch(note)]
    if len(numbers) > 2 or any(not 0 <= number <= 1 for number in numbers):
        raise ValueError(text)
    return numbers, {match[1]: float(match[2]) for match in levels}


def _header(line: str, given: _Given) -> None:
    word, _, rest = line[1:].partition(" ")
    rest = rest.strip()
    if not rest:
        raise ValueError(line)
    if word == "channel":
        given.channel = Channel(rest)
    elif word == "queue":
        given.interaction["queue"] = rest
    elif word == "segment":
        given.interaction["customer"] = Customer(segment=rest)
    elif word == "csat":
        given.interaction["csat"] = float(rest)
    elif word == "started_at":
        given.interaction["started_at"] = datetime.fromisoformat(rest)
    elif word in ("agent", "team"):
        given.agent["id" if word == "agent" else word] = rest
    elif word == "ended_by":
        given.attributes[word] = rest
    elif word == "duration":
        given.measures[word] = float(rest)
    elif word == "attribute":
        given.attributes.update(_pairs(rest))
    elif word == "measure":
        given.measures.update(_known(_numbers(_pairs(rest)), _MEASURES))
    elif word == "class":
        given.classes.update(_known(_pairs(rest), _CLASSES))
    elif word == "answer":
        value, _, quote = rest.partition(" ")
        given.answers[ANY_QUESTION] = Answer(value, quote.strip())
    elif word == "decided":
        given.answers[DECIDED] = Answer({"yes": "yes", "no": "no"}[rest])
    elif word == "reading":
        number, _, rest = rest.partition(" ")
        given.readings[int(number) - 1] = _reading(_pairs(rest))
    else:
        raise ValueError(line)


def _pairs(text: str) -> dict[str, Json]:
    """`key=value key=value`; blanks within the last value stay."""
    parts = re.split(r"\s+(?=[^\s=]+=)", text)
    pairs = [part.partition("=") for part in parts]
    if any(not sign or not key for key, sign, _ in pairs):
        raise ValueError(text)
    return {key: _value(value.strip()) for key, _, value in pairs}


def _known(pairs: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    if not set(pairs) <= set(names):
        raise ValueError(", ".join(pairs))
    return pairs


def _numbers(pairs: Mapping[str, Json]) -> dict[str, int | float]:
    numbers = {name: value for name, value in pairs.items() if isinstance(value, int | float)}
    if len(numbers) < len(pairs):
        raise ValueError(", ".join(pairs))
    return numbers


def _value(text: str) -> Json:
    if text in ("true", "false", "null"):
        return {"true": True, "false": False}.get(text)
    if re.fullmatch(r"[-+]?(0|[1-9]\d*)", text):
        return int(text)
    return float(text) if re.fullmatch(r"[-+]?\d+\.\d+", text) else text


def _reading(pairs: Mapping[str, Json]) -> Reading:
    numbers = {name: float(value) for name, value in _numbers(pairs).items()}
    tones = {name: numbers[name] for name in _TONES if name in numbers}
    acts = {name: value for name, value in numbers.items() if name not in _TONES}
    return Reading(**{"confidence": _SURE, **tones}, acts=MappingProxyType(acts))  # type: ignore[arg-type]


def _overlaid(conversation: Conversation, given: _Given) -> Conversation:
    readings = list(conversation.readings)
    for index in given.readings:
        if not 0 <= index < len(conversation.turns):
            raise ValueError(f"@reading {index + 1}")
    if given.readings:
        readings = [
            given.readings.get(turn.index, readings[turn.index] if readings else Reading())
            for turn in conversation.turns
        ]
    return replace(
        conversation,
        readings=tuple(readings),
        measures=replace(conversation.measures, **given.measures),
        classes=replace(conversation.classes, **given.classes),
        answers=MappingProxyType(given.answers),
    )
