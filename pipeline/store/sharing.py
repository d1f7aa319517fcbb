"""Batches of a run that several processes work on: laid out by one, taken one at a time by all, gone at the end.

A batch is taken once. Whoever cannot work on it gives it back; whoever dies keeps it, and its contents are for the next
run, which counts that as a try (`pipeline.store.work`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipeline.conversation import SetAside
from pipeline.store.records import Laid, Shared
from pipeline.store.tables import BatchRow
from pipeline.store.types import to_json
from pipeline.store.work import at_work, beat, myself


def lay_out(session: Session, run: int, batches: Iterable[Laid]) -> None:
    """Put the batches of a run where other processes find them; those of planners that died are cleared away."""
    beat(session)
    owners = session.scalars(select(BatchRow.owner).distinct()).all()
    dead = [owner for owner in owners if not at_work(session, owner)]
    session.execute(delete(BatchRow).where(BatchRow.owner.in_(dead)))
    session.add_all(
        BatchRow(
            run=run,
            number=one.number,
            name=one.name,
            size=one.size,
            content=zlib.compress(to_json(one.content).encode()),
            owner=myself(),
        )
        for one in batches
    )


def take(session: Session, run: int, number: int | None) -> Laid | None:
    """Take the batch of that number, or the first that nobody has; `None` where there is none to take."""
    query = select(BatchRow).where(BatchRow.run == run, BatchRow.worker.is_(None))
    if number is not None:
        query = query.where(BatchRow.number == number)
    row = session.scalars(query.order_by(BatchRow.number).limit(1).with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    beat(session)
    row.worker = myself()
    content: Any = json.loads(zlib.decompress(row.content))
    return Laid(row.number, row.name, row.size, content)


def end(
    session: Session, run: int, number: int, *, results: int, evaluated: int, set_aside: Iterable[SetAside]
) -> None:
    """Note what came of a batch that this process has taken."""
    aside = [[one.source, one.code, one.reason, one.hint] for one in set_aside]
    session.execute(_mine(run, number).values(results=results, evaluated=evaluated, set_aside=aside))


def give_back(session: Session, run: int, number: int, problem: str) -> None:
    """Let others take a batch that this process has taken and cannot work on."""
    session.execute(_mine(run, number).values(worker=None, problem=problem))


def shared(session: Session, run: int) -> tuple[Shared, ...]:
    """How the batches of a run stand."""
    columns = (
        BatchRow.number, BatchRow.size, BatchRow.worker, BatchRow.results, BatchRow.evaluated, BatchRow.set_aside,
        BatchRow.problem,
    )  # fmt: skip
    rows = session.execute(select(*columns).where(BatchRow.run == run).order_by(BatchRow.number)).all()
    living = {row.worker: at_work(session, row.worker) for row in rows if row.worker and row.results is None}
    return tuple(
        Shared(
            row.number,
            row.size,
            row.worker,
            working=living.get(row.worker, False) and row.results is None,
            results=row.results,
            evaluated=row.evaluated or 0,
            set_aside=tuple(SetAside(*one) for one in row.set_aside or ()),
            problem=row.problem,
        )
        for row in rows
    )


def clear(session: Session, run: int) -> None:
    """Forget the batches of a run."""
    session.execute(delete(BatchRow).where(BatchRow.run == run))


def _mine(run: int, number: int) -> Any:
    return update(BatchRow).where(BatchRow.run == run, BatchRow.number == number, BatchRow.worker == myself())
