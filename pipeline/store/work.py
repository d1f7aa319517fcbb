"""What is being worked on, what failed and how often, and what is in quarantine: one row a content.

A row names the process that works on the content. Where that process is gone and the row is still there, it died at
work: that counts as a try. Contents that were tried as often as allowed, the last time alone, go into quarantine.

A process of this machine is gone when the system knows it no more. One of another machine is taken for gone when it has
not been heard of for `LEASE`: whoever works tells every `BEAT` seconds that it lives, by the clock of the database
where that is a server.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipeline.store.portions import portions
from pipeline.store.records import Failure, Item, Quarantined
from pipeline.store.tables import AttemptRow, WorkerRow

LEASE = timedelta(minutes=15)
"""How long a process of another machine may keep silent before what it works on is given to others."""
_FORGET = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Stock:
    """What earlier runs left: tries of contents that failed, contents other processes work on, and the quarantine."""

    tries: Mapping[str, int]
    busy: frozenset[str]
    quarantined: Mapping[str, Quarantined]


def myself() -> str:
    """This process: host, number, and the moment it began, for numbers are used again."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}"


def take_stock(session: Session, *, limit: int, died: Failure, now: datetime) -> Stock:
    """Count the tries of dead processes, and tell how things stand."""
    me = myself()
    tries: dict[str, int] = {}
    busy: set[str] = set()
    set_apart: dict[str, Quarantined] = {}
    for row in session.scalars(select(AttemptRow)):
        if row.worker is not None and row.worker != me and at_work(session, row.worker):
            busy.add(row.digest)
        elif row.worker is not None:
            row.worker = None
            _count(row, died, limit=limit, now=now)
        if row.quarantined_at is not None:
            set_apart[row.digest] = _quarantined_of(row)
        elif row.tries:
            tries[row.digest] = row.tries
    return Stock(tries, frozenset(busy), set_apart)


def begin(session: Session, items: Iterable[Item], *, inbox: str) -> frozenset[str]:
    """Note that this process works on these contents from now on; gives the digests that it has got.

    What another process has noted for itself is left to it, and where that process died, to the next run.
    """
    me = myself()
    beat(session)
    wanted = {item.digest: item for item in items}
    alone, ours = len(wanted) == 1, set[str]()
    # In one order everywhere, so that two processes never wait for each other.
    for some in portions(sorted(wanted)):
        noted = {
            one: {"digest": one, "source": wanted[one].source, "inbox": inbox, "worker": me, "alone": alone}
            for one in some
        }
        fresh = [{**row, "tries": 0, "reason": "", "hint": ""} for row in noted.values()]
        session.execute(_insert(session, AttemptRow).on_conflict_do_nothing(), fresh)
        columns = [getattr(AttemptRow, name) for name in ("digest", "source", "inbox", "worker", "alone")]
        rows = select(*columns).where(AttemptRow.digest.in_(some)).order_by(AttemptRow.digest).with_for_update()
        got = [row for row in session.execute(rows) if row.worker in (None, me)]
        if earlier := [noted[row.digest] for row in got if row._asdict() != noted[row.digest]]:
            session.execute(update(AttemptRow), earlier)
        ours.update(row.digest for row in got)
    return frozenset(ours)


def done(session: Session, digests: Iterable[str]) -> None:
    """Forget contents that have their result."""
    for some in portions(list(digests)):
        session.execute(delete(AttemptRow).where(AttemptRow.digest.in_(some)))


def fail(session: Session, failures: Iterable[Failure], *, limit: int, now: datetime) -> None:
    """Count a try that failed; where no further one can help, or none is left, the content goes into quarantine."""
    for failure in failures:
        row = session.get(AttemptRow, failure.digest)
        if row is None:
            row = AttemptRow(digest=failure.digest, source=failure.source, inbox="", alone=True, tries=0)
            session.add(row)
        row.worker, row.alone = None, True
        if failure.counts:
            _count(row, failure, limit=1 if failure.hopeless else limit, now=now)


def release(session: Session) -> None:
    """This process works on nothing any more; what it had begun counts as never tried."""
    mine = AttemptRow.worker == myself()
    session.execute(delete(AttemptRow).where(mine, AttemptRow.tries == 0))
    session.execute(update(AttemptRow).where(mine).values(worker=None))


def quarantined(session: Session) -> tuple[Quarantined, ...]:
    """All contents in quarantine, by file."""
    query = select(AttemptRow).where(AttemptRow.quarantined_at.is_not(None))
    return tuple(map(_quarantined_of, session.scalars(query.order_by(AttemptRow.source, AttemptRow.digest))))


def _quarantined_of(row: AttemptRow) -> Quarantined:
    if row.quarantined_at is None:
        raise ValueError(row.digest)
    return Quarantined(
        row.digest, row.source, row.inbox, row.tries, row.code or "", row.reason, row.hint, row.quarantined_at
    )


def _count(row: AttemptRow, why: Failure, *, limit: int, now: datetime) -> None:
    row.tries = (row.tries or 0) + 1
    row.code, row.reason, row.hint = why.code, why.reason, why.hint
    if row.tries >= limit and row.alone:
        row.quarantined_at = now


def beat(session: Session) -> None:
    """Note that this process lives."""
    moment = _now(session)
    fresh = _insert(session, WorkerRow).values(name=myself(), seen_at=moment)
    session.execute(fresh.on_conflict_do_update(index_elements=["name"], set_={"seen_at": moment}))
    session.execute(delete(WorkerRow).where(WorkerRow.seen_at < moment - _FORGET))


def at_work(session: Session, worker: str) -> bool:
    """Whether a process, of whatever machine, still works: `LEASE` tells for those of others."""
    if worker.rsplit(":", 2)[0] == socket.gethostname():
        return alive(worker)
    seen = session.scalar(select(WorkerRow.seen_at).where(WorkerRow.name == worker))
    return seen is not None and _now(session) - seen < LEASE


def alive(worker: str) -> bool:
    """Whether a process still runs; one on another machine is taken to."""
    host, number, began = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _began(int(number)) == began


def _now(session: Session) -> datetime:
    """By the clock that all who work with this store share."""
    if session.get_bind().dialect.name != "postgresql":
        return datetime.now(UTC)
    moment: datetime = session.scalars(select(func.now())).one()
    return moment


def _insert(session: Session, row: type[AttemptRow | WorkerRow]) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(row) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(row)


def _began(number: int) -> str:
    """When a process began, in ticks since the machine did (proc(5), field 22); empty where nobody tells."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    # A process that has ended but was not waited for yet does nothing any more.
    return "ended" if after_name[0] == "Z" else after_name[19]
