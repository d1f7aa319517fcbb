"""Deleting what was kept: recordings, texts, or an interaction with all that hangs on it; looking for what is left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Engine, String, Text, cast, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store import outbox
from pipeline.store.portions import among, portions
from pipeline.store.tables import (
    MOMENT,
    AttemptRow,
    Base,
    ConversationRow,
    DecisionRow,
    ErasingRow,
    EvaluationRow,
    FindingRow,
    ForgottenRow,
    HearingRow,
    InteractionRow,
    NightRow,
    ReviewItemRow,
    ScorecardRow,
    SetAsideRow,
    SpokenRow,
    TimingRow,
    TurnRow,
)

_NO_COMPLAINT = (None, "none")


@dataclass(frozen=True, slots=True)
class Kept:
    """An interaction in the store, as far as deleting needs it: whether it was a complaint, and what it still has."""

    digest: str
    id: str
    source: str
    moment: datetime
    complaint: bool
    media: str | None
    has_text: bool


def kept(session: Session, *, before: datetime | None = None, customer: str | None = None) -> Iterator[Kept]:
    """Interactions that began before a moment, or those of a customer, by the order of time."""
    query = select(
        InteractionRow.digest,
        InteractionRow.id,
        InteractionRow.source,
        InteractionRow.started_at,
        InteractionRow.taken_at,
        InteractionRow.media,
        InteractionRow.text_deleted_at,
    ).order_by(MOMENT, InteractionRow.digest)
    if before is not None:
        query = query.where(before > MOMENT)
    if customer is not None:
        query = query.where(InteractionRow.customer_id == customer)
    rows = session.execute(query).all()
    for some in portions(rows):
        complaints = _complaints(session, [row.digest for row in some])
        for row in some:
            began = row.started_at or row.taken_at
            has_text = row.text_deleted_at is None
            yield Kept(row.digest, row.id, row.source, began, row.digest in complaints, row.media, has_text)


def _complaints(session: Session, digests: Sequence[str]) -> set[str]:
    """Those interactions that any evaluation took for a complaint."""
    query = select(EvaluationRow.interaction_digest, EvaluationRow.classes)
    rows = session.execute(query.where(EvaluationRow.interaction_digest.in_(digests)))
    return {digest for digest, classes in rows if classes.get("complaint_type") not in _NO_COMPLAINT}


def lone_media(session: Session, digests: Collection[str]) -> tuple[str, ...]:
    """The copies of recordings of these interactions that no other one needs."""
    ours = frozenset(digests)
    theirs = among(session, select(InteractionRow.media), InteractionRow.digest, list(ours))
    names = sorted({name for (name,) in theirs if name is not None})
    users = among(session, select(InteractionRow.media, InteractionRow.digest), InteractionRow.media, names)
    needed = {name for name, digest in users if digest not in ours}
    return tuple(name for name in names if name not in needed)


def drop_media(session: Session, digests: Collection[str]) -> None:
    """Forget the recordings of interactions, and how they looked."""
    for some in portions(list(digests)):
        theirs = update(HearingRow).where(HearingRow.interaction_digest.in_(some))
        session.execute(theirs.values(waveform=None).execution_options(synchronize_session=False))
        session.execute(update(InteractionRow).where(InteractionRow.digest.in_(some)).values(media=None))


def drop_text(session: Session, digests: Collection[str], *, at: datetime) -> None:
    """Delete what was said in interactions, and quotes of it; who spoke when, verdicts and points stay."""
    for some in portions(list(digests)):
        empty = {"turns": [], "attributes": {}, "extra": {}, "text_deleted_at": at}
        session.execute(update(InteractionRow).where(InteractionRow.digest.in_(some)).values(**empty))
        hearings = list(session.scalars(select(HearingRow.id).where(HearingRow.interaction_digest.in_(some))))
        for part in portions(hearings):
            session.execute(update(HearingRow).where(HearingRow.id.in_(part)).values(sealed=None))
            session.execute(
                update(TurnRow)
                .where(TurnRow.hearing_id.in_(part))
                .values(text="", original="", words=[], marks=[])
                .execution_options(synchronize_session=False)
            )
            session.execute(delete(SpokenRow).where(SpokenRow.hearing_id.in_(part)))
        numbers = list(session.scalars(select(EvaluationRow.id).where(EvaluationRow.interaction_digest.in_(some))))
        for part in portions(numbers):
            for row in session.scalars(select(FindingRow).where(FindingRow.evaluation_id.in_(part))):
                row.evidence = []
                row.why_args = {key: _unquoted(value) for key, value in row.why_args.items()}
            session.flush()


def _unquoted(value: Any) -> Any:
    """Arguments of a sentence without words of the conversation; `@` begins a key of the catalogue."""
    return "…" if isinstance(value, str) and not value.startswith("@") else value


def drop_all(session: Session, items: Collection[Kept], *, why: str, at: datetime) -> None:
    """Delete interactions with all that hangs on them; only their digests stay, so that they are not taken in again."""
    digests, ids = [one.digest for one in items], {one.id for one in items}
    sources = {one.source for one in items}
    for some in portions(list(digests)):
        theirs = EvaluationRow.interaction_digest.in_(some)
        numbers = list(session.scalars(select(EvaluationRow.id).where(theirs)))
        hearings = list(session.scalars(select(HearingRow.id).where(HearingRow.interaction_digest.in_(some))))
        for part in portions(numbers):
            session.execute(insert(ErasingRow), [{"evaluation_id": number} for number in part])
            for row in (DecisionRow, FindingRow, ReviewItemRow):
                session.execute(delete(row).where(row.evaluation_id.in_(part)))
            session.execute(delete(EvaluationRow).where(EvaluationRow.id.in_(part)))
            session.execute(delete(ErasingRow).where(ErasingRow.evaluation_id.in_(part)))
        for part in portions(hearings):
            session.execute(delete(ConversationRow).where(ConversationRow.hearing_id.in_(part)))
            session.execute(delete(TurnRow).where(TurnRow.hearing_id.in_(part)))
            session.execute(delete(SpokenRow).where(SpokenRow.hearing_id.in_(part)))
            session.execute(delete(HearingRow).where(HearingRow.id.in_(part)))
        session.execute(delete(TimingRow).where(TimingRow.interaction_digest.in_(some)))
        session.execute(delete(AttemptRow).where(AttemptRow.digest.in_(some)))
        session.execute(update(InteractionRow).where(InteractionRow.replaced_by.in_(some)).values(replaced_by=None))
        session.execute(delete(InteractionRow).where(InteractionRow.digest.in_(some)))
        known = set(session.scalars(select(ForgottenRow.digest).where(ForgottenRow.digest.in_(some))))
        session.add_all(ForgottenRow(digest=one, why=why, forgotten_at=at) for one in some if one not in known)
        session.flush()
    for some in portions(sorted(sources)):
        session.execute(delete(SetAsideRow).where(SetAsideRow.source.in_(some)))
    outbox.forget(session, frozenset(digests))
    names = frozenset((*ids, *sources))
    for night in session.scalars(select(NightRow)):
        night.figures = _without(night.figures, names)


def _without(value: Any, names: Collection[str]) -> Any:
    """A JSON value without these names: texts that are one of them are emptied."""
    if isinstance(value, dict):
        return {key: _without(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    return "…" if isinstance(value, str) and value in names else value


def closed(session: Session) -> frozenset[str]:
    """Digests of contents that are not to be taken in or evaluated again, because they or their texts were deleted."""
    gone = session.scalars(select(ForgottenRow.digest))
    silent = session.scalars(select(InteractionRow.digest).where(InteractionRow.text_deleted_at.is_not(None)))
    return frozenset((*gone, *silent))


def remaining(session: Session, digests: Collection[str]) -> tuple[str, ...]:
    """Columns (`table.column`) of digests that still name one of these, whatever table they are in."""
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, String) and column.type.length == 71]
        for column in columns if table.name != ForgottenRow.__tablename__ else ():
            for some in portions(list(digests)):
                if session.execute(select(1).where(column.in_(some)).limit(1)).first() is not None:
                    found.append(f"{table.name}.{column.name}")
                    break
    return tuple(found)


def traces(session: Session, words: Iterable[str]) -> tuple[str, ...]:
    """Columns (`table.column`) that hold one of these words, whatever table they are in; scorecards apart."""
    found: list[str] = []
    wanted = tuple(words)
    for table in Base.metadata.sorted_tables:
        for column in table.columns if table.name != ScorecardRow.__tablename__ else ():
            if not isinstance(column.type, String | Text | JSON):
                continue
            for some in portions(wanted, 50):
                text = cast(column, Text)
                hit = or_(*(text.contains(word, autoescape=True) for word in some))
                if session.execute(select(1).select_from(table).where(hit).limit(1)).first() is not None:
                    found.append(f"{table.name}.{column.name}")
                    break
    return tuple(found)


def own_texts(session: Session, digests: Collection[str], *, least: int, most: int) -> tuple[str, ...]:
    """The longest texts that were said in these interactions and in no other, of at least so many characters."""
    found: set[str] = set()
    for some in portions(list(digests)):
        query = select(TurnRow.text).join(HearingRow).where(HearingRow.interaction_digest.in_(some))
        found.update(text for text in session.scalars(query) if len(text) >= least)
        found = set(sorted(found, key=lambda text: (-len(text), text))[:most])
    theirs = frozenset(digests)
    said = select(TurnRow.text, HearingRow.interaction_digest).join(HearingRow).where(TurnRow.text.in_(found))
    others = {text for text, digest in session.execute(said) if digest not in theirs}
    return tuple(sorted(found - others))


def overwrite(engine: Engine) -> None:
    """See to it that what was deleted cannot be read in the files of a SQLite database either."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO spoken_index (spoken_index) VALUES ('optimize')")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        connection.close()
