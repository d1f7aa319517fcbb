"""The reading step: how every turn reads, and what that says of the conversation's tone and class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from models.utterance.records import ConversationReading, TurnReading, Utterance
from pipeline.conversation import Classes, Conversation, Cue, Reading, Speaker, Turn


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
    are not read. What was measured before (silence, pace …) stays.
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
        readings=tuple(_reading(turn) for turn in reading.turns),
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
        disputed=tuple(sorted(reading.disputed)),
    )
