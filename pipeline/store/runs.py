"""Runs over inboxes: what each one did, and the files that it set aside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.conversation import SetAside
from pipeline.store.records import Run
from pipeline.store.tables import RunRow, SetAsideRow


def begin(session: Session, inbox: str, engine: str, *, at: datetime) -> int:
    """Note that a run begins; gives its number."""
    row = RunRow(inbox=inbox, engine=engine, started_at=at)
    session.add(row)
    session.flush()
    return row.id


def finish(session: Session, run: int, *, taken: int, evaluated: int, known: int, at: datetime) -> None:
    """Note that a run is done, and what it did."""
    row = session.get_one(RunRow, run)
    row.taken, row.evaluated, row.known, row.finished_at = taken, evaluated, known, at


def set_aside(session: Session, run: int, items: Iterable[SetAside]) -> None:
    """Note files that a run set aside; one seen before keeps its first run."""
    inbox = session.get_one(RunRow, run).inbox
    for item in items:
        same = (SetAsideRow.inbox == inbox, SetAsideRow.source == item.source, SetAsideRow.code == item.code)
        row = session.scalars(select(SetAsideRow).where(*same)).one_or_none()
        if row is None:
            row = SetAsideRow(inbox=inbox, source=item.source, code=item.code, first_run=run)
            session.add(row)
        row.reason, row.hint, row.last_run = item.reason, item.hint, run
        session.flush()


def last_set_aside(session: Session) -> tuple[SetAside, ...]:
    """Files that the last run set aside, in the order of their names."""
    query = (
        select(SetAsideRow)
        .where(SetAsideRow.last_run == select(func.max(RunRow.id)).scalar_subquery())
        .order_by(SetAsideRow.source, SetAsideRow.id)
    )
    return tuple(SetAside(row.source, row.code, row.reason, row.hint) for row in session.scalars(query))


def every(session: Session) -> tuple[Run, ...]:
    """All runs, the last one first."""
    aside = select(func.count()).where(SetAsideRow.last_run == RunRow.id).correlate(RunRow).scalar_subquery()
    columns = (
        RunRow.id, RunRow.inbox, RunRow.engine, RunRow.started_at, RunRow.finished_at, RunRow.taken, RunRow.evaluated,
        RunRow.known,
    )  # fmt: skip
    return tuple(Run(*row) for row in session.execute(select(*columns, aside).order_by(RunRow.id.desc())).tuples())
