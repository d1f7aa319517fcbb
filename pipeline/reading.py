"""The reading step: how every turn reads, and what that says of the conversation's tone and class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from models.utterance.records import TurnReading, Utterance
from models.utterance.whole import WholeReading
from pipeline.conversation import Classes, Conversation, Cue, Reading, Speaker, Turn


class TurnReader(Protocol):
    """What reads turns: `models.utterance.Reader`, or anything with the same three members."""

    @property
    def digest(self) -> str:
        """Identity of the model, for the engine block of an evaluation."""

    def read(self, turns: tuple[Utterance, ...]) -> tuple[TurnReading, ...]:
        """One reading a turn."""

    def whole(self, turns: tuple[Utterance, ...], readings: tuple[TurnReading, ...]) -> WholeReading:
        """What the readings come to together."""


def read(conversations: Iterable[Conversation], *, reader: TurnReader) -> tuple[Conversation, ...]:
    """Fill readings, tone measures and classes of every conversation.

    Turns of unknown speakers, bots and the system are not read. What was measured before (silence, pace …) stays.
    """
    return tuple(_read_one(conversation, reader) for conversation in conversations)


def _read_one(conversation: Conversation, reader: TurnReader) -> Conversation:
    utterances = tuple(_utterance(turn) for turn in conversation.turns)
    readings = reader.read(utterances)
    whole = reader.whole(utterances, readings)
    return replace(
        conversation,
        readings=tuple(_reading(reading) for reading in readings),
        measures=replace(
            conversation.measures,
            politeness=whole.politeness,
            empathy=whole.empathy,
            sentiment_start=whole.sentiment_start,
            sentiment_end=whole.sentiment_end,
            agent_sentiment=whole.agent_sentiment,
        ),
        classes=Classes(whole.complaint_type, whole.complaint_level, whole.problem, whole.resolved),
    )


def _utterance(turn: Turn) -> Utterance:
    if turn.speaker is Speaker.AGENT:
        return Utterance("agent", turn.text)
    if turn.speaker is Speaker.CUSTOMER:
        return Utterance("customer", turn.text)
    return Utterance("other", turn.text)


def _reading(reading: TurnReading) -> Reading:
    return Reading(
        politeness=reading.politeness,
        empathy=reading.empathy,
        sentiment=reading.sentiment,
        confidence=reading.confidence,
        acts=MappingProxyType(dict(reading.acts)),
        cues=tuple(Cue(cue.kind, (cue.start, cue.end)) for cue in reading.cues),
    )
