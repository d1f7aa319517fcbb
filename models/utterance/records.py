"""What the reader of utterances takes and gives back. Spans are half-open character offsets into the text as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["agent", "customer", "other"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn to be read: who says it, and what."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class CueMark:
    """Characters that made the reader think of an act (or of a tone, such as `please`)."""

    kind: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class TurnReading:
    """How one turn reads.

    `politeness` and `empathy` are 0…1 and known for agents only, `sentiment` is −1…1, `confidence` 0…1 says how sure
    the reader is of its sentiment or politeness. `acts` maps an act to its probability; `disputed` names those of which
    the cue lexicons and the learnt encoder say the opposite.
    """

    politeness: float | None = None
    empathy: float | None = None
    sentiment: float | None = None
    confidence: float = 0.0
    acts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    cues: tuple[CueMark, ...] = ()
    disputed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WholeReading:
    """Tone measures and classes of one conversation; `None` where there was nothing to tell them from.

    `confidence` gives, for the classes, how probable the one named is.
    """

    politeness: float | None
    empathy: float | None
    sentiment_start: float | None
    sentiment_end: float | None
    agent_sentiment: float | None
    complaint_type: str | None
    complaint_level: int | None
    problem: str | None
    resolved: bool | None
    need: str | None = None
    confidence: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ConversationReading:
    """One reading a turn, and what they come to together."""

    turns: tuple[TurnReading, ...]
    whole: WholeReading
