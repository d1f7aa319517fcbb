"""Search in what was said: an index of pairs of characters finds candidates, their turns decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, literal_column, select, table
from sqlalchemy.orm import Session

from pipeline.conversation import Speaker
from pipeline.store import listing
from pipeline.store.pairs import LEAST, agent_mark, form, pairs, place
from pipeline.store.portions import portions
from pipeline.store.records import Hit
from pipeline.store.tables import CaseRow, SpokenRow, TurnRow
from pipeline.store.types import words
from pipeline.text import normalise

AT_ONCE = 60
RECENT = 4_000
"""Hearings that PostgreSQL looks through, newest first, before it asks its index: texts that are common are among them,
and the index would gather every one of their many hearings only to sort them."""
_ALL = 1_000_000_000
_INDEX = table("spoken_index", column("rowid"))


def asked(text: str) -> tuple[str, ...]:
    """The parts of a search text as they are compared: those that blanks part must all have been said.

    Raises:
        ValueError: a part has fewer than `LEAST` characters, or there is none.
    """
    parts = tuple(dict.fromkeys(filter(None, map(form, normalise(text).split()))))
    if not parts or min(map(len, parts)) < LEAST:
        raise ValueError(text)
    return parts


def search(
    session: Session,
    parts: Sequence[str],
    *,
    agent: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Hit]:
    """Interactions in which all parts were said, the last one taken in first. Read a page at a time."""
    before: int | None = None
    if (agent, since, until) == (None, None, None) and session.get_bind().dialect.name == "postgresql":
        last = select(SpokenRow.hearing_id).order_by(SpokenRow.hearing_id.desc())
        before = session.scalar(last.offset(RECENT).limit(1))
        late = session.scalars(recent(parts, before)).all()
        for some in portions(late, AT_ONCE):
            yield from _hits(session, some, parts)
        if before is None:
            return
    while True:
        found = session.scalars(candidates(session, parts, agent, since, until, before)).all()
        yield from _hits(session, found, parts)
        if len(found) < AT_ONCE:
            return
        before = found[-1]


def recent(parts: Sequence[str], since: int | None) -> Select[Any]:
    """Those of the last hearings, from that number on, that have all pairs, the last one first; without the index."""
    last = select(SpokenRow.hearing_id, SpokenRow.pairs).order_by(SpokenRow.hearing_id.desc())
    # The limit keeps the planner from asking the index of pairs after all.
    some = (last if since is None else last.where(SpokenRow.hearing_id >= since)).limit(_ALL).subquery()
    number = some.c.hearing_id
    return select(number).where(some.c.pairs.op("@>")(pairs(parts))).order_by(number.desc())


def candidates(
    session: Session,
    parts: Sequence[str],
    agent: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
) -> Select[Any]:
    """The hearings that have all pairs of all parts, the last one first; those before the hearing of that number."""
    wanted = pairs(parts) if agent is None else (*pairs(parts), agent_mark(agent))
    sqlite = session.get_bind().dialect.name == "sqlite"
    if sqlite:
        number: Any = _INDEX.c.rowid
        query = select(number).where(literal_column("spoken_index").op("MATCH")(" AND ".join(words(wanted).split())))
    else:
        number = SpokenRow.hearing_id
        query = select(number).where(SpokenRow.pairs.op("@>")(wanted))
    if before is not None:
        query = query.where(number < before)
    if (agent, since, until) != (None, None, None):
        cases = select(CaseRow.hearing_id).where(listing.within(agent, since, until))
        # Without the plus, SQLite would ask the full-text index once for every case.
        query = query.where((literal_column("+rowid") if sqlite else number).in_(cases))
    return query.order_by(number.desc()).limit(AT_ONCE)


def _hits(session: Session, hearings: Sequence[int], parts: Sequence[str]) -> Iterator[Hit]:
    if not hearings:
        return
    cases = {row.hearing_id: listing.listed_of(row) for row in session.execute(listing.by_hearing(list(hearings)))}
    said: dict[int, list[Any]] = defaultdict(list)
    turns = select(TurnRow.hearing_id, TurnRow.index, TurnRow.speaker, TurnRow.text, TurnRow.start)
    for row in session.execute(turns.where(TurnRow.hearing_id.in_(list(cases))).order_by(TurnRow.index)):
        said[row.hearing_id].append(row)
    for number in hearings:
        if number not in cases:
            continue
        forms = [(turn, form(turn.text)) for turn in said[number]]
        if not all(any(part in text for _, text in forms) for part in parts):
            continue
        turn = next(turn for turn, text in forms if parts[0] in text)
        span = place(turn.text, parts[0])
        count = sum(any(part in text for part in parts) for _, text in forms)
        yield Hit(cases[number], turn.index, Speaker(turn.speaker), turn.text, span, turn.start, count)
