"""What a turn means because of the turns before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from models.utterance.records import TurnReading, Utterance

_ANSWERS_WITHIN = 3
"""Agent turns in which an answer to a question about another person is looked for."""


def with_context(turns: Sequence[Utterance], readings: Sequence[TurnReading]) -> tuple[TurnReading, ...]:
    """Readings in the light of the turns before.

    Account data told after a question about somebody else is that person's data.
    """
    told: list[TurnReading] = []
    open_for = 0
    for turn, reading in zip(turns, readings, strict=True):
        if turn.role == "customer" and reading.acts.get("asks_for_others", 0.0) > 0.5:
            open_for = _ANSWERS_WITHIN
        elif turn.role == "agent" and open_for:
            open_for -= 1
            data = reading.acts.get("account_data", 0.0)
            if data > reading.acts.get("other_persons_data", 0.0):
                cues = tuple(replace(c, kind="other_persons_data") for c in reading.cues if c.kind == "account_data")
                acts = MappingProxyType({**reading.acts, "other_persons_data": max(data, 0.8)})
                reading = replace(reading, acts=acts, cues=(*reading.cues, *cues))
        told.append(reading)
    return tuple(told)
