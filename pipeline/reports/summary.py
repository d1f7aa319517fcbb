"""Figures over many cases: averages with intervals, pass rates, how often each criterion was met."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pipeline.conversation import Channel, Finding, Verdict
from pipeline.intervals import mean_interval
from pipeline.reports.material import Case, Night
from pipeline.reports.words import UPSET

WORTH: Mapping[Verdict, float] = {Verdict.MET: 1.0, Verdict.PARTIAL: 0.5, Verdict.UNMET: 0.0}
"""What a decided verdict counts in a rate; `not_applicable` and `unsure` do not count at all."""


@dataclass(frozen=True, slots=True)
class Average:
    """Mean of `count` totals with the 95 % interval of the mean (Student's t), clipped to 0…100."""

    mean: float
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How far a criterion (or section) was met, 0…1, over `count` decided findings, `missed` of them not fully met."""

    key: str
    share: float
    count: int
    missed: int


class Group(tuple[Case, ...]):
    """Cases that several pages ask the same of: rates and average are counted once."""

    @cached_property
    def average(self) -> Average | None:
        """Average of the totals."""
        return average(case.evaluation.total for case in self)

    @cached_property
    def by_criterion(self) -> dict[str, Rate]:
        """How far each criterion was met."""
        return _rates(self, by="criterion")

    @cached_property
    def by_section(self) -> dict[str, Rate]:
        """How far each section was met."""
        return _rates(self, by="section")


@dataclass(frozen=True, slots=True)
class NightFigures:
    """The figures at the head of a report. `audio_seconds` counts calls only."""

    interactions: int
    calls: int
    chats: int
    audio_seconds: float
    average: Average | None
    pass_rate: float | None
    flagged: int
    set_aside: int
    fatal: int
    upset_ends: int
    first_day: date | None
    last_day: date | None


def average(totals: Iterable[float | None]) -> Average | None:
    """Mean and interval of the totals that are known; `None` if none is."""
    known = [v for v in totals if v is not None]
    if not known:
        return None
    mean = math.fsum(known) / len(known)
    variance = math.fsum((v - mean) ** 2 for v in known) / max(1, len(known) - 1)
    half = mean_interval(len(known), variance)
    if half is None:
        return Average(mean, None, None, len(known))
    return Average(mean, max(0.0, mean - half), min(100.0, mean + half), len(known))


def totals(cases: Iterable[Case]) -> Average | None:
    """Average of the cases' totals."""
    if isinstance(cases, Group):
        return cases.average
    return average(case.evaluation.total for case in cases)


def pass_rate(cases: Iterable[Case]) -> float | None:
    """Share of decided cases that passed."""
    decided = [case.evaluation.passed for case in cases if case.evaluation.passed is not None]
    return sum(decided) / len(decided) if decided else None


def rates(cases: Iterable[Case], *, by: str = "criterion") -> dict[str, Rate]:
    """How far each criterion (or, `by="section"`, each section) was met, in order of first appearance; no bonuses."""
    if isinstance(cases, Group):
        return cases.by_section if by == "section" else cases.by_criterion
    return _rates(cases, by=by)


def _rates(cases: Iterable[Case], *, by: str) -> dict[str, Rate]:
    worths: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for finding in case.evaluation.findings:
            if finding.verdict in WORTH and not finding.bonus:
                key = finding.section if by == "section" else finding.criterion
                worths[key].append(WORTH[finding.verdict])
    return {
        key: Rate(key, math.fsum(v) / len(v), len(v), sum(1 for worth in v if worth < 1)) for key, v in worths.items()
    }


def broken(cases: Iterable[Case], *, fault: bool) -> list[tuple[str, int]]:
    """Criteria that cost points, with the number of interactions, most frequent first; faults or duties."""
    counts: Counter[str] = Counter()
    for case in cases:
        counts.update(f.criterion for f in case.evaluation.findings if f.fault is fault and f.lost)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def upset_end(case: Case) -> bool:
    """Whether the customer was upset at the end."""
    end = case.evaluation.measures.sentiment_end
    return end is not None and end < UPSET


def queue(cases: Iterable[Case]) -> list[Case]:
    """The flagged cases that still wait, most urgent first; among equals the lower total first, then by id."""
    flagged = [case for case in cases if case.waiting]
    return sorted(flagged, key=lambda c: (-c.review.priority, _total(c), c.id))


def best_first(cases: Iterable[Case]) -> list[Case]:
    """The scored cases by total, best first."""
    return sorted((c for c in cases if c.evaluation.total is not None), key=lambda c: (-_total(c), c.id))


def worst_findings(case: Case) -> list[Finding]:
    """Findings that cost points: fatal ones first, then those that cost a section, then those that cost most."""
    lost = [f for f in case.evaluation.findings if f.lost]
    return sorted(
        lost, key=lambda f: (not f.fatal, not f.section_fatal, not f.fault, -(f.max_points - f.points), f.criterion)
    )


def by_agent(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Cases by agent's id, in order of id; those without an agent are left out."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.agent:
            groups[case.agent.id].append(case)
    return dict(sorted(groups.items()))


def by_team(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Cases by team, in order of name; those without one are left out."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.agent and case.agent.team:
            groups[case.agent.team].append(case)
    return dict(sorted(groups.items()))


def figures(night: Night) -> NightFigures:
    """Everything the head of the report says."""
    cases: Sequence[Case] = night.cases
    days = sorted(c.started_at.date() for c in cases if c.started_at)
    calls = [c for c in cases if c.conversation.interaction.channel is Channel.CALL]
    return NightFigures(
        interactions=len(cases),
        calls=len(calls),
        chats=len(cases) - len(calls),
        audio_seconds=math.fsum(_audio_seconds(c) for c in calls),
        average=totals(cases),
        pass_rate=pass_rate(cases),
        flagged=sum(c.review.flagged for c in cases),
        set_aside=len(night.set_aside),
        fatal=sum(bool(c.evaluation.fatal) for c in cases),
        upset_ends=sum(upset_end(c) for c in cases),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
    )


def _audio_seconds(case: Case) -> float:
    hearing = case.conversation.hearing
    return hearing.duration if hearing else (case.evaluation.measures.duration or 0.0)


def _total(case: Case) -> float:
    return math.inf if case.evaluation.total is None else case.evaluation.total
