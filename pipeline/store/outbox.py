"""Messages and their receivers: one row each, so that each is sent once, whatever happens in between.

A try is counted as doubtful before it begins, and as not doubtful once the receiver has taken or refused the message.
Whoever dies in between, or gets no answer in time, leaves the doubt behind. A message with one doubt is sent once more,
with the same key; one with two is never sent again. So a receiver gets a message at most twice, the second time only
where nobody can know whether the first one arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipeline.store.portions import among, portions
from pipeline.store.records import Letter, LetterState, Message
from pipeline.store.tables import AlertedRow, OutboxRow
from pipeline.store.work import alive, myself

_MOST_DOUBTS = 2
_FORGOTTEN = timedelta(minutes=15)
"""No try lasts as long: what another machine has been sending since then, it sends no more."""


def put(session: Session, message: Message, receivers: Iterable[str], *, at: datetime) -> tuple[str, ...]:
    """Put a message into the outbox, once for each receiver; gives the subjects that it is the first to tell of.

    Nothing is put where all its subjects were told of before, or where the same alert is there already.
    """
    told = set(session.scalars(select(AlertedRow.subject).where(AlertedRow.subject.in_(message.subjects))))
    fresh = tuple(subject for subject in dict.fromkeys(message.subjects) if subject not in told)
    if message.subjects and not fresh:
        return ()
    session.add_all(AlertedRow(subject=subject, alert=message.alert) for subject in fresh)
    for receiver in receivers:
        key = _letter_key(message.alert, receiver)
        if session.scalar(select(OutboxRow.id).where(OutboxRow.key == key)) is None:
            session.add(
                OutboxRow(
                    key=key,
                    alert=message.alert,
                    receiver=receiver,
                    kind=message.kind,
                    title=message.title,
                    lines=_told(message),
                    report=message.report,
                    made_at=message.made_at,
                    state=LetterState.WAITING.value,
                    doubts=0,
                    tries=0,
                    changed_at=at,
                    problem="",
                )
            )
            session.flush()
    return fresh


def _told(message: Message) -> list[str | list[str]]:
    """The lines of a message as they are kept: those about one subject with it."""
    return [line if subject is None else [line, subject] for line, subject in zip_longest(message.lines, message.about)]


def _letter_key(alert: str, receiver: str) -> str:
    """The key of a message to one receiver: the same whenever it is sent again."""
    return hashlib.sha256(f"{alert}\n{receiver}".encode()).hexdigest()


def untold(session: Session, subjects: Collection[str]) -> frozenset[str]:
    """Those subjects of which no alert has told."""
    told = among(session, select(AlertedRow.subject), AlertedRow.subject, list(subjects))
    return frozenset(subjects).difference(subject for (subject,) in told)


def due(session: Session, receivers: Collection[str], *, again: bool) -> tuple[Letter, ...]:
    """What has to be sent to these receivers, oldest first; `again`: what they refused too."""
    states = [LetterState.WAITING.value, LetterState.SENDING.value]
    if again:
        states.append(LetterState.REFUSED.value)
    query = (
        select(OutboxRow).where(OutboxRow.state.in_(states), OutboxRow.receiver.in_(receivers)).order_by(OutboxRow.id)
    )
    now = datetime.now(UTC)
    return tuple(_letter_of(row) for row in session.scalars(query) if not _being_sent(row, now))


def claim(session: Session, letter: int) -> Letter | None:
    """Take a message for sending, with a doubt more; `None` where another process has it, or it must not be sent.

    The message as it was before the try: its `doubts` tell whether this is a repetition.
    """
    row = session.get(OutboxRow, letter, populate_existing=True)
    now = datetime.now(UTC)
    open_ = (LetterState.WAITING.value, LetterState.SENDING.value, LetterState.REFUSED.value)
    if row is None or row.state not in open_ or _being_sent(row, now):
        return None
    before = _letter_of(row)
    if row.doubts >= _MOST_DOUBTS:
        row.state, row.worker, row.changed_at = LetterState.UNKNOWN.value, None, now
        return None
    same = (OutboxRow.id == letter, OutboxRow.state == row.state, OutboxRow.tries == row.tries)
    worker = OutboxRow.worker.is_(None) if row.worker is None else OutboxRow.worker == row.worker
    taken = session.execute(
        update(OutboxRow)
        .where(*same, worker)
        .values(
            state=LetterState.SENDING.value,
            worker=myself(),
            doubts=OutboxRow.doubts + 1,
            tries=OutboxRow.tries + 1,
            changed_at=now,
        )
        .returning(OutboxRow.id)
    ).all()
    return before if taken else None


def settle(session: Session, letter: int, state: LetterState, problem: str, *, doubtful: bool) -> LetterState:
    """Note how a try ended; gives the state that this comes to."""
    row = session.get_one(OutboxRow, letter, populate_existing=True)
    if not doubtful:
        row.doubts -= 1
    if state is LetterState.WAITING and row.doubts >= _MOST_DOUBTS:
        state = LetterState.UNKNOWN
    row.state, row.problem, row.worker, row.changed_at = state.value, problem, None, datetime.now(UTC)
    return state


def forget(session: Session, subjects: Collection[str]) -> None:
    """Delete messages about these subjects; those about others too only lose what they say of these."""
    alerts: set[str] = set()
    for some in portions(list(subjects)):
        told = AlertedRow.subject.in_(some)
        alerts.update(session.scalars(select(AlertedRow.alert).where(told)))
        session.execute(delete(AlertedRow).where(told))
    others = {alert for (alert,) in among(session, select(AlertedRow.alert), AlertedRow.alert, sorted(alerts))}
    for row in session.scalars(select(OutboxRow)):
        about = {line[1] for line in row.lines if isinstance(line, list)}
        if row.alert not in alerts and about.isdisjoint(subjects):
            continue
        if about and (row.alert in others or not about.issubset(subjects)):
            row.lines = ["…" if isinstance(line, list) and line[1] in subjects else line for line in row.lines]
        else:
            session.delete(row)


def letters(session: Session, limit: int) -> tuple[Letter, ...]:
    """The last messages, newest first."""
    query = select(OutboxRow).order_by(OutboxRow.id.desc()).limit(limit)
    return tuple(_letter_of(row) for row in session.scalars(query))


def _letter_of(row: OutboxRow) -> Letter:
    """The record of a row."""
    lines = tuple(line[0] if isinstance(line, list) else line for line in row.lines)
    message = Message(row.alert, row.kind, row.title, lines, row.report, row.made_at)
    state = LetterState(row.state)
    return Letter(row.id, row.key, row.receiver, message, state, row.doubts, row.tries, row.changed_at, row.problem)


def _being_sent(row: OutboxRow, now: datetime) -> bool:
    if row.state != LetterState.SENDING or row.worker is None:
        return False
    return alive(row.worker) and now - row.changed_at < _FORGOTTEN
