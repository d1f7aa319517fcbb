"""Names that only the reader knows: acts, tones and problems, and who can have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.scorecard.checks.walk import expressions
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault, Place

_READ = ("act", "tone", "class")
_OF_THE_AGENT = ("politeness", "empathy")
"""Tones that are read of the agent only."""


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Acts, tones and problems in `card` that no reader tells, or not of this speaker."""
    for place, expression in expressions(card):
        if expression.operator in _READ:
            below = (*place, expression.operator)
            if expression.operator == "act":
                yield from _acts(expression.params, below)
            elif expression.operator == "tone" and expression.params.of in _OF_THE_AGENT:
                if expression.params.by != "agent":
                    args = {"of": expression.params.of, "by": expression.params.by}
                    yield Fault((*below, "by"), "tone_of_agent", args, severity="warning")
            elif expression.operator == "class":
                yield from _problems(expression.params, below)


def _acts(params: Any, place: Place) -> Iterator[Fault]:
    from models.utterance.acts import ACTS

    every = tuple(dict.fromkeys(name for names in ACTS.values() for name in names))
    for number, name in enumerate(params.any):
        if name not in every:
            yield Fault((*place, "any", number), "unknown_act", {"name": name}, every)
        elif params.by in ("bot", "system") or (params.by in ACTS and name not in ACTS[params.by]):
            speaker = next(role for role, names in ACTS.items() if name in names)
            args = {"name": name, "by": params.by, "speaker": speaker}
            yield Fault((*place, "any", number), "act_of_other", args)


def _problems(params: Any, place: Place) -> Iterator[Fault]:
    from models.utterance.acts import CLASSES

    for number, name in enumerate(params.problem or ()):
        if name not in CLASSES["problem"]:
            yield Fault((*place, "problem", number), "unknown_problem", {"name": name}, CLASSES["problem"], "warning")
