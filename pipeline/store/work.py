"""What is being worked on, what failed and how often, and what is in quarantine: one row a content.

A row names the process that works on the content. Where that process is gone and the row is still there, it died at
work: that counts as a try. Contents that were tried as often as allowed, the last time alone, go into quarantine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipeline.store.records import Failure, Item, Quarantined
from pipeline.store.tables import AttemptRow

_AT_ONCE = 500


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
    quarantined: dict[str, Quarantined] = {}
    for row in session.scalars(select(AttemptRow)):
        if row.worker is not None and row.worker != me and alive(row.worker):
            busy.add(row.digest)
        elif row.worker is not None:
            row.worker = None
            _count(row, died, limit=limit, now=now)
        if row.quarantined_at is not None:
            quarantined[row.digest] = quarantined_of(row)
        elif row.tries:
            tries[row.digest] = row.tries
    return Stock(tries, frozenset(busy), quarantined)


def begin(session: Session, items: Iterable[Item], *, inbox: str) -> None:
    """Note that this process works on these contents from now on."""
    me = myself()
    waiting = {item.digest: item for item in items}
    alone = len(waiting) == 1
    for some in _portions(list(waiting)):
        for row in session.scalars(select(AttemptRow).where(AttemptRow.digest.in_(some))):
            item = waiting.pop(row.digest)
            row.worker, row.alone, row.source, row.inbox = me, alone, item.source, inbox
    session.add_all(
        AttemptRow(digest=item.digest, source=item.source, inbox=inbox, worker=me, alone=alone)
        for item in waiting.values()
    )


def done(session: Session, digests: Iterable[str]) -> None:
    """Forget contents that have their result."""
    for some in _portions(list(digests)):
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


def quarantined_of(row: AttemptRow) -> Quarantined:
    """The record of a row in quarantine."""
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


def _portions(digests: list[str]) -> Iterable[list[str]]:
    for first in range(0, len(digests), _AT_ONCE):
        yield digests[first : first + _AT_ONCE]


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


def _began(number: int) -> str:
    """When a process began, in ticks since the machine did (proc(5), field 22); empty where nobody tells."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    # A process that has ended but was not waited for yet does nothing any more.
    return "ended" if after_name[0] == "Z" else after_name[19]
