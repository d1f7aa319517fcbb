"""What comes out the same whatever is said: criteria that never apply, exceptions that never hold, idle steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.conversation import Channel
from pipeline.criteria import flow
from pipeline.criteria.base import State
from pipeline.criteria.expression import ExpressionBase
from pipeline.criteria.window import Window
from pipeline.scorecard.checks.limits import contradicts, window_faults
from pipeline.scorecard.checks.walk import expressions
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault, Severity

_ONLY_IN: Mapping[str, frozenset[Channel]] = {
    "interruption": frozenset({Channel.CALL}),
    "loudness": frozenset({Channel.CALL}),
    "response": frozenset({Channel.CHAT, Channel.EMAIL}),
}
"""Operators that can only be measured in these channels."""


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Parts of `card` that can come out one way only."""
    for number, criterion in enumerate(card.criteria):
        place = ("criteria", number)
        name = {"id": criterion.id}
        if criterion.applies_when is not None:
            outcome = certain(criterion.applies_when, card)
            if outcome is State.YES:
                yield Fault((*place, "applies_when"), "always_applies", name, severity="advice")
            elif outcome is not None and criterion.if_unknown != "applies":
                yield Fault((*place, "applies_when"), "never_applies", name, severity="warning")
        decided = certain(criterion.expression, card)
        if decided is State.UNAVAILABLE:
            severity: Severity = "warning" if criterion.points else "advice"
            yield Fault((*place, criterion.expression.operator), "not_measurable", name, severity=severity)
        elif decided is State.NO and not _told_elsewhere(criterion.expression):
            rule = "never_happens" if criterion.fault or criterion.bonus else "never_met"
            yield Fault((*place, criterion.expression.operator), rule, name, severity="warning")
        elif decided is State.YES:
            rule = "always_happens" if criterion.fault else "always_met"
            yield Fault((*place, criterion.expression.operator), rule, name, severity="warning")
        for which, exception in enumerate(criterion.unless):
            outcome = certain(exception, card)
            if outcome is State.YES:
                yield Fault((*place, "unless", which), "always_excused", name, severity="warning")
            elif outcome is not None:
                yield Fault((*place, "unless", which), "never_excused", name, severity="warning")
    for where, expression in expressions(card):
        if expression.operator == "flow":
            for step in flow.unreachable(expression.params):
                args = {"step": step}
                yield Fault((*where, "flow", "steps", step), "unreachable_step", args, severity="warning")


def certain(expression: ExpressionBase, card: Scorecard) -> State | None:
    """What `expression` says of every conversation that `card` may score; `None` where it depends.

    `UNAVAILABLE` also stands for what may be no or may be without answer, but is never yes.
    """
    operator, params = expression.operator, expression.params
    if operator == "condition":
        named = card.conditions.get(params)
        return certain(named.operator, card) if named else None
    if operator == "not":
        inner = certain(params, card)
        return {State.YES: State.NO, State.NO: State.YES}.get(inner, inner) if inner else None
    if operator == "any_of":
        return _any_of([certain(branch, card) for branch in params])
    if operator == "all_of":
        if _contradictory(params, card):
            return State.NO
        return _all_of([certain(branch, card) for branch in params])
    if operator == "sequence":
        states = [certain(part, card) for part in expression.children()]
        return State.UNAVAILABLE if any(state not in (None, State.YES) for state in states) else None
    if operator == "channel" and card.channels:
        asked = set(params.is_)
        if not asked & set(card.channels):
            return State.NO
        return State.YES if set(card.channels) <= asked else None
    if card.channels and operator in _ONLY_IN and not _ONLY_IN[operator] & set(card.channels):
        return State.UNAVAILABLE
    return State.NO if contradicts(params) or _empty(getattr(params, "window", None)) else None


def _told_elsewhere(expression: ExpressionBase) -> bool:
    """Whether the operator itself contradicts itself, which is an error of its own."""
    params = expression.params
    return contradicts(params) or _empty(getattr(params, "window", None))


def _any_of(states: list[State | None]) -> State | None:
    if State.YES in states:
        return State.YES
    if None in states:
        return None
    return State.NO if State.NO in states else State.UNAVAILABLE


def _all_of(states: list[State | None]) -> State | None:
    if State.NO in states:
        return State.NO
    if State.UNAVAILABLE in states:
        return State.UNAVAILABLE
    return None if None in states else State.YES


def _contradictory(branches: tuple[ExpressionBase, ...], card: Scorecard) -> bool:
    """Whether one branch denies another, or the channels that they ask for exclude one another."""
    if any(one.operator == "not" and one.params in branches for one in branches):
        return True
    asked = [set(branch.params.is_) for branch in branches if branch.operator == "channel"]
    return bool(asked) and not set.intersection(*asked)


def _empty(window: Window | None) -> bool:
    return window is not None and any(
        fault.severity == "error" and fault.rule in ("turn_zero", "reversed")
        for fault in window_faults(window, (), has_hit=True)
    )
