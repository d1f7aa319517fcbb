"""Flag rules that cannot fire, fire always, or stand there twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.criteria.base import State
from pipeline.scorecard.checks.certain import certain
from pipeline.scorecard.model import FlagRule, Scorecard
from pipeline.scorecard.problems import Fault, Place

FULL = 100.0


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Flag rules of `card` that do nothing, or everything."""
    for number, rule in enumerate(card.flag):
        place: Place = ("flag", number)
        yield from _of_totals(rule, card, place)
        yield from _of_criteria(rule, card, place)
        if rule.when is not None:
            outcome = certain(rule.when, card)
            if outcome is State.YES:
                yield _odd((*place, "when"), "flag_always", "when_always")
            elif outcome is not None:
                yield _odd((*place, "when"), "flag_never", "when_never")
        if rule.random is not None:
            shares = list(rule.random.values()) if isinstance(rule.random, Mapping) else [rule.random]
            if not any(shares) and not rule.at_least:
                yield _odd((*place, "random"), "flag_never", "random_none")
            elif min(shares, default=0.0) >= 1.0:
                yield _odd((*place, "random"), "flag_always", "random_all")
        first = next((n for n in range(number) if _same(card.flag[n], rule)), None)
        if first is not None:
            yield Fault(place, "flag_twice", {"first": first + 1}, severity="warning")


def _odd(place: Place, rule: str, why: str) -> Fault:
    return Fault(place, rule, {"why": f"@validate.why.{why}"}, severity="warning")


def _of_totals(rule: FlagRule, card: Scorecard, place: Place) -> Iterator[Fault]:
    if rule.below_pass and card.pass_mark <= 0:
        yield _odd((*place, "below_pass"), "flag_never", "pass_is_zero")
    if rule.total_below is not None and rule.total_below <= 0:
        yield _odd((*place, "total_below"), "flag_never", "below_zero")
    if rule.total_below is not None and rule.total_below > FULL:
        yield _odd((*place, "total_below"), "flag_always", "below_all")
    critical = any(criterion.severity == "critical" for criterion in card.criteria)
    if rule.critical_below is not None and not critical:
        yield _odd((*place, "critical_below"), "flag_never", "none_critical")


def _of_criteria(rule: FlagRule, card: Scorecard, place: Place) -> Iterator[Fault]:
    if rule.fatal and not any(criterion.fatal for criterion in card.criteria):
        yield _odd((*place, "fatal"), "flag_never", "none_fatal")
    if rule.severity is not None and not any(criterion.severity == rule.severity for criterion in card.criteria):
        yield _odd((*place, "severity"), "flag_never", "none_so_severe")
    if rule.low_confidence is not None and rule.low_confidence <= 0:
        yield _odd((*place, "low_confidence"), "flag_never", "confidence_zero")
    for key in ("unsure", "low_confidence"):
        named = {"unsure": rule.unsure, "low_confidence": rule.of or None}[key]
        if getattr(rule, key) is None or not isinstance(named, tuple) or not named:
            continue
        if all(criterion.review == "never" for criterion in card.criteria if criterion.id in named):
            yield _odd((*place, key), "flag_never", "review_never")
    both = set(rule.unmet if isinstance(rule.unmet, tuple) else ())
    if both and rule.of and not both & set(rule.of):
        yield _odd((*place, "of"), "flag_never", "nothing_in_common")


def _same(one: FlagRule, other: FlagRule) -> bool:
    leave = {"id", "title", "priority"}
    return one.model_dump(exclude=leave) == other.model_dump(exclude=leave)
