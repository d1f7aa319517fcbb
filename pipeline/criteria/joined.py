"""What an expression is made into, once: a function that only needs the conversation and the context.

A kind is looked up, and a window looked at, when the plan is made, not for every conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import Context, Hit, Outcome, State, evidence
from pipeline.criteria.window import Window, select, without_anchor

if TYPE_CHECKING:
    from pipeline.criteria.expression import ExpressionBase

Plan: TypeAlias = Callable[[Conversation, Context], Outcome]


def plan_of(expression: ExpressionBase) -> Plan:
    """What says whether `expression` holds.

    `any_of` and `all_of` decide by the branches that can be decided; a branch that could not be measured never makes
    `any_of` fail or `all_of` hold.
    """
    operator, params = expression.operator, expression.params
    if operator == "condition":
        return partial(_condition, params)
    if operator == "not":
        return partial(_not, params.plan)
    if operator in _JOINED:
        return partial(_JOINED[operator], tuple(branch.plan for branch in params))
    plan: Plan = partial(expression.kinds[operator].evaluate, params)
    window: Window | None = getattr(params, "window", None)
    if window is not None and window.every:
        plan = partial(_in_every_turn, plan, getattr(params, "by", "anyone"), window)
    return partial(_anchored, plan, window) if window is not None and window.anchors else plan


def _condition(name: str, conversation: Conversation, context: Context) -> Outcome:
    if context.anchor is not None:
        return context.rules.conditions[name].plan(conversation, context)
    return context.named(name, conversation)


def _not(plan: Plan, conversation: Conversation, context: Context) -> Outcome:
    inner = plan(conversation, context)
    if inner.state is State.NO:
        return Outcome(State.YES, inner.confidence, inner.reason, (), inner.needs_reader)
    turned = State.NO if inner.state is State.YES else inner.state
    return Outcome(turned, inner.confidence, inner.reason, inner.hits, inner.needs_reader)


def _anchored(plan: Plan, window: Window, conversation: Conversation, context: Context) -> Outcome:
    """What the operator says where the conditions came up beside which it looks; otherwise that they did not."""
    return without_anchor(window, conversation, context) or plan(conversation, context)


def _in_every_turn(plan: Plan, role: Any, window: Window, conversation: Conversation, context: Context) -> Outcome:
    """Whether the operator holds in each turn of its window by itself; turns that it cannot judge are left out."""
    turns = select(conversation, role, window, context) if context.only is None else ()
    if not turns:
        return plan(conversation, context)
    outcomes = [plan(conversation, context.within(turn)) for turn in turns]
    failed = [(turn, o) for turn, o in zip(turns, outcomes, strict=True) if o.state is State.NO]
    if failed:
        hits = tuple(Hit((evidence(conversation.turns[turn]),), outcome.confidence) for turn, outcome in failed)
        place = hits[0].evidence[0]
        args: dict[str, str | int | float] = {"turn": place.turn + 1, "quote": place.quote, "count": len(hits)}
        confidence = max(outcome.confidence for _, outcome in failed)
        return Outcome(State.NO, confidence, Reason("criteria.window.not_every", args), hits)
    decided = [outcome for outcome in outcomes if outcome.state is not State.UNAVAILABLE]
    return _together(decided or outcomes)


def _any_of(plans: tuple[Plan, ...], conversation: Conversation, context: Context) -> Outcome:
    outcomes = [plan(conversation, context) for plan in plans]
    held = [outcome for outcome in outcomes if outcome.state is State.YES]
    if not held:
        undecided = _first(outcomes, State.UNSURE)
        if undecided is not None:
            return undecided
        failed = [outcome for outcome in outcomes if outcome.state is State.NO]
        return _failed(failed) if failed else outcomes[0]
    surest = max(held, key=_confidence) if len(held) > 1 else held[0]
    hits = tuple([hit for outcome in held for hit in outcome.hits])
    if len(hits) > 1:
        different = {(hit.turn, hit.evidence[0].span, hit.evidence): hit for hit in hits}.values()
        hits = tuple(sorted(different, key=_place))
    return Outcome(State.YES, surest.confidence, surest.reason, hits)


def _failed(failed: Sequence[Outcome]) -> Outcome:
    """What is said where these branches failed, and none held: as the first of them, as sure as the least sure."""
    first = failed[0]
    confidence = min([outcome.confidence for outcome in failed])
    hits = tuple([hit for outcome in failed for hit in outcome.hits])
    if confidence == first.confidence and not hits and first.share is None and not first.needs_reader:
        return first
    return Outcome(State.NO, confidence, first.reason, hits)


def _all_of(plans: tuple[Plan, ...], conversation: Conversation, context: Context) -> Outcome:
    """The first branch that does not hold decides; those behind it are not asked."""
    outcomes: list[Outcome] = []
    for plan in plans:
        outcomes.append(plan(conversation, context))
        if outcomes[-1].state is State.NO:
            break
    return _together(outcomes)


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    decisive = _first(outcomes, State.NO, State.UNSURE, State.UNAVAILABLE)
    if decisive is not None:
        return Outcome(decisive.state, decisive.confidence, decisive.reason, decisive.hits, decisive.needs_reader)
    hits = tuple([hit for outcome in outcomes for hit in outcome.hits])
    reason: Reason = next((o.reason for o in outcomes if o.hits), outcomes[0].reason)
    return Outcome(State.YES, min([outcome.confidence for outcome in outcomes]), reason, hits)


def _first(outcomes: Sequence[Outcome], *states: State) -> Outcome | None:
    for state in states:
        for outcome in outcomes:
            if outcome.state is state:
                return outcome
    return None


def _confidence(outcome: Outcome) -> float:
    return outcome.confidence


def _place(hit: Hit) -> tuple[int, tuple[int, int]]:
    first = hit.evidence[0]
    return first.turn, first.span


_JOINED = {"any_of": _any_of, "all_of": _all_of}
