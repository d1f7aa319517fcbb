"""The stored past as a stream: conversations with what was heard and read in them, newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, defaultload

from pipeline.conversation import Channel
from pipeline.remote import RemotePath
from pipeline.store import codec
from pipeline.store.records import Stored
from pipeline.store.tables import ConversationRow, EvaluationRow, HearingRow, InteractionRow, TurnRow

AT_ONCE = 200
_MOMENT = func.coalesce(InteractionRow.started_at, InteractionRow.taken_at)


@dataclass(frozen=True, slots=True)
class Period:
    """Which interactions are meant: begun from `since` on and before `until`, by agent and channel.

    An interaction of which nobody knows when it began counts by when it was taken in.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    channels: Collection[Channel] = tuple(Channel)


def count(session: Session, period: Period) -> int:
    """How many interactions of the period have been evaluated."""
    return session.scalar(select(func.count()).select_from(_within(period).subquery())) or 0


def rows(session: Session, period: Period, limit: int | None) -> Iterator[Sequence[Any]]:
    """Pages of (conversation id, models, engine version), newest interaction first; nothing is held but one page."""
    query = _within(period).order_by(_MOMENT.desc(), InteractionRow.digest)
    if limit is not None:
        query = query.limit(limit)
    yield from session.execute(query.execution_options(yield_per=AT_ONCE)).partitions()


def load(session: Session, page: Sequence[Any], media: Path | RemotePath) -> Iterator[Stored]:
    """The conversations of a page, in its order."""
    wanted = [row.conversation_id for row in page]
    query = select(ConversationRow).where(ConversationRow.id.in_(wanted))
    # Turns are most of the rows: as plain rows they cost a fraction of what mapped objects do.
    query = query.options(defaultload(ConversationRow.hearing).noload(HearingRow.turns))
    whole = session.scalars(query).unique().all()
    heard = [row.hearing_id for row in whole]
    columns = [getattr(TurnRow, name) for name in codec.TURN_FIELDS]
    spoken = select(TurnRow.hearing_id, *columns).where(TurnRow.hearing_id.in_(heard)).order_by(TurnRow.index)
    turns: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for hearing, *fields in session.execute(spoken):
        turns[hearing].append(dict(zip(codec.TURN_FIELDS, fields, strict=True)))
    found = {row.id: codec.conversation_of(row, media, turns=turns[row.hearing_id]) for row in whole}
    for row in page:
        yield Stored(found[row.conversation_id], row.models, row.engine_version)


def _within(period: Period) -> Select[Any]:
    last = select(func.max(EvaluationRow.id).label("id")).group_by(EvaluationRow.interaction_digest).subquery()
    query = (
        select(EvaluationRow.conversation_id, EvaluationRow.models, ConversationRow.engine_version)
        .join(last, last.c.id == EvaluationRow.id)
        .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
        .join(ConversationRow, ConversationRow.id == EvaluationRow.conversation_id)
        .where(InteractionRow.channel.in_([channel.value for channel in period.channels]))
        .where(InteractionRow.text_deleted_at.is_(None))
        .where(InteractionRow.replaced_by.is_(None))
    )
    if period.since is not None:
        query = query.where(period.since <= _MOMENT)
    if period.until is not None:
        query = query.where(period.until > _MOMENT)
    if period.agent is not None:
        query = query.where(InteractionRow.agent_id == period.agent)
    return query
