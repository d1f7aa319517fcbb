"""The reading step: how every turn reads, and what that says of the conversation's tone and class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from models.utterance.records import ConversationReading, TurnReading, Utterance
from pipeline.conversation import Classes, Conversation, Cue, Reading, Speaker, Turn
from pipeline.placeholders import StoodIn, stand_in


class TurnReader(Protocol):
    """What reads turns: `models.utterance.Reader`, or anything with the same two members."""

    @property
    def digest(self) -> str:
        """Identity of the model, for the engine block of an evaluation."""

    def read_all(self, conversations: Sequence[tuple[Utterance, ...]]) -> Sequence[ConversationReading]:
        """One reading a conversation, in order."""


def read(conversations: Iterable[Conversation], *, reader: TurnReader) -> tuple[Conversation, ...]:
    """Fill readings, tone measures and classes of every conversation.

    All are read together, which is many times faster than one by one. Turns of unknown speakers, bots and the system
    are not read. What was measured before (silence, pace …) stays. Made-up values stand in for masked personal data, so
    that a masked turn reads as the turn did.
    """
    waiting = tuple(conversations)
    said = [tuple(_utterance(turn) for turn in conversation.turns) for conversation in waiting]
    return tuple(
        _filled(conversation, reading) for conversation, reading in zip(waiting, reader.read_all(said), strict=True)
    )


def _filled(conversation: Conversation, reading: ConversationReading) -> Conversation:
    whole = reading.whole
    return replace(
        conversation,
        readings=tuple(
            _reading(read, stand_in(turn.text)) for read, turn in zip(reading.turns, conversation.turns, strict=True)
        ),
        measures=replace(
            conversation.measures,
            politeness=whole.politeness,
            empathy=whole.empathy,
            sentiment_start=whole.sentiment_start,
            sentiment_end=whole.sentiment_end,
            agent_sentiment=whole.agent_sentiment,
        ),
        classes=Classes(whole.complaint_type, whole.complaint_level, whole.problem, whole.resolved, whole.need),
    )


def _utterance(turn: Turn) -> Utterance:
    stood_in = stand_in(turn.text)
    text = turn.text if stood_in is None else stood_in.text
    if turn.speaker is Speaker.AGENT:
        return Utterance("agent", text)
    if turn.speaker is Speaker.CUSTOMER:
        return Utterance("customer", text)
    return Utterance("other", text)


def _reading(reading: TurnReading, stood_in: StoodIn | None) -> Reading:
    return Reading(
        politeness=reading.politeness,
        empathy=reading.empathy,
        sentiment=reading.sentiment,
        confidence=reading.confidence,
        acts=MappingProxyType(dict(reading.acts)),
        cues=tuple(Cue(cue.kind, _span(cue.start, cue.end, stood_in)) for cue in reading.cues),
        disputed=tuple(sorted(reading.disputed)),
    )


def _span(start: int, end: int, stood_in: StoodIn | None) -> tuple[int, int]:
    return (start, end) if stood_in is None or start >= end else stood_in.span(start, end)
