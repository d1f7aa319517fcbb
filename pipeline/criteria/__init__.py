"""Kinds of criteria. One module is one kind; to add one, write the module and add its line to `KINDS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.conversation import Conversation, Reason
from pipeline.criteria import (
    act,
    attribute,
    channel,
    classes,
    criterion,
    emoji,
    ending,
    entity,
    flow,
    hold,
    interruption,
    loudness,
    manual,
    measure,
    pace,
    pattern,
    phrase,
    privacy,
    question,
    repetition,
    response,
    sequence,
    silence,
    similar,
    speaks,
    talk_ratio,
    terms,
    tone,
)
from pipeline.criteria.base import Context, Hit, Outcome, State, evidence
from pipeline.criteria.expression import Evaluate, ExpressionBase, Kind, expression_type
from pipeline.criteria.window import select, without_anchor

KINDS: dict[str, Kind] = {
    "phrase": Kind(phrase.Params, phrase.evaluate, phrase.__doc__),
    "pattern": Kind(pattern.Params, pattern.evaluate, pattern.__doc__),
    "similar": Kind(similar.Params, similar.evaluate, similar.__doc__),
    "sequence": Kind(sequence.Params, sequence.evaluate, sequence.__doc__),
    "flow": Kind(flow.Params, flow.evaluate, flow.__doc__),
    "act": Kind(act.Params, act.evaluate, act.__doc__),
    "tone": Kind(tone.Params, tone.evaluate, tone.__doc__),
    "pace": Kind(pace.Params, pace.evaluate, pace.__doc__),
    "silence": Kind(silence.Params, silence.evaluate, silence.__doc__),
    "response": Kind(response.Params, response.evaluate, response.__doc__),
    "ending": Kind(ending.Params, ending.evaluate, ending.__doc__),
    "interruption": Kind(interruption.Params, interruption.evaluate, interruption.__doc__),
    "loudness": Kind(loudness.Params, loudness.evaluate, loudness.__doc__),
    "talk_ratio": Kind(talk_ratio.Params, talk_ratio.evaluate, talk_ratio.__doc__),
    "repetition": Kind(repetition.Params, repetition.evaluate, repetition.__doc__),
    "emoji": Kind(emoji.Params, emoji.evaluate, emoji.__doc__),
    "terms": Kind(terms.Params, terms.evaluate, terms.__doc__),
    "privacy": Kind(privacy.Params, privacy.evaluate, privacy.__doc__),
    "hold": Kind(hold.Params, hold.evaluate, hold.__doc__),
    "speaks": Kind(speaks.Params, speaks.evaluate, speaks.__doc__),
    "class": Kind(classes.Params, classes.evaluate, classes.__doc__),
    "measure": Kind(measure.Params, measure.evaluate, measure.__doc__),
    "attribute": Kind(attribute.Params, attribute.evaluate, attribute.__doc__),
    "entity": Kind(entity.Params, entity.evaluate, entity.__doc__),
    "channel": Kind(channel.Params, channel.evaluate, channel.__doc__),
    "question": Kind(question.Params, question.evaluate, question.__doc__),
    "manual": Kind(manual.Params, manual.evaluate, manual.__doc__),
    "criterion": Kind(criterion.Params, criterion.evaluate, criterion.__doc__),
}
"""The literal registry: name in the YAML file → kind."""

Expression = expression_type(KINDS)
"""The pydantic model of an expression in a scorecard."""


def evaluate(expression: ExpressionBase, conversation: Conversation, context: Context) -> Outcome:
    """What `expression` says of `conversation`.

    `any_of` and `all_of` decide by the branches that can be decided; a branch that could not be measured never makes
    `any_of` fail or `all_of` hold.
    """
    operator, params = expression.operator, expression.params
    kind = KINDS.get(operator)
    if kind is None:
        return _JOINED[operator](params, conversation, context)
    window = expression.bound
    if window is not None:
        if window.anchors:
            lack = without_anchor(window, conversation, context)
            if lack is not None:
                return lack
        if window.every and context.only is None:
            return _in_every_turn(kind, params, conversation, context)
    return kind.evaluate(params, conversation, context)


def _condition(name: str, conversation: Conversation, context: Context) -> Outcome:
    if context.anchor is not None:
        return evaluate(context.rules.conditions[name], conversation, context)
    return context.named(name, conversation)


def _not(expression: ExpressionBase, conversation: Conversation, context: Context) -> Outcome:
    inner = evaluate(expression, conversation, context)
    turned = {State.YES: State.NO, State.NO: State.YES}.get(inner.state, inner.state)
    hits = inner.hits if turned is not State.YES else ()
    return Outcome(turned, inner.confidence, inner.reason, hits, inner.needs_reader)


def _in_every_turn(kind: Kind, params: Any, conversation: Conversation, context: Context) -> Outcome:
    """Whether the operator holds in each turn of its window by itself; turns that it cannot judge are left out."""
    turns = select(conversation, getattr(params, "by", "anyone"), params.window, context)
    if not turns:
        return kind.evaluate(params, conversation, context)
    outcomes = [kind.evaluate(params, conversation, context.within(turn)) for turn in turns]
    failed = [(turn, o) for turn, o in zip(turns, outcomes, strict=True) if o.state is State.NO]
    if failed:
        hits = tuple(Hit((evidence(conversation.turns[turn]),), outcome.confidence) for turn, outcome in failed)
        place = hits[0].evidence[0]
        args: dict[str, str | int | float] = {"turn": place.turn + 1, "quote": place.quote, "count": len(hits)}
        confidence = max(outcome.confidence for _, outcome in failed)
        return Outcome(State.NO, confidence, Reason("criteria.window.not_every", args), hits)
    decided = [outcome for outcome in outcomes if outcome.state is not State.UNAVAILABLE]
    return _together(decided or outcomes)


def _first(outcomes: list[Outcome], *states: State) -> Outcome | None:
    return next((outcome for state in states for outcome in outcomes if outcome.state is state), None)


def _any_of(branches: tuple[ExpressionBase, ...], conversation: Conversation, context: Context) -> Outcome:
    outcomes = [evaluate(branch, conversation, context) for branch in branches]
    held = [outcome for outcome in outcomes if outcome.state is State.YES]
    if held:
        surest = max(held, key=lambda outcome: outcome.confidence)
        hits = tuple([hit for outcome in held for hit in outcome.hits])
        if len(hits) > 1:
            different = {(hit.turn, hit.evidence[0].span, hit.evidence): hit for hit in hits}.values()
            hits = tuple(sorted(different, key=lambda hit: (hit.turn, hit.evidence[0].span)))
        return Outcome(State.YES, surest.confidence, surest.reason, hits)
    undecided = _first(outcomes, State.UNSURE)
    if undecided is not None:
        return undecided
    failed = [outcome for outcome in outcomes if outcome.state is State.NO]
    if failed:
        hits = tuple([hit for outcome in failed for hit in outcome.hits])
        return Outcome(State.NO, min([outcome.confidence for outcome in failed]), failed[0].reason, hits)
    return outcomes[0]


def _all_of(branches: tuple[ExpressionBase, ...], conversation: Conversation, context: Context) -> Outcome:
    """The first branch that does not hold decides; those behind it are not asked."""
    outcomes: list[Outcome] = []
    for branch in branches:
        outcomes.append(evaluate(branch, conversation, context))
        if outcomes[-1].state is State.NO:
            break
    return _together(outcomes)


def _together(outcomes: list[Outcome]) -> Outcome:
    decisive = _first(outcomes, State.NO, State.UNSURE, State.UNAVAILABLE)
    if decisive is not None:
        return Outcome(decisive.state, decisive.confidence, decisive.reason, decisive.hits, decisive.needs_reader)
    hits = tuple(hit for outcome in outcomes for hit in outcome.hits)
    reason: Reason = next((o.reason for o in outcomes if o.hits), outcomes[0].reason)
    return Outcome(State.YES, min(outcome.confidence for outcome in outcomes), reason, hits)


_JOINED: Mapping[str, Evaluate] = {"condition": _condition, "not": _not, "any_of": _any_of, "all_of": _all_of}
