"""Results as lists, charts and averages need them: verdicts and figures without anything that was said.

What many have in common (an agent, a finding without its quotes) is one object in memory, not one each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Result as Rows
from sqlalchemy import Select, Text, cast, select
from sqlalchemy.orm import Session

from pipeline.conversation import (
    Channel,
    Classes,
    Conversation,
    Evaluation,
    Evidence,
    Finding,
    Interaction,
    Measures,
    Reason,
    ReviewItem,
    Verdict,
)
from pipeline.remote import RemotePath
from pipeline.store import codec
from pipeline.store.portions import among
from pipeline.store.records import Outline, Result
from pipeline.store.tables import (
    CaseRow,
    ConversationRow,
    EvaluationRow,
    FindingRow,
    HearingRow,
    InteractionRow,
    ReviewItemRow,
)

SOMEWHERE = Evidence(0, None, None, (0, 0), "")
"""Stands for evidence that an outline does not hold."""
_UNTOLD = Reason("")
_UNMEASURED, _UNCLASSED = Measures(), Classes()
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_SHOWN = ("duration", "sentiment_start", "sentiment_end")
"""Measures that lists and charts show."""


def newest(session: Session, digests: Sequence[str] | None) -> list[int]:
    """The numbers of the newest evaluations of all interactions, or of some, by interaction id."""
    query = (
        select(InteractionRow.id, CaseRow.evaluation_id)
        .join(CaseRow, CaseRow.interaction_digest == InteractionRow.digest)
        .where(InteractionRow.replaced_by.is_(None))
    )
    rows = session.execute(query) if digests is None else among(session, query, InteractionRow.digest, digests)
    return [number for _, number in sorted(map(tuple, rows))]


class Outlines:
    """Reads outlines; one object for all of them, so that what they share is shared.

    Args:
        media: the folder of recordings.
    """

    def __init__(self, media: Path | RemotePath) -> None:
        self._media = media
        self._same: dict[Any, Any] = {}

    def load(self, session: Session, evaluations: Sequence[int]) -> Iterator[Outline]:
        """The outlines of evaluations by number, in the order of these numbers."""
        findings: dict[int, list[Finding]] = defaultdict(list)
        for number, *fields in plain(session, _findings(evaluations)):
            findings[number].append(self._finding(*fields))
        rows = {row.number: row for row in plain(session, _rows(evaluations))}
        for number in evaluations:
            if number in rows:
                yield self._outline(rows[number], tuple(findings.pop(number, ())))

    def _outline(self, row: Any, findings: tuple[Finding, ...]) -> Outline:
        one = self._one
        interaction = Interaction(
            id=row.id,
            channel=Channel(row.channel),
            digest=row.interaction_digest,
            source=row.source,
            agent=one(codec.agent_of(row)),
            queue=one(row.queue),
            started_at=codec.began(row.started_at, row.started_offset),
            recording=None if row.media is None else str(self._media / row.media),
            channels=_NOTHING,
            attributes=_NOTHING,
            extra=_NOTHING,
        )
        evaluation = Evaluation(
            interaction=row.id,
            scorecard_id=one(row.scorecard_id),
            scorecard_version=one(row.scorecard_version),
            scorecard_digest=one(row.scorecard_digest),
            engine_version=one(row.engine_version),
            models=self._models(row.models),
            total=row.total,
            max=row.max,
            passed=row.passed,
            band=one(row.band),
            fatal=one(tuple(row.fatal)),
            findings=findings,
            measures=Measures(**{name: row.measures.get(name) for name in _SHOWN}),
            classes=one(Classes(**row.classes)),
            critical=row.critical,
        )
        hearing = codec.quality_of(row.quality)
        review = ReviewItem(row.id, row.flagged, row.priority, one(tuple(map(one, row.reasons))))
        revision = "" if row.text_deleted_at is None else row.text_deleted_at.isoformat()
        conversation = Conversation(interaction, (), _UNMEASURED, _UNCLASSED, hearing, answers=_NOTHING)
        return Outline(Result(conversation, evaluation, review, row.evaluated_at), revision)

    def _finding(
        self,
        criterion: str,
        section: str,
        verdict: str,
        points: float,
        possible: float,
        confidence: float,
        fault: bool,
        fatal: bool,
        section_fatal: bool,
        bonus: bool,
        bare: bool,
    ) -> Finding:
        about = round(confidence, 2)
        key = (criterion, verdict, points, possible, about, fault, fatal, section_fatal, bonus, bare, section)
        known: Finding | None = self._same.get(key)
        if known is None:
            one = self._one
            known = self._same[key] = Finding(
                one(criterion),
                one(section),
                Verdict(verdict),
                points,
                possible,
                about,
                _UNTOLD,
                () if bare else (SOMEWHERE,),
                fault,
                fatal,
                section_fatal,
                bonus,
            )
        return known

    def _models(self, models: Mapping[str, str]) -> Mapping[str, str]:
        known: Mapping[str, str] = self._same.setdefault(("models", *models.items()), MappingProxyType(dict(models)))
        return known

    def _one(self, value: Any) -> Any:
        """The first object that was equal to this one."""
        return self._same.setdefault(value, value)


def _rows(evaluations: Sequence[int]) -> Select[Any]:
    columns = (
        EvaluationRow.id.label("number"),
        EvaluationRow.interaction_digest,
        EvaluationRow.scorecard_id,
        EvaluationRow.scorecard_version,
        EvaluationRow.scorecard_digest,
        EvaluationRow.engine_version,
        EvaluationRow.models,
        EvaluationRow.total,
        EvaluationRow.max,
        EvaluationRow.critical,
        EvaluationRow.passed,
        EvaluationRow.band,
        EvaluationRow.fatal,
        EvaluationRow.measures,
        EvaluationRow.classes,
        EvaluationRow.evaluated_at,
        InteractionRow.id,
        InteractionRow.source,
        InteractionRow.channel,
        InteractionRow.agent_id,
        InteractionRow.agent_name,
        InteractionRow.team,
        InteractionRow.hired_on,
        InteractionRow.queue,
        InteractionRow.started_at,
        InteractionRow.started_offset,
        InteractionRow.media,
        InteractionRow.text_deleted_at,
        HearingRow.quality,
        ReviewItemRow.flagged,
        ReviewItemRow.priority,
        ReviewItemRow.reasons,
    )
    return of_evaluations(evaluations, *columns)


def of_evaluations(evaluations: Sequence[int], *columns: Any) -> Select[Any]:
    """Columns of evaluations, and of the interaction, the hearing and the review item that belong to each."""
    return (
        select(*columns)
        .select_from(EvaluationRow)
        .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
        .join(ConversationRow, ConversationRow.id == EvaluationRow.conversation_id)
        .join(HearingRow, HearingRow.id == ConversationRow.hearing_id)
        .join(ReviewItemRow, ReviewItemRow.evaluation_id == EvaluationRow.id)
        .where(EvaluationRow.id.in_(evaluations))
    )


def plain(session: Session, query: Select[Any]) -> Rows[Any]:
    """The rows of a query of columns alone, past the mapping of objects: of a night there are hundreds of thousands."""
    return session.connection().execute(query)


def _findings(evaluations: Sequence[int]) -> Select[Any]:
    return (
        select(
            FindingRow.evaluation_id,
            FindingRow.criterion,
            FindingRow.section,
            FindingRow.verdict,
            FindingRow.points,
            FindingRow.max_points,
            FindingRow.confidence,
            FindingRow.fault,
            FindingRow.fatal,
            FindingRow.section_fatal,
            FindingRow.bonus,
            cast(FindingRow.evidence, Text) == "[]",
        )
        .where(FindingRow.evaluation_id.in_(evaluations))
        .order_by(FindingRow.evaluation_id, FindingRow.position)
    )
