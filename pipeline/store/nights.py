"""What nights are counted from, read as plain columns, and what they came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from pipeline.conversation import Channel, Verdict
from pipeline.night_figures import Judged, NightFigures
from pipeline.store import bulk
from pipeline.store.outlines import of_evaluations, plain
from pipeline.store.portions import portions
from pipeline.store.tables import (
    EvaluationRow,
    FindingRow,
    HearingRow,
    InteractionRow,
    NightRow,
    ReviewItemRow,
    TimingRow,
)

_HAPPENED = {Verdict.MET.value: False, Verdict.PARTIAL.value: True, Verdict.UNMET.value: True}


def note_timings(session: Session, seconds: Mapping[str, float]) -> None:
    """Keep how long interactions took, by digest; a later time stands for an earlier one."""
    for some in portions(list(seconds)):
        known = {
            row.interaction_digest: row
            for row in session.scalars(select(TimingRow).where(TimingRow.interaction_digest.in_(some)))
        }
        for digest, row in known.items():
            row.seconds = seconds[digest]
        fresh = [digest for digest in some if digest not in known]
        bulk.add(session, TimingRow, [{"interaction_digest": one, "seconds": seconds[one]} for one in fresh])


def _told_until(session: Session) -> int:
    """The last evaluation that a night has told of."""
    return session.scalar(select(func.max(NightRow.last_evaluation))) or 0


def untold(session: Session) -> tuple[int, ...]:
    """The newest evaluations of the interactions that no night has told of yet."""
    last = _told_until(session)
    earlier = aliased(EvaluationRow)
    known = select(earlier.id).where(earlier.interaction_digest == EvaluationRow.interaction_digest, earlier.id <= last)
    query = (
        select(func.max(EvaluationRow.id))
        .where(EvaluationRow.id > last, ~known.exists())
        .group_by(EvaluationRow.interaction_digest)
    )
    return tuple(sorted(session.scalars(query)))


def judged(session: Session, evaluations: Sequence[int]) -> Iterator[Judged]:
    """What a night counts of evaluations, in their order, a page at a time."""
    for some in portions(evaluations):
        faults = _faults(session, some)
        yield from (_judged(row, faults[row.id]) for row in _rows(session, some))


def keep(session: Session, figures: NightFigures, content: Mapping[str, Any]) -> bool:
    """Keep what a night came to; false where the run has one already."""
    if session.scalar(select(NightRow.id).where(NightRow.run == figures.run)) is not None:
        return False
    last = max(figures.last_evaluation, _told_until(session))
    session.add(NightRow(run=figures.run, made_at=figures.made_at, last_evaluation=last, figures=dict(content)))
    session.flush()
    return True


def latest(session: Session, count: int, before: int | None) -> tuple[Mapping[str, Any], ...]:
    """The figures of the last nights, the newest first; only those before a run where one is named."""
    query = select(NightRow.figures).order_by(NightRow.id.desc()).limit(count)
    if before is not None:
        query = query.where(NightRow.run < before)
    return tuple(session.scalars(query))


def _rows(session: Session, evaluations: Sequence[int]) -> Iterator[Any]:
    columns = (
        EvaluationRow.id,
        EvaluationRow.interaction_digest,
        EvaluationRow.scorecard_id,
        EvaluationRow.total,
        EvaluationRow.passed,
        EvaluationRow.fatal,
        EvaluationRow.measures,
        EvaluationRow.classes,
        InteractionRow.id.label("name"),
        InteractionRow.source,
        InteractionRow.channel,
        InteractionRow.agent_id,
        InteractionRow.queue,
        InteractionRow.csat,
        HearingRow.quality,
        ReviewItemRow.flagged,
        ReviewItemRow.reasons,
        TimingRow.seconds,
    )
    query = (
        of_evaluations(evaluations, *columns)
        .outerjoin(TimingRow, TimingRow.interaction_digest == EvaluationRow.interaction_digest)
        .order_by(EvaluationRow.id)
    )
    yield from plain(session, query)


def _faults(session: Session, evaluations: Sequence[int]) -> Mapping[int, Mapping[str, bool]]:
    query = select(FindingRow.evaluation_id, FindingRow.criterion, FindingRow.verdict).where(
        FindingRow.evaluation_id.in_(evaluations), FindingRow.fault, FindingRow.verdict.in_(_HAPPENED)
    )
    found: dict[int, dict[str, bool]] = defaultdict(dict)
    for evaluation, criterion, verdict in plain(session, query):
        found[evaluation][criterion] = _HAPPENED[verdict]
    return found


def _judged(row: Any, faults: Mapping[str, bool]) -> Judged:
    return Judged(
        evaluation=row.id,
        digest=row.interaction_digest,
        id=row.name,
        source=row.source,
        channel=Channel(row.channel),
        agent=row.agent_id,
        queue=row.queue,
        csat=row.csat,
        scorecard=row.scorecard_id,
        total=row.total,
        passed=row.passed,
        fatal=tuple(row.fatal),
        flagged=row.flagged,
        reasons=tuple(row.reasons),
        sentiment_end=row.measures.get("sentiment_end"),
        complaint_level=row.classes.get("complaint_level"),
        resolved=row.classes.get("resolved"),
        audio_seconds=None if row.quality is None else row.quality["duration"],
        seconds=row.seconds,
        faults=faults,
    )
