"""What of a night is out of the ordinary: against fixed limits, and against the nights before."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.base_line import Counted, Rise, rise
from pipeline.night_figures import NightFigures
from pipeline.settings_tables import Alerts


class Kind(StrEnum):
    """What a warning is about."""

    RISK = "risk"
    SATISFACTION = "satisfaction"
    FAULT = "fault"
    QUEUE = "queue"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something out of the ordinary.

    `name` is the criterion (of the scorecard `card`), the queue or the agent. Against a fixed limit: `value` beyond
    `limit`, both as they are told (an index 0…100, a share 0…1), `usual` the mean of the nights before. Against the
    nights before: `rise`.
    """

    kind: Kind
    name: str = ""
    card: str = ""
    value: float | None = None
    limit: float | None = None
    usual: float | None = None
    counted: Counted | None = None
    rise: Rise | None = None


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    counted: Counted
    card: str = ""


def warnings(night: NightFigures, before: Sequence[NightFigures], alerts: Alerts) -> tuple[Warned, ...]:
    """Everything of a night that is worth a warning, by kind.

    Fixed limits: the complaint-risk index (`night_figures.complaint_risk`, mean over the night times 100) reaches
    `alerts.risk`; the share of satisfied customers is below `alerts.satisfaction`, from `alerts.least_ratings` ratings
    on. Own base lines, by `base_line.rise`: a fault happened more often; more conversations of a queue, or of an agent,
    did not pass. `alerts.chance` is that of one false warning a night and kind: each of `k` tests of a kind gets
    `alerts.chance / k` (Bonferroni), so that a company with 500 agents is not warned of five every night.

    Args:
        night: the night.
        before: nights before, at most `alerts.nights` of them, in any order.
        alerts: limits.
    """
    return (
        *_risk(night, before, alerts),
        *_satisfaction(night, alerts),
        *_rises(Kind.FAULT, _faults(night), [_faults(one) for one in before], alerts),
        *_rises(Kind.QUEUE, _queues(night), [_queues(one) for one in before], alerts),
        *_rises(Kind.AGENT, _agents(night), [_agents(one) for one in before], alerts),
    )


def _risk(night: NightFigures, before: Sequence[NightFigures], alerts: Alerts) -> tuple[Warned, ...]:
    if night.risk is None or night.risk < alerts.risk:
        return ()
    known = [one.risk for one in before if one.risk is not None]
    usual = sum(known) / len(known) if known else None
    return (Warned(Kind.RISK, value=night.risk, limit=alerts.risk, usual=usual),)


def _satisfaction(night: NightFigures, alerts: Alerts) -> tuple[Warned, ...]:
    ratings = night.ratings
    if ratings.judged < alerts.least_ratings or ratings.share >= alerts.satisfaction:
        return ()
    return (Warned(Kind.SATISFACTION, value=ratings.share, limit=alerts.satisfaction, counted=ratings),)


def _rises(
    kind: Kind,
    now: Mapping[Hashable, _Series],
    before: Sequence[Mapping[Hashable, _Series]],
    alerts: Alerts,
) -> tuple[Warned, ...]:
    chance = alerts.chance / max(1, len(now))
    found: list[Warned] = []
    for key, series in now.items():
        past = [one[key].counted for one in before if key in one]
        if risen := rise(series.counted, past, chance=chance):
            found.append(Warned(kind, series.name, series.card, rise=risen))
    return tuple(sorted(found, key=lambda one: one.rise.chance if one.rise else 0.0))


def _faults(night: NightFigures) -> Mapping[Hashable, _Series]:
    return {
        (fault.scorecard, fault.criterion): _Series(fault.criterion, fault.counted, fault.scorecard)
        for fault in night.faults
    }


def _queues(night: NightFigures) -> Mapping[Hashable, _Series]:
    return {group.name: _Series(group.name, group.failed) for group in night.queues}


def _agents(night: NightFigures) -> Mapping[Hashable, _Series]:
    return {group.name: _Series(group.name, group.failed) for group in night.agents}
