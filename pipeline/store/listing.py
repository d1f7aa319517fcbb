"""Lists over many interactions: the queue of people who review, an agent's month, all agents. Read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, text, tuple_
from sqlalchemy.orm import Session

from pipeline.conversation import Agent, Channel
from pipeline.store import codec
from pipeline.store.records import Listed
from pipeline.store.tables import AgentRow, CaseRow, InteractionRow

_AT_ONCE = 500
# As the index ix_cases_queue says it: SQLite uses an index of some rows only where the words are the same.
_WAITING = text("cases.flagged AND NOT cases.decided")


def queue(limit: int, after: Listed | None) -> Select[Any]:
    """Flagged cases that nobody has decided on, the most urgent first, then the newest; those behind `after`."""
    place = (CaseRow.priority, CaseRow.moment, CaseRow.interaction_digest)
    query = _listed().where(_WAITING).order_by(*(column.desc() for column in place))
    if after is not None:
        kinds = [column.type for column in place]
        query = query.where(tuple_(*place) < tuple_(*map(literal, (after.priority, after.moment, after.digest), kinds)))
    return query.limit(limit)


def period(agent: str | None, since: datetime | None, until: datetime | None) -> Select[Any]:
    """Cases of an agent or of all, from `since` on and before `until`, the newest first."""
    query = _listed().order_by(CaseRow.moment.desc(), CaseRow.interaction_digest.desc())
    return query.where(within(agent, since, until))


def within(agent: str | None, since: datetime | None, until: datetime | None) -> Any:
    """The condition that a case is of this agent, from `since` on and before `until`."""
    wanted: list[Any] = []
    if agent is not None:
        wanted.append(CaseRow.agent_id == agent)
    if since is not None:
        wanted.append(CaseRow.moment >= since)
    if until is not None:
        wanted.append(CaseRow.moment < until)
    return and_(True, *wanted)


def stream(session: Session, query: Select[Any]) -> Iterator[Listed]:
    """The cases of a query; nothing is held but a page."""
    yield from map(listed_of, session.execute(query.execution_options(yield_per=_AT_ONCE)))


def by_hearing(hearings: list[int]) -> Select[Any]:
    """The cases that rest on these hearings, with their numbers."""
    return _listed().where(CaseRow.hearing_id.in_(hearings))


def agents(session: Session) -> tuple[Agent, ...]:
    """All agents, by id, each as its newest interaction names it; one whose interactions are gone has no name."""
    last = (
        select(CaseRow.interaction_digest)
        .where(CaseRow.agent_id == AgentRow.id)
        .order_by(CaseRow.moment.desc(), CaseRow.interaction_digest.desc())
        .limit(1)
        .correlate(AgentRow)
        .scalar_subquery()
    )
    query = (
        select(AgentRow.id, InteractionRow.agent_name, InteractionRow.team, InteractionRow.hired_on)
        .outerjoin(InteractionRow, InteractionRow.digest == last)
        .order_by(AgentRow.id)
    )
    return tuple(Agent(*row) for row in session.execute(query).tuples())


def waiting(session: Session) -> int:
    """How many cases are in the queue."""
    return session.scalar(select(func.count()).select_from(CaseRow).where(_WAITING)) or 0


def listed_of(row: Any) -> Listed:
    """The record of a row of a list."""
    return Listed(
        interaction=row.id,
        digest=row.digest,
        channel=Channel(row.channel),
        agent=codec.agent_of(row),
        moment=row.moment,
        scorecard_id=row.scorecard_id,
        total=row.total,
        passed=row.passed,
        flagged=row.flagged,
        priority=row.priority,
        decided=row.decided,
    )


def _listed() -> Select[Any]:
    return (
        select(
            InteractionRow.id, InteractionRow.digest, InteractionRow.channel, InteractionRow.agent_id,
            InteractionRow.agent_name, InteractionRow.team, InteractionRow.hired_on, CaseRow.moment,
            CaseRow.scorecard_id, CaseRow.total, CaseRow.passed, CaseRow.flagged, CaseRow.priority, CaseRow.decided,
            CaseRow.hearing_id,
        )
        .join(InteractionRow, InteractionRow.digest == CaseRow.interaction_digest)
        .where(InteractionRow.replaced_by.is_(None))
    )  # fmt: skip
