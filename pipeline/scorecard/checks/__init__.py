"""What a card may say and hardly means, or can never come true: one module a subject, each `(card, plain) → faults`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.scorecard.checks import certain, flags, idle, limits, names, wording, worth
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault

CHECKS = (
    limits.faults, names.faults, certain.faults, worth.faults, flags.faults, wording.faults, idle.faults,
)  # fmt: skip


def doubts(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """What is doubtful about `card`, whose schema is right; `plain` are the values of its file."""
    for check in CHECKS:
        yield from check(card, plain)
