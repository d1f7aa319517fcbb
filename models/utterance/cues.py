"""The reading of turns by cue lexicons alone: one of the reader's two opinions, and a base line to measure against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

from models.utterance.context import with_context
from models.utterance.lexicon import Lexicons, shipped, squeeze
from models.utterance.records import ConversationReading, TurnReading, Utterance, WholeReading
from models.utterance.tone import agent_sentiment, customer_sentiment, empathy, politeness
from models.utterance.whole import read_whole

RULES = "2"
"""Goes up with every change of the code that turns cues into readings, so that the digest changes with it."""


class CueReader:
    """Reads turns by cue lexicons. Stateless: the same turns always give the same readings."""

    name = "lexicon"

    def __init__(self, lexicons: Lexicons | None = None) -> None:
        self._lexicons = lexicons or shipped()

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over the lexicons and the version of the rules."""
        return "sha256:" + hashlib.sha256(f"{RULES}\0\0".encode() + self._lexicons.source).hexdigest()

    @property
    def acts(self) -> dict[str, frozenset[str]]:
        """The acts of each role that the lexicons know wordings of."""
        return {"agent": frozenset(self._lexicons.agent.acts), "customer": frozenset(self._lexicons.customer.acts)}

    def read_all(self, conversations: Sequence[Sequence[Utterance]]) -> list[ConversationReading]:
        """One reading a conversation, in order."""
        found = []
        for turns in conversations:
            readings = self.read(turns)
            found.append(ConversationReading(readings, self.whole(turns, readings)))
        return found

    def read(self, turns: Sequence[Utterance]) -> tuple[TurnReading, ...]:
        """One reading a turn, in order."""
        return with_context(turns, tuple(self._read_one(turn) for turn in turns))

    def whole(self, turns: Sequence[Utterance], readings: Sequence[TurnReading]) -> WholeReading:
        """What the readings of all `turns` come to."""
        return read_whole(turns, readings, self._lexicons)

    def _read_one(self, turn: Utterance) -> TurnReading:
        squeezed = squeeze(turn.text, self._lexicons.spelling)
        if turn.role == "agent":
            acts, cues = self._lexicons.agent.find(squeezed)
            return TurnReading(
                politeness=politeness(squeezed.text, acts),
                empathy=empathy(acts),
                sentiment=agent_sentiment(acts),
                confidence=max(acts.values(), default=0.3),
                acts=acts,
                cues=cues,
            )
        if turn.role == "customer":
            acts, cues = self._lexicons.customer.find(squeezed)
            return TurnReading(
                sentiment=customer_sentiment(acts), confidence=max(acts.values(), default=0.3), acts=acts, cues=cues
            )
        return TurnReading()
