"""The step `score`: a conversation and a scorecard → an evaluation in which every point has its reason and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.conversation import Conversation, Evaluation, Evidence, Finding, Reason, Verdict
from pipeline.criteria import evaluate
from pipeline.criteria.base import Context, Hit, Outcome, State, called
from pipeline.criteria.expression import ExpressionBase
from pipeline.scorecard import Criterion, Scorecard

JUDGED = (Verdict.MET, Verdict.PARTIAL, Verdict.UNMET)
"""Verdicts that count; the others stay out of the denominator."""
MAX_TOTAL = 100.0
ABSENCE_OF_FAULT = {
    "criteria.phrase.missed": "criteria.phrase.clear",
    "criteria.act.missed": "criteria.act.clear",
    "criteria.sequence.after_missed": "scoring.no_fault",
    "criteria.sequence.before_missed": "scoring.no_fault",
}
"""What was "missing" for a duty is good news for a fault, and is said so."""
READ_OPERATORS = ("act", "tone", "measure", "class")
"""Operators that rest on what a reader or the measuring step found."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a criterion says of a conversation, before points are given."""

    verdict: Verdict
    confidence: float
    why: Reason
    hits: tuple[Hit, ...] = ()


def score(
    conversation: Conversation, scorecard: Scorecard, *, engine_version: str, models: Mapping[str, str] | None = None
) -> Evaluation:
    """What `scorecard` says of `conversation`. The same arguments give the same evaluation.

    The duties that could be judged are scaled to 100; deductions are then taken off. Verdicts `not_applicable` and
    `unsure` stay out. Where nothing could be judged, or too little was heard (`least_judged`), `total` and `passed` are
    `None`: a call that nobody could hear is not a good call.

    Args:
        conversation: with readings and measures, as far as they could be had.
        scorecard: the card.
        engine_version: of zhijian.
        models: name → `model@sha256:…` of every model that took part.
    """
    context = context_for(scorecard)
    findings = tuple(_finding(criterion, conversation, context) for criterion in scorecard.criteria)
    total = _total(scorecard, findings)
    fatal = tuple(finding.criterion for finding in findings if finding.fatal)
    if total is not None and fatal:
        total = min(total, scorecard.settings.fatal_cap)
    return Evaluation(
        interaction=conversation.interaction.id,
        scorecard_id=scorecard.id,
        scorecard_version=scorecard.version,
        scorecard_digest=scorecard.digest,
        engine_version=engine_version,
        models=MappingProxyType(dict(sorted((models or {}).items()))),
        total=total,
        max=MAX_TOTAL,
        passed=None if total is None else not fatal and total >= scorecard.pass_mark,
        band=None if total is None else scorecard.band_of(total),
        fatal=fatal,
        findings=findings,
        measures=conversation.measures,
        classes=conversation.classes,
    )


def context_for(scorecard: Scorecard) -> Context:
    """What the operators of `scorecard` need besides one conversation; a new one for each conversation."""
    return Context(
        settings=scorecard.settings,
        lists=tuple(sorted(scorecard.lists.items())),
        conditions={name: condition.operator for name, condition in scorecard.conditions.items()},
        titles={
            name: (condition.title.zh, condition.title.en) if condition.title else (name, name)
            for name, condition in scorecard.conditions.items()
        },
        evaluate=evaluate,
    )


def _total(scorecard: Scorecard, findings: tuple[Finding, ...]) -> float | None:
    judged = [finding for finding in findings if finding.verdict in JUDGED]
    if not judged:
        return None
    possible = sum(finding.max_points for finding in judged)
    unheard = sum(finding.max_points for finding in findings if finding.verdict is Verdict.UNSURE)
    if unheard and possible < scorecard.settings.least_judged * (possible + unheard):
        return None
    earned = sum(finding.points for finding in judged if finding.max_points)
    deducted = sum(finding.points for finding in judged if not finding.max_points)
    base = MAX_TOTAL * earned / possible if possible else MAX_TOTAL
    return round(min(MAX_TOTAL, max(0.0, base + deducted)), 2)


def _finding(criterion: Criterion, conversation: Conversation, context: Context) -> Finding:
    judgement = judge(criterion, conversation, context)
    share = criterion.partial_share if criterion.partial_share is not None else context.settings.partial_share
    unmet = judgement.verdict is Verdict.UNMET
    return Finding(
        criterion=criterion.id,
        section=criterion.section,
        verdict=judgement.verdict,
        points=round(_points(criterion, judgement, share), 2),
        max_points=criterion.points or 0.0,
        confidence=round(judgement.confidence, 4),
        why=judgement.why,
        evidence=_evidence(judgement.hits),
        fault=criterion.fault,
        fatal=unmet and criterion.fatal is not None,
    )


def _points(criterion: Criterion, judgement: Judgement, share: float) -> float:
    verdict = judgement.verdict
    if criterion.points is not None:
        return criterion.points * {Verdict.MET: 1.0, Verdict.PARTIAL: share}.get(verdict, 0.0)
    if criterion.deduct is None or verdict not in (Verdict.UNMET, Verdict.PARTIAL):
        return 0.0
    times = max(1, len(judgement.hits)) if criterion.each is not None else 1
    cost = criterion.deduct * times * (share if verdict is Verdict.PARTIAL else 1.0)
    cap = criterion.each.cap if criterion.each is not None else None
    return -min(cost, cap) if cap is not None else -cost


def _evidence(hits: tuple[Hit, ...]) -> tuple[Evidence, ...]:
    """The evidence of all hits, each place once, in order of the conversation."""
    places = {place for hit in hits for place in hit.evidence}
    return tuple(sorted(places, key=lambda place: (place.turn, place.span, place.start or 0.0)))


def judge(criterion: Criterion, conversation: Conversation, context: Context) -> Judgement:
    """What one criterion says of `conversation`."""
    if criterion.applies_when is not None:
        occasion = evaluate(criterion.applies_when, conversation, context)
        if occasion.state is not State.YES:
            return _does_not_apply(criterion.applies_when, occasion, context)
    outcome = evaluate(criterion.expression, conversation, context)
    if outcome.state is State.UNAVAILABLE:
        return Judgement(Verdict.NOT_APPLICABLE, outcome.confidence, outcome.reason)
    if outcome.state is State.UNSURE:
        return Judgement(Verdict.UNSURE, outcome.confidence, outcome.reason, outcome.hits)
    if criterion.unless:
        exception = _excused(criterion, outcome, conversation, context)
        if isinstance(exception, Judgement):
            return exception
        outcome = exception
    happened = outcome.state is State.YES
    if not happened and criterion.partial is not None:
        weaker = evaluate(criterion.partial, conversation, context)
        if weaker.state is State.YES:
            return Judgement(Verdict.PARTIAL, weaker.confidence, _partly(weaker.reason), weaker.hits)
    verdict = Verdict.MET if happened is not criterion.fault else Verdict.UNMET
    reason = outcome.reason
    if criterion.fault and not happened:
        reason = Reason(ABSENCE_OF_FAULT.get(reason.key, reason.key), reason.args)
    return Judgement(verdict, outcome.confidence, reason, outcome.hits)


def _does_not_apply(condition: ExpressionBase, occasion: Outcome, context: Context) -> Judgement:
    if occasion.state is State.UNSURE:
        return Judgement(Verdict.UNSURE, occasion.confidence, occasion.reason, occasion.hits)
    if occasion.state is State.UNAVAILABLE:
        return Judgement(Verdict.NOT_APPLICABLE, occasion.confidence, occasion.reason)
    name = called(condition, context)
    why = Reason("scoring.no_condition" if name else "scoring.no_occasion", name)
    return Judgement(Verdict.NOT_APPLICABLE, occasion.confidence, why)


def _excused(
    criterion: Criterion, outcome: Outcome, conversation: Conversation, context: Context
) -> Judgement | Outcome:
    """The outcome without the hits that an exception excuses, or the judgement that an exception leads to."""
    if criterion.fault and outcome.state is State.YES:
        left = tuple(hit for hit in outcome.hits if _exception(criterion, hit, conversation, context) is None)
        if not outcome.hits:
            exception = _exception(criterion, None, conversation, context)
            if exception is not None:
                return Judgement(Verdict.MET, exception.confidence, Reason("scoring.excused"), exception.hits)
            return outcome
        if len(left) < getattr(criterion.expression.params, "times", 1) or not left:
            excuses = [_exception(criterion, hit, conversation, context) for hit in outcome.hits]
            hits = (*outcome.hits, *(hit for excuse in excuses if excuse for hit in excuse.hits))
            return Judgement(Verdict.MET, outcome.confidence, Reason("scoring.excused"), hits)
        if len(left) == len(outcome.hits):
            return outcome
        return Outcome(outcome.state, outcome.confidence, _told_of(outcome.reason, left), left)
    if not criterion.fault and outcome.state is State.NO:
        for hit in outcome.hits or (None,):
            exception = _exception(criterion, hit, conversation, context)
            if exception is not None:
                why = Reason("scoring.exception")
                return Judgement(Verdict.NOT_APPLICABLE, exception.confidence, why, exception.hits)
    return outcome


def _told_of(reason: Reason, hits: tuple[Hit, ...]) -> Reason:
    """The same sentence about the hits that are left."""
    first = hits[0].evidence[0]
    changed: dict[str, str | int | float] = {"turn": first.turn + 1, "quote": first.quote, "count": len(hits)}
    return Reason(reason.key, {k: changed.get(k, v) for k, v in reason.args.items()})


def _exception(criterion: Criterion, hit: Hit | None, conversation: Conversation, context: Context) -> Outcome | None:
    near = context if hit is None else context.near(hit.evidence[0])
    for expression in criterion.unless:
        outcome = evaluate(expression, conversation, near)
        if outcome.state is State.YES:
            return outcome
    return None


def _partly(reason: Reason) -> Reason:
    return Reason(reason.key, {**reason.args, "partly": 1})


def wants_reader(criterion: Criterion, context: Context) -> bool:
    """Whether some operator of `criterion` needs tone, acts, measures or classes that a reader provides."""

    def needs(expression: ExpressionBase) -> bool:
        if expression.operator in READ_OPERATORS:
            return True
        if expression.operator == "condition":
            return needs(context.conditions[expression.params])
        return any(needs(child) for child in expression.children())

    parts = (criterion.expression, criterion.partial, criterion.applies_when, *criterion.unless)
    return any(needs(part) for part in parts if part is not None)
