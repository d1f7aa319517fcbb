"""What one night came to, in figures: counted from a stream of records, so that memory does not grow with the night."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pipeline.base_line import Counted
from pipeline.conversation import Channel, SetAside

SATISFIED = 4.0
"""A rating from here on (of 1…5) is that of a satisfied customer."""
SLOWEST = 10
RISK_OF_LEVEL: Mapping[int, float] = MappingProxyType({1: 0.6, 2: 0.4, 3: 0.2})
RISK_OF_UPSET = 0.5
RISK_OF_FATAL = 0.3
RISK_OF_UNRESOLVED = 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """One conversation of a night. `faults` are those that could be judged: whether they happened, by criterion.

    `seconds` are those of a worker, `audio_seconds` the length of the recording that was heard; `None` where not known.
    """

    evaluation: int
    digest: str
    id: str
    source: str
    channel: Channel
    agent: str | None
    queue: str | None
    csat: float | None
    scorecard: str
    total: float | None
    passed: bool | None
    fatal: tuple[str, ...]
    flagged: bool
    reasons: tuple[str, ...]
    sentiment_end: float | None
    complaint_level: int | None
    resolved: bool | None
    audio_seconds: float | None
    seconds: float | None
    faults: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """How often a fault happened, by scorecard and criterion."""

    scorecard: str
    criterion: str
    counted: Counted


@dataclass(frozen=True, slots=True)
class Group:
    """The conversations of a queue or an agent: how many were decided (passed or not), how many did not pass."""

    name: str
    interactions: int
    mean: float | None
    failed: Counted


@dataclass(frozen=True, slots=True)
class Slow:
    """A recording or text that took long, in seconds of a worker."""

    id: str
    source: str
    seconds: float
    audio_seconds: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What computing came to. `None` where no time was taken, or no price is known.

    `call_seconds` and `text_seconds` are seconds of a worker for recordings and for texts. `seconds_per_audio_hour` are
    those that an hour of audio takes, `money_per_audio_hour` their price; `money` that of the whole night.
    """

    call_seconds: float | None = None
    text_seconds: float | None = None
    audio_hours: float | None = None
    seconds_per_audio_hour: float | None = None
    money_per_audio_hour: float | None = None
    money: float | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class NightFigures:
    """One night. It tells of conversations that were evaluated for the first time since the night before.

    `known` interactions had their result before, `risk` is the complaint-risk index 0…100 (`None`: no conversation
    told anything of it), `ratings` counts customers' ratings, those of satisfied ones as happened.
    """

    run: int
    inbox: str
    engine: str
    started_at: datetime
    made_at: datetime
    interactions: int
    by_channel: Mapping[str, int]
    known: int
    duplicates: int
    waiting: int
    mean: float | None
    passed: Counted
    fatal: int
    flagged: int
    reasons: Mapping[str, int]
    risk: float | None
    ratings: Counted
    faults: tuple[Fault, ...]
    queues: tuple[Group, ...]
    agents: tuple[Group, ...]
    set_aside: tuple[SetAside, ...]
    slowest: tuple[Slow, ...]
    cost: Cost
    last_evaluation: int = 0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a run knows of itself beside its conversations."""

    run: int
    inbox: str
    engine: str
    started_at: datetime
    made_at: datetime
    known: int = 0
    duplicates: int = 0
    waiting: int = 0
    set_aside: tuple[SetAside, ...] = ()
    worker_hour: float = 0.0
    currency: str = ""


def complaint_risk(one: Judged) -> float | None:
    """How likely a conversation leads to a complaint 0…1, as far as its signs tell; `None` where there are none.

    `r = 1 − Π (1 − wᵢ xᵢ)` over the signs: a complaint of level 1, 2 or 3 (w = 0.6, 0.4, 0.2), the customer upset at
    the end (w = 0.5, x = −sentiment where that is negative), a fatal fault (0.3), not resolved (0.2). The form is the
    noisy-or (J. Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, section 4.3.2): each sign alone may
    suffice, and more signs never lower the risk. The weights are judgement, not measured: the index is for comparing
    nights with each other, it is no probability that was checked against real complaints.
    """
    if one.sentiment_end is None and one.complaint_level is None and one.resolved is None and not one.fatal:
        return None
    signs = (
        RISK_OF_LEVEL.get(one.complaint_level or 0, 0.0),
        RISK_OF_UPSET * max(0.0, -(one.sentiment_end or 0.0)),
        RISK_OF_FATAL * bool(one.fatal),
        RISK_OF_UNRESOLVED * (one.resolved is False),
    )
    return 1.0 - math.prod(1.0 - sign for sign in signs)


def shared_seconds(weights: Sequence[float], seconds: float) -> tuple[float, ...]:
    """The time of a batch shared among what was worked on together, by weight; equally where nothing weighs."""
    whole = math.fsum(weights)
    if not whole:
        return tuple(seconds / len(weights) for _ in weights)
    return tuple(seconds * weight / whole for weight in weights)


def night_figures(conversations: Iterable[Judged], run: Circumstances) -> NightFigures:
    """Count a night. Only the counters are held in memory, never the conversations."""
    tally = _Tally()
    for one in conversations:
        tally.add(one)
    return tally.figures(run)


@dataclass
class _Sums:
    count: int = 0
    scored: int = 0
    total: float = 0.0
    decided: int = 0
    failed: int = 0

    def add(self, one: Judged) -> None:
        self.count += 1
        if one.total is not None:
            self.scored += 1
            self.total += one.total
        if one.passed is not None:
            self.decided += 1
            self.failed += not one.passed

    @property
    def mean(self) -> float | None:
        return self.total / self.scored if self.scored else None

    def group(self, name: str) -> Group:
        return Group(name, self.count, self.mean, Counted(self.decided, self.failed))


@dataclass
class _Tally:
    all: _Sums = field(default_factory=_Sums)
    channels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    queues: dict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    agents: dict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    slowest: list[tuple[float, int, Slow]] = field(default_factory=list)
    fatal: int = 0
    flagged: int = 0
    rated: int = 0
    satisfied: int = 0
    risks: int = 0
    risk: float = 0.0
    call_seconds: float | None = None
    text_seconds: float | None = None
    timed_audio: float = 0.0
    last: int = 0

    def add(self, one: Judged) -> None:
        self.last = max(self.last, one.evaluation)
        self.all.add(one)
        self.channels[one.channel.value] += 1
        self.fatal += bool(one.fatal)
        self.flagged += one.flagged
        if one.flagged:
            self.reasons.update({reason.partition(":")[0] for reason in one.reasons})
        for criterion, happened in one.faults.items():
            counts = self.faults[one.scorecard, criterion]
            counts[0] += 1
            counts[1] += happened
        if one.queue:
            self.queues[one.queue].add(one)
        if one.agent:
            self.agents[one.agent].add(one)
        if one.csat is not None:
            self.rated += 1
            self.satisfied += one.csat >= SATISFIED
        if (risk := complaint_risk(one)) is not None:
            self.risks += 1
            self.risk += risk
        self._time(one)

    def _time(self, one: Judged) -> None:
        if one.seconds is None:
            return
        if one.audio_seconds is None:
            self.text_seconds = (self.text_seconds or 0.0) + one.seconds
        else:
            self.call_seconds = (self.call_seconds or 0.0) + one.seconds
            self.timed_audio += one.audio_seconds
        entry = (one.seconds, -one.evaluation, Slow(one.id, one.source, one.seconds, one.audio_seconds))
        (heapq.heappush if len(self.slowest) < SLOWEST else heapq.heappushpop)(self.slowest, entry)

    def figures(self, run: Circumstances) -> NightFigures:
        return NightFigures(
            run=run.run,
            inbox=run.inbox,
            engine=run.engine,
            started_at=run.started_at,
            made_at=run.made_at,
            interactions=self.all.count,
            by_channel=dict(sorted(self.channels.items())),
            known=run.known,
            duplicates=run.duplicates,
            waiting=run.waiting,
            mean=self.all.mean,
            passed=Counted(self.all.decided, self.all.decided - self.all.failed),
            fatal=self.fatal,
            flagged=self.flagged,
            reasons=dict(self.reasons.most_common()),
            risk=100 * self.risk / self.risks if self.risks else None,
            ratings=Counted(self.rated, self.satisfied),
            faults=tuple(
                Fault(scorecard, criterion, Counted(judged, happened))
                for (scorecard, criterion), (judged, happened) in sorted(self.faults.items())
            ),
            queues=tuple(self.queues[name].group(name) for name in sorted(self.queues)),
            agents=tuple(self.agents[name].group(name) for name in sorted(self.agents)),
            set_aside=run.set_aside,
            slowest=tuple(slow for _, _, slow in sorted(self.slowest, reverse=True)),
            cost=self._cost(run),
            last_evaluation=self.last,
        )

    def _cost(self, run: Circumstances) -> Cost:
        an_hour = self.call_seconds * 3600 / self.timed_audio if self.call_seconds and self.timed_audio else None
        spent = None if self.call_seconds is None and self.text_seconds is None else 0.0
        if spent is not None:
            spent = (self.call_seconds or 0.0) + (self.text_seconds or 0.0)
        price = run.worker_hour / 3600 if run.worker_hour else None
        return Cost(
            call_seconds=self.call_seconds,
            text_seconds=self.text_seconds,
            audio_hours=self.timed_audio / 3600 if self.timed_audio else None,
            seconds_per_audio_hour=an_hour,
            money_per_audio_hour=None if price is None or an_hour is None else an_hour * price,
            money=None if price is None or spent is None else spent * price,
            currency=run.currency,
        )


def to_json(figures: NightFigures) -> Mapping[str, Any]:
    """The figures as JSON values."""
    from pydantic import TypeAdapter

    content: dict[str, Any] = TypeAdapter(NightFigures).dump_python(figures, mode="json")
    return content


def from_json(content: Mapping[str, Any]) -> NightFigures | None:
    """The figures that `to_json` wrote; `None` where another version of zhijian wrote them otherwise."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(NightFigures).validate_python(dict(content))
    except ValidationError:
        return None
