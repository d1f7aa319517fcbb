"""The stored past: conversations with what was heard and read in them as a stream, newest first; whole results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, defaultload, noload

from pipeline.conversation import Channel
from pipeline.remote import RemotePath
from pipeline.store import codec
from pipeline.store.outlines import plain
from pipeline.store.portions import AT_ONCE as ASKED_AT_ONCE
from pipeline.store.records import Result, Stored
from pipeline.store.tables import (
    MOMENT,
    CaseRow,
    ConversationRow,
    EvaluationRow,
    FindingRow,
    HearingRow,
    InteractionRow,
    TurnRow,
)

_AT_ONCE, _WHOLE_AT_ONCE = 200, 100


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
    query = _within(period).order_by(MOMENT.desc(), InteractionRow.digest)
    if limit is not None:
        query = query.limit(limit)
    yield from session.execute(query.execution_options(yield_per=_AT_ONCE)).partitions()


def load(session: Session, page: Sequence[Any], media: Path | RemotePath) -> Iterator[Stored]:
    """The conversations of a page, in its order."""
    wanted = [row.conversation_id for row in page]
    query = select(ConversationRow).where(ConversationRow.id.in_(wanted))
    query = query.options(defaultload(ConversationRow.hearing).noload(HearingRow.turns))
    whole = session.scalars(query).unique().all()
    turns = _turns(session, [row.hearing_id for row in whole])
    found = {row.id: codec.conversation_of(row, media, turns=turns[row.hearing_id]) for row in whole}
    for row in page:
        yield Stored(found[row.conversation_id], row.models, row.engine_version)


def evaluations(session: Session, digests: Collection[str] | None, *, newest: bool) -> Iterator[Sequence[int]]:
    """Pages of numbers of evaluations, by interaction id and time of evaluation.

    Args:
        session: in which to read.
        digests: only these interactions.
        newest: only the last evaluation of each interaction.
    """
    digest = EvaluationRow.interaction_digest
    query = (
        select(EvaluationRow.id, digest)
        .join(InteractionRow)
        .where(InteractionRow.replaced_by.is_(None))
        .order_by(InteractionRow.id, EvaluationRow.id)
    )
    if newest:
        query = query.join(CaseRow, CaseRow.evaluation_id == EvaluationRow.id)
    if digests is not None and len(digests) <= ASKED_AT_ONCE:
        query = query.where(digest.in_(digests))
    rows = session.execute(query.execution_options(yield_per=_WHOLE_AT_ONCE)).tuples()
    for page in rows.partitions():
        yield [number for number, theirs in page if digests is None or theirs in digests]


def results(session: Session, evaluations: Sequence[int], media: Path | RemotePath) -> Iterator[Result]:
    """The results of evaluations, in their order."""
    query = select(EvaluationRow).where(EvaluationRow.id.in_(evaluations))
    query = query.options(
        noload(EvaluationRow.findings),
        defaultload(EvaluationRow.conversation).defaultload(ConversationRow.hearing).noload(HearingRow.turns),
    )
    whole = session.scalars(query).unique().all()
    turns = _turns(session, [row.conversation.hearing_id for row in whole])
    findings: dict[int, list[Any]] = defaultdict(list)
    columns = FindingRow.__table__
    found = select(columns).where(FindingRow.evaluation_id.in_(evaluations)).order_by(FindingRow.position)
    for row in plain(session, found):
        findings[row.evaluation_id].append(row)
    by_number = {evaluation.id: evaluation for evaluation in whole}
    for number in evaluations:
        one = by_number[number]
        yield codec.result_of(one, media, turns=turns[one.conversation.hearing_id], findings=findings[number])


def _turns(session: Session, hearings: Sequence[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The fields of turns by hearing. Most rows are turns: plain ones cost a fraction of what mapped objects do."""
    columns = [getattr(TurnRow, name) for name in codec.TURN_FIELDS]
    spoken = select(TurnRow.hearing_id, *columns).where(TurnRow.hearing_id.in_(hearings)).order_by(TurnRow.index)
    turns: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for hearing, *fields in plain(session, spoken):
        turns[hearing].append(dict(zip(codec.TURN_FIELDS, fields, strict=True)))
    return turns


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
        query = query.where(period.since <= MOMENT)
    if period.until is not None:
        query = query.where(period.until > MOMENT)
    if period.agent is not None:
        query = query.where(InteractionRow.agent_id == period.agent)
    return query
