"""The step `flag`: which evaluations a person must look at, why, and how urgently."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from pipeline.conversation import Conversation, Evaluation, Finding, Interaction, ReviewItem, Verdict
from pipeline.criteria.base import Context, State
from pipeline.criteria.manual import WAITS
from pipeline.scorecard import Scorecard
from pipeline.scorecard.model import FlagRule
from pipeline.scoring import context_for

RANDOM = "random_sample"
"""The reason of what is looked at because it was drawn."""


def flag(evaluation: Evaluation, conversation: Conversation, scorecard: Scorecard) -> ReviewItem:
    """The rules of `scorecard` that ask for a person's look, in the card's order.

    Priorities are combined as `1 − ∏(1 − p)`: two reasons are more urgent than each alone, and never above 1.
    """
    context = context_for(scorecard, conversation)
    fired: dict[str, float] = {}
    for rule in scorecard.flag:
        for reason in _reasons(rule, evaluation, conversation, scorecard, context):
            fired.setdefault(reason, rule.priority)
    for finding in evaluation.findings:
        criterion = scorecard.criterion(finding.criterion)
        if criterion.review == "always" and finding.lost:
            fired.setdefault(f"review:{finding.criterion}", scorecard.settings.review_priority)
        if waits(finding):
            fired.setdefault(f"manual:{finding.criterion}", scorecard.settings.review_priority)
    return ReviewItem(evaluation.interaction, bool(fired), round(together(fired.values()), 4), tuple(fired))


def waits(finding: Finding) -> bool:
    """Whether only a person can decide this, and none has."""
    return finding.verdict is Verdict.UNSURE and finding.why.key == WAITS


def together(priorities: Iterable[float]) -> float:
    """`1 − ∏(1 − p)`."""
    calm = 1.0
    for priority in priorities:
        calm *= 1.0 - priority
    return 1.0 - calm


def sampled(interaction_id: str, scorecard_id: str, share: float) -> bool:
    """Whether an interaction belongs to the random share; the same answer every time and on every machine."""
    return lot(interaction_id, scorecard_id) < share * 2**64


def lot(interaction_id: str, scorecard_id: str) -> int:
    """The number an interaction draws, 0…2⁶⁴ − 1: the lowest are looked at first, on every machine the same."""
    digest = hashlib.sha256(f"{scorecard_id}\n{interaction_id}".encode()).digest()
    return int.from_bytes(digest[:8])


def stratum(by: str | None, evaluation: Evaluation, interaction: Interaction) -> str | None:
    """The queue, band, team, agent or channel of an interaction; `None` where it is not known."""
    agent = interaction.agent
    return {
        "queue": interaction.queue,
        "band": evaluation.band,
        "team": agent.team if agent else None,
        "agent": agent.id if agent else None,
        "channel": interaction.channel.value,
    }.get(by or "")


def _reasons(
    rule: FlagRule, evaluation: Evaluation, conversation: Conversation, scorecard: Scorecard, context: Context
) -> Iterator[str]:
    findings = [f for f in evaluation.findings if not rule.of or f.criterion in rule.of]
    total = evaluation.total
    if rule.below_pass:
        if total is not None and total < scorecard.pass_mark:
            yield rule.id or "below_pass"
    elif rule.total_below is not None:
        if total is not None and total < rule.total_below:
            yield rule.id or f"total_below:{rule.total_below:g}"
    elif rule.critical_below is not None:
        if evaluation.critical is not None and evaluation.critical < rule.critical_below:
            yield rule.id or f"critical_below:{rule.critical_below:g}"
    elif rule.fatal:
        yield from (f"fatal:{criterion}" for criterion in evaluation.fatal)
    elif rule.unmet is not None:
        wanted = (Verdict.UNMET, Verdict.PARTIAL) if rule.partial else (Verdict.UNMET,)
        yield from (f"unmet:{f.criterion}" for f in findings if f.verdict in wanted and _asked(f, rule, scorecard))
    elif rule.unsure is not None:
        yield from (f"{_open(f)}:{f.criterion}" for f in findings if _unsure(f, rule, scorecard))
    elif rule.low_confidence is not None:
        yield from (f"low_confidence:{f.criterion}" for f in findings if _doubtful(f, rule.low_confidence, scorecard))
    elif rule.when is not None:
        if rule.when.plan(conversation, context).state is State.YES:
            yield rule.id or "when"
    elif rule.random is not None:
        share = rule.share(stratum(rule.by, evaluation, conversation.interaction))
        if sampled(evaluation.interaction, scorecard.id, share):
            yield RANDOM


def _asked(finding: Finding, rule: FlagRule, scorecard: Scorecard) -> bool:
    if isinstance(rule.unmet, tuple):
        return finding.criterion in rule.unmet
    if finding.bonus:
        return False
    return rule.severity is None or scorecard.criterion(finding.criterion).severity == rule.severity


def _unsure(finding: Finding, rule: FlagRule, scorecard: Scorecard) -> bool:
    wanted = rule.unsure is True or (isinstance(rule.unsure, tuple) and finding.criterion in rule.unsure)
    silenced = scorecard.criterion(finding.criterion).review == "never"
    return wanted and not silenced and finding.verdict is Verdict.UNSURE and not waits(finding)


def _open(finding: Finding) -> str:
    """Why a finding is unsure: not heard, no answer to rely on, or less certain than the card asks for."""
    if finding.why.key == "scoring.too_doubtful":
        return "low_confidence"
    return "unanswered" if finding.why.key.startswith("criteria.question.") else "unsure"


def _doubtful(finding: Finding, least: float, scorecard: Scorecard) -> bool:
    judged = finding.verdict not in (Verdict.NOT_APPLICABLE, Verdict.UNSURE)
    return judged and finding.confidence < least and scorecard.criterion(finding.criterion).review != "never"
