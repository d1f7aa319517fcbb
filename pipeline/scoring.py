"""The step `score`: a conversation and a scorecard → an evaluation in which every point has its reason and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from pipeline.conversation import Conversation, Evaluation, Evidence, Finding, Reason, Verdict
from pipeline.criteria.arithmetic import parse
from pipeline.criteria.base import Context, Hit, Judgement, Outcome, Rules, State, called
from pipeline.criteria.expression import ExpressionBase
from pipeline.criteria.index import Index
from pipeline.criteria.measure import READ
from pipeline.scorecard import Criterion, Scorecard

JUDGED = (Verdict.MET, Verdict.PARTIAL, Verdict.UNMET)
"""Verdicts that count; the others stay out of the denominator."""
MAX_TOTAL = 100.0
ANSWERED_BY_OTHERS = ("criteria.manual.", "criteria.question.")
"""Beginnings of the reasons of what is left to a person or a language model."""
ABSENCE_OF_FAULT = {
    "criteria.phrase.missed": "criteria.phrase.clear",
    "criteria.act.missed": "criteria.act.clear",
    "criteria.pattern.missed": "criteria.pattern.clear",
    "criteria.similar.missed": "criteria.similar.clear",
    "criteria.sequence.after_missed": "scoring.no_fault",
    "criteria.sequence.before_missed": "scoring.no_fault",
    "criteria.window.not_every": "scoring.no_fault",
}
"""What was "missing" for a duty is good news for a fault, and is said so."""
READ_OPERATORS = ("act", "tone", "class")
"""Operators that rest on what a reader found, whatever their parameters."""


def score(
    conversation: Conversation, scorecard: Scorecard, *, engine_version: str, models: Mapping[str, str] | None = None
) -> Evaluation:
    """What `scorecard` says of `conversation`. The same arguments give the same evaluation.

    The duties that could be judged are scaled to 100, each section by its weight where the card weighs them; deductions
    are then taken off and bonuses added. Verdicts `not_applicable` and `unsure` stay out. Where nothing could be
    judged, or too little was heard (`least_judged`), `total` and `passed` are `None`: a call that nobody could hear is
    not a good call.

    Args:
        conversation: with readings and measures, as far as they could be had.
        scorecard: the card.
        engine_version: of zhijian.
        models: name → `model@sha256:…` of every model that took part.
    """
    context = context_for(scorecard, conversation)
    findings = tuple(_finding(criterion, conversation, context) for criterion in scorecard.criteria)
    findings = _voided(findings)
    sums = _sums(findings, scorecard)
    return Evaluation(
        interaction=conversation.interaction.id,
        scorecard_id=scorecard.id,
        scorecard_version=scorecard.version,
        scorecard_digest=scorecard.digest,
        engine_version=engine_version,
        models=MappingProxyType(dict(sorted((models or {}).items()))),
        total=sums.total,
        max=MAX_TOTAL,
        passed=sums.passed,
        band=sums.band,
        fatal=sums.fatal,
        findings=findings,
        measures=conversation.measures,
        classes=conversation.classes,
        critical=sums.critical,
    )


def decided(evaluation: Evaluation, verdicts: Mapping[str, Verdict], scorecard: Scorecard) -> Evaluation:
    """What the evaluation comes to with the verdicts of people in the place of the machine's, which stays as it is.

    Args:
        evaluation: the machine's.
        verdicts: what people decided, by criterion.
        scorecard: the card that made the evaluation.

    Raises:
        ValueError: another card made it.
    """
    if scorecard.digest != evaluation.scorecard_digest:
        raise ValueError(
            f"{evaluation.interaction} was scored by {evaluation.scorecard_digest}, not {scorecard.digest}"
        )
    findings = tuple(
        _overruled(finding, verdicts.get(finding.criterion), scorecard.criterion(finding.criterion), scorecard)
        for finding in evaluation.findings
    )
    findings = _voided(findings)
    return replace(evaluation, findings=findings, **_sums(findings, scorecard)._asdict())


def _overruled(finding: Finding, verdict: Verdict | None, criterion: Criterion, scorecard: Scorecard) -> Finding:
    """The finding with a person's verdict and its points; without one, with points that its section may have taken."""
    share = _share(criterion, scorecard.settings.partial_share)
    if verdict in (None, finding.verdict):
        own = finding.points or round(finding.max_points * _worth(finding.verdict, share), 2)
        return replace(finding, points=own)
    unmet = verdict is Verdict.UNMET
    return replace(
        finding,
        verdict=verdict,
        points=round(_points(criterion, Judgement(verdict, 1.0, finding.why), share), 2),
        confidence=1.0,
        fatal=unmet and criterion.fatal == "card",
        section_fatal=unmet and criterion.fatal == "section",
    )


class _Sums(NamedTuple):
    """What findings come to together: fields of the evaluation."""

    total: float | None
    passed: bool | None
    band: str | None
    fatal: tuple[str, ...]
    critical: float | None


def _sums(findings: tuple[Finding, ...], scorecard: Scorecard) -> _Sums:
    total = _total(scorecard, findings)
    fatal = tuple([finding.criterion for finding in findings if finding.fatal])
    critical = _critical(scorecard, findings)
    if total is None:
        return _Sums(None, None, None, fatal, critical)
    if fatal:
        total = min(total, scorecard.settings.fatal_cap)
    return _Sums(total, not fatal and total >= scorecard.pass_mark, scorecard.band_of(total), fatal, critical)


def context_for(scorecard: Scorecard, conversation: Conversation) -> Context:
    """What the operators of `scorecard` need to look at `conversation`."""
    return Context(rules_of(scorecard), Index(conversation))


def rules_of(scorecard: Scorecard) -> Rules:
    """What the operators of `scorecard` need, whatever the conversation; made once a card."""
    known: Rules | None = scorecard.compiled.get("rules")
    if known is None:
        known = scorecard.compiled["rules"] = _rules(scorecard)
    return known


def _rules(scorecard: Scorecard) -> Rules:
    criteria = {criterion.id: criterion for criterion in scorecard.criteria}
    return Rules(
        settings=scorecard.settings,
        lists=tuple(sorted(scorecard.lists.items())),
        conditions={name: condition.operator for name, condition in scorecard.conditions.items()},
        titles={
            name: (condition.title.zh, condition.title.en) if condition.title else (name, name)
            for name, condition in scorecard.conditions.items()
        },
        terms=scorecard.terms,
        embed=scorecard.embed,
        judge=lambda criterion, conversation, context: judge(criteria[criterion], conversation, context),
        criterion_parts={name: criterion.expressions for name, criterion in criteria.items()},
        criterion_titles={name: (criterion.title.zh, criterion.title.en) for name, criterion in criteria.items()},
    )


def _voided(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, without the points of sections in which something happened that takes them all."""
    lost = {finding.section for finding in findings if finding.section_fatal}
    if not lost:
        return findings
    return tuple(
        replace(finding, points=0.0)
        if finding.section in lost and finding.points > 0 and finding.max_points
        else finding
        for finding in findings
    )


def _total(scorecard: Scorecard, findings: tuple[Finding, ...]) -> float | None:
    judged = [finding for finding in findings if finding.verdict in JUDGED]
    if not judged:
        return None
    if len(judged) < len(findings) and _too_little_heard(scorecard, findings, judged):
        return None
    extra = sum([finding.points for finding in judged if not finding.max_points])
    base = _base(scorecard, judged)
    return round(min(MAX_TOTAL, max(0.0, (scorecard.settings.start if base is None else base) + extra)), 2)


def _too_little_heard(scorecard: Scorecard, findings: tuple[Finding, ...], judged: list[Finding]) -> bool:
    """Whether what could be judged weighs too little against what could not be heard (`least_judged`)."""
    unheard = [finding.criterion for finding in findings if _unheard(finding)]
    if not unheard:
        return False
    weigh = _weights(scorecard, findings)
    possible = sum(weigh[finding.criterion] for finding in judged)
    lost = sum(weigh[criterion] for criterion in unheard)
    return lost > 0 and possible < scorecard.settings.least_judged * (possible + lost)


def _unheard(finding: Finding) -> bool:
    """Whether a finding is unsure for want of hearing, and not because a person or a model has not answered."""
    return finding.verdict is Verdict.UNSURE and not finding.why.key.startswith(ANSWERED_BY_OTHERS)


def _weights(scorecard: Scorecard, findings: tuple[Finding, ...]) -> dict[str, float]:
    """What each criterion weighs against the others: its points, or its share of what its section weighs."""
    if scorecard.weights is None:
        return {finding.criterion: finding.max_points for finding in findings}
    whole = dict.fromkeys((finding.section for finding in findings), 0.0)
    for finding in findings:
        whole[finding.section] += finding.max_points
    return {
        finding.criterion: scorecard.weights[finding.section] * finding.max_points / whole[finding.section]
        if finding.max_points
        else 0.0
        for finding in findings
    }


def _base(scorecard: Scorecard, judged: list[Finding]) -> float | None:
    """What the duties earned, 0…100; `None` where none was judged."""
    duties = [finding for finding in judged if finding.max_points]
    if not duties:
        return None
    if scorecard.weights is None:
        return MAX_TOTAL * sum([duty.points for duty in duties]) / sum([duty.max_points for duty in duties])
    earned = weighed = 0.0
    for section in dict.fromkeys(duty.section for duty in duties):
        within = [duty for duty in duties if duty.section == section]
        weight = scorecard.weights[section]
        earned += weight * sum(duty.points for duty in within) / sum(duty.max_points for duty in within)
        weighed += weight
    return MAX_TOTAL * earned / weighed


def _critical(scorecard: Scorecard, findings: tuple[Finding, ...]) -> float | None:
    """The share of the critical criteria that was met, 0…100; each counts alike, a partial one by its share."""
    worths = []
    for criterion, finding in zip(scorecard.criteria, findings, strict=True):
        if criterion.severity == "critical" and finding.verdict in JUDGED:
            worths.append(_worth(finding.verdict, _share(criterion, scorecard.settings.partial_share)))
    return round(MAX_TOTAL * sum(worths) / len(worths), 2) if worths else None


def _share(criterion: Criterion, common: float) -> float:
    return common if criterion.partial_share is None else criterion.partial_share


def _worth(verdict: Verdict, share: float) -> float:
    return 1.0 if verdict is Verdict.MET else share if verdict is Verdict.PARTIAL else 0.0


def _finding(criterion: Criterion, conversation: Conversation, context: Context) -> Finding:
    judgement = context.judgement(criterion.id, conversation)
    verdict, confidence, why, hits, share = judgement
    if share is None:
        share = _share(criterion, context.rules.settings.partial_share)
    unmet = verdict is Verdict.UNMET
    return Finding(
        criterion=criterion.id,
        section=criterion.section,
        verdict=verdict,
        points=round(_points(criterion, judgement, share), 2),
        max_points=criterion.points or 0.0,
        confidence=round(confidence, 4),
        why=why,
        evidence=_evidence(hits, conversation),
        fault=criterion.fault,
        fatal=unmet and criterion.fatal == "card",
        section_fatal=unmet and criterion.fatal == "section",
        bonus=criterion.bonus is not None,
    )


def _points(criterion: Criterion, judgement: Judgement, share: float) -> float:
    verdict = judgement.verdict
    if criterion.points is not None:
        return criterion.points * _worth(verdict, share)
    if criterion.bonus is not None:
        return _each_time(criterion, judgement, criterion.bonus) * _worth(verdict, share)
    if criterion.deduct is None or verdict not in (Verdict.UNMET, Verdict.PARTIAL):
        return 0.0
    return -_each_time(criterion, judgement, criterion.deduct * (share if verdict is Verdict.PARTIAL else 1.0))


def _each_time(criterion: Criterion, judgement: Judgement, worth: float) -> float:
    """`worth` once, or for every hit as far as the cap allows."""
    if criterion.each is None:
        return worth
    together = worth * max(1, len(judgement.hits))
    return together if criterion.each.cap is None else min(together, criterion.each.cap)


def _evidence(hits: tuple[Hit, ...], conversation: Conversation) -> tuple[Evidence, ...]:
    """The evidence of all hits in order of the conversation; places that overlap or touch are one."""
    if not hits:
        return ()
    if len(hits) == 1 and len(hits[0].evidence) == 1:
        return hits[0].evidence
    places = {place for hit in hits for place in hit.evidence}
    joined: list[Evidence] = []
    for place in sorted(places, key=lambda place: (place.turn, place.span, place.start or 0.0)):
        last = joined[-1] if joined else None
        if last is None or last.turn != place.turn or place.span[0] > last.span[1]:
            joined.append(place)
        elif place.span[1] > last.span[1] or place.start != last.start or place.end != last.end:
            span = (last.span[0], max(last.span[1], place.span[1]))
            quote = conversation.turns[place.turn].text[slice(*span)]
            starts = [second for second in (last.start, place.start) if second is not None]
            ends = [second for second in (last.end, place.end) if second is not None]
            joined[-1] = Evidence(place.turn, min(starts, default=None), max(ends, default=None), span, quote)
    return tuple(joined)


def judge(criterion: Criterion, conversation: Conversation, context: Context) -> Judgement:
    """What one criterion says of `conversation`; below the least confidence it is unsure."""
    sure = 1.0
    if criterion.applies_when is not None:
        occasion = criterion.applies_when.plan(conversation, context)
        if occasion.state is State.UNAVAILABLE and criterion.if_unknown == "unsure":
            return Judgement(Verdict.UNSURE, occasion.confidence, occasion.reason)
        if occasion.state is State.YES:
            sure = occasion.confidence
        elif occasion.state is not State.UNAVAILABLE or criterion.if_unknown != "applies":
            return _doubted(_does_not_apply(criterion.applies_when, occasion, context), 1.0, criterion, context)
    return _doubted(_judged(criterion, conversation, context), sure, criterion, context)


def _doubted(judgement: Judgement, sure: float, criterion: Criterion, context: Context) -> Judgement:
    """The judgement, or an unsure one where it or its precondition (`sure`) is less certain than it has to be."""
    least = criterion.least_confidence
    if least is None:
        least = context.rules.settings.least_confidence
    if not least:
        return judgement
    confidence = min(judgement.confidence, sure)
    if judgement.verdict is Verdict.UNSURE or confidence >= least:
        return judgement
    args: dict[str, str | int | float] = {
        "verdict": f"@scorecard.verdict.{judgement.verdict}",
        "percent": f"{100 * confidence:.0f}",
        "least": f"{100 * least:.0f}",
    }
    return Judgement(Verdict.UNSURE, confidence, Reason("scoring.too_doubtful", args), judgement.hits)


def _judged(criterion: Criterion, conversation: Conversation, context: Context) -> Judgement:
    """What a criterion says that applies."""
    outcome = criterion.expression.plan(conversation, context)
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
        weaker = criterion.partial.plan(conversation, context)
        if weaker.state is State.YES:
            return Judgement(Verdict.PARTIAL, weaker.confidence, _partly(weaker.reason), weaker.hits)
    if not happened and not criterion.fault and outcome.share:
        return Judgement(Verdict.PARTIAL, outcome.confidence, outcome.reason, outcome.hits, share=outcome.share)
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
    exceptions: tuple[ExpressionBase, ...] = criterion.unless
    for expression in exceptions:
        outcome = expression.plan(conversation, near)
        if outcome.state is State.YES:
            return outcome
    return None


def _partly(reason: Reason) -> Reason:
    return Reason(reason.key, {**reason.args, "partly": 1})


def wants_reader(criterion: Criterion, rules: Rules) -> bool:
    """Whether some operator of `criterion` needs what a reader of tone, acts and classes provides."""

    def needs(expression: ExpressionBase) -> bool:
        if _reads(expression):
            return True
        if expression.operator == "condition":
            return needs(rules.conditions[expression.params])
        window = getattr(expression.params, "window", None)
        if window is not None and any(needs(rules.conditions[near.condition]) for _, near in window.anchors):
            return True
        if expression.operator == "criterion":
            return any(needs(part) for part in rules.criterion_parts[expression.params.id])
        return any(needs(child) for child in expression.children())

    return any(needs(part) for part in criterion.expressions)


def _reads(expression: ExpressionBase) -> bool:
    """Whether this operator by itself needs what a reader provides."""
    params = expression.params
    if expression.operator == "measure":
        return params.name in READ
    if expression.operator == "attribute" and params.holds is not None:
        return not set(parse(params.holds).names).isdisjoint(READ)
    return expression.operator in READ_OPERATORS or getattr(params, "read", None) is not None
