"""What the page of one agent shows: strengths and weaknesses against the team, examples to hear, and coaching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.conversation import Agent, Evidence, Finding, Verdict
from pipeline.reports.material import Case, Night
from pipeline.reports.summary import (
    Average,
    Group,
    Rate,
    best_first,
    by_agent,
    by_team,
    pass_rate,
    rates,
    totals,
    upset_end,
    worst_findings,
)

EXAMPLES = 3
COACHING = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """One place to hear: the case, what was found there, and the evidence if there is any."""

    case: Case
    finding: Finding
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Advice:
    """A criterion to work on, how far it was met, and its worst example."""

    rate: Rate
    fault: bool
    example: Moment | None


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """One agent's figures. `peers` are the cases compared with: the team's, or all where the team has nobody else."""

    agent: Agent
    cases: tuple[Case, ...]
    average: Average | None
    pass_rate: float | None
    flagged: int
    upset_ends: int
    peers: tuple[Case, ...]
    peers_are_team: bool
    strengths: tuple[Rate, ...]
    weaknesses: tuple[Rate, ...]
    best: tuple[Moment, ...]
    worst: tuple[Moment, ...]
    coaching: tuple[Advice, ...]
    faults: frozenset[str]

    @property
    def name(self) -> str:
        """The agent's name, else the id."""
        return self.agent.name or self.agent.id


def summarise(night: Night, agent_id: str) -> AgentSummary | None:
    """Everything the report says of one agent; `None` if the night has no case of theirs."""
    own = by_agent(night.cases).get(agent_id)
    if not own:
        return None
    agent = _newest(own, agent_id)
    team = [c for c in night.cases if c.agent and agent.team and c.agent.team == agent.team]
    return _summary(agent, own, Group(team), Group(night.cases))


def summaries(night: Night) -> tuple[AgentSummary, ...]:
    """All agents, best average first."""
    everyone, teams = Group(night.cases), {name: Group(cases) for name, cases in by_team(night.cases).items()}
    every = []
    for agent_id, own in by_agent(night.cases).items():
        agent = _newest(own, agent_id)
        every.append(_summary(agent, own, teams.get(agent.team or "", Group()), everyone))
    return tuple(sorted(every, key=lambda s: (-(s.average.mean if s.average else -1), s.agent.id)))


def examples(one: AgentSummary) -> Iterator[Case]:
    """The cases that the page of an agent shows places of."""
    for moment in (*one.best, *one.worst, *(advice.example for advice in one.coaching if advice.example)):
        yield moment.case


def with_quotes(one: AgentSummary, whole: Mapping[str, Case]) -> AgentSummary:
    """The same with the places to hear in these cases, which are whole; places in others are left out."""

    def moment(found: Moment) -> Moment | None:
        case = whole.get(found.case.id)
        if case is None:
            return None
        findings = (f for f in case.evaluation.findings if f.criterion == found.finding.criterion)
        finding = next(findings, found.finding)
        return Moment(case, finding, finding.evidence[0] if finding.evidence else None)

    return replace(
        one,
        best=tuple(filter(None, map(moment, one.best))),
        worst=tuple(filter(None, map(moment, one.worst))),
        coaching=tuple(replace(a, example=moment(a.example) if a.example else None) for a in one.coaching),
    )


def _newest(own: list[Case], agent_id: str) -> Agent:
    """The agent as the newest of their cases names them; puts the cases into the order of time."""
    own.sort(key=lambda c: c.in_time)
    return next((c.agent for c in reversed(own) if c.agent), Agent(agent_id))


def _summary(agent: Agent, cases: Sequence[Case], team: Group, everyone: Group) -> AgentSummary:
    own = Group(cases)
    peers_are_team = any(c.agent and c.agent.id != agent.id for c in team)
    met = rates(own)
    faults = frozenset(f.criterion for c in own for f in c.evaluation.findings if f.fault)
    weak = sorted((r for r in met.values() if r.missed), key=lambda r: (r.key not in faults, r.share, -r.count, r.key))
    strong = [r for r in met.values() if not r.missed and r.key not in faults]
    return AgentSummary(
        agent=agent,
        cases=own,
        average=totals(own),
        pass_rate=pass_rate(own),
        flagged=sum(c.review.flagged for c in own),
        upset_ends=sum(upset_end(c) for c in own),
        peers=team if peers_are_team else everyone,
        peers_are_team=peers_are_team,
        strengths=tuple(sorted(strong, key=lambda r: (-r.count, r.key))[:COACHING]),
        weaknesses=tuple(weak[:COACHING]),
        best=_best(own),
        worst=_worst(own),
        coaching=tuple(Advice(r, r.key in faults, _example(own, r.key)) for r in weak[:COACHING]),
        faults=faults,
    )


def _best(cases: Sequence[Case]) -> tuple[Moment, ...]:
    """Duties done, with evidence, from the best cases; a different criterion each."""
    moments: list[Moment] = []
    for case in best_first(cases):
        if len(moments) == EXAMPLES or case.evaluation.passed is False:
            break
        shown = {m.finding.criterion for m in moments}
        done = [
            f
            for f in case.evaluation.findings
            if f.verdict is Verdict.MET and not f.fault and f.evidence and f.criterion not in shown
        ]
        if done:
            top = max(done, key=lambda f: (f.max_points, round(f.confidence, 2), f.criterion))
            moments.append(Moment(case, top, top.evidence[0]))
    return tuple(moments)


def _worst(cases: Sequence[Case]) -> tuple[Moment, ...]:
    """What cost most in the worst cases: one place each, one with evidence if there is one."""
    moments: list[Moment] = []
    for case in reversed(best_first(cases)):
        lost = worst_findings(case)
        if not lost:
            continue
        finding = next((f for f in lost if f.evidence), lost[0])
        moments.append(Moment(case, finding, finding.evidence[0] if finding.evidence else None))
        if len(moments) == EXAMPLES:
            break
    return tuple(moments)


def _example(cases: Sequence[Case], criterion: str) -> Moment | None:
    for case in reversed(best_first(cases)):
        for finding in worst_findings(case):
            if finding.criterion == criterion:
                return Moment(case, finding, finding.evidence[0] if finding.evidence else None)
    return None
