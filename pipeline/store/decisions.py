"""What people decided, as plain rows: whole evaluations need not be read to know it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from pipeline.conversation import Verdict
from pipeline.remote import RemotePath
from pipeline.store import codec
from pipeline.store.records import Decision, Reviewed
from pipeline.store.tables import DecisionRow, EvaluationRow, InteractionRow


def add(session: Session, decision: Decision) -> None:
    """Keep a decision on the newest evaluation of its interaction by its scorecard.

    Raises:
        KeyError: the interaction has no evaluation by that scorecard.
    """
    query = (
        select(EvaluationRow.id)
        .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
        .where(InteractionRow.id == decision.interaction, EvaluationRow.scorecard_digest == decision.scorecard_digest)
        .order_by(EvaluationRow.id.desc())
        .limit(1)
    )
    evaluation = session.scalar(query)
    if evaluation is None:
        raise KeyError(decision.interaction)
    session.add(
        DecisionRow(
            evaluation_id=evaluation,
            criterion=decision.criterion,
            machine=decision.machine.value,
            person=decision.person.value,
            turn=decision.turn,
            why=decision.why,
            who=decision.who,
            decided_at=decision.decided_at,
        )
    )


def every(session: Session) -> Iterator[Decision]:
    """All decisions in the order of time."""
    yield from _read(session, _decisions().execution_options(yield_per=500))


def decided(session: Session) -> list[int]:
    """The numbers of the evaluations that people decided on, by interaction id."""
    query = (
        select(InteractionRow.id, DecisionRow.evaluation_id)
        .join(EvaluationRow, EvaluationRow.id == DecisionRow.evaluation_id)
        .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
        .distinct()
    )
    return [number for _, number in sorted(map(tuple, session.execute(query)))]


def reviewed(session: Session, evaluation: int, media: Path | RemotePath) -> Reviewed:
    """An evaluation with the last decision on each criterion."""
    theirs = _read(session, _decisions().where(DecisionRow.evaluation_id == evaluation))
    last = {decision.criterion: decision for decision in theirs}
    return Reviewed(codec.result_of(session.get_one(EvaluationRow, evaluation), media), tuple(last.values()))


def _decisions() -> Select[Any]:
    return (
        select(
            InteractionRow.id.label("interaction"),
            EvaluationRow.scorecard_id,
            EvaluationRow.scorecard_digest,
            DecisionRow.criterion,
            DecisionRow.machine,
            DecisionRow.person,
            DecisionRow.turn,
            DecisionRow.why,
            DecisionRow.who,
            DecisionRow.decided_at,
        )
        .join(EvaluationRow, EvaluationRow.id == DecisionRow.evaluation_id)
        .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
        .order_by(DecisionRow.id)
    )


def _read(session: Session, query: Select[Any]) -> Iterator[Decision]:
    for row in session.execute(query).mappings():
        yield Decision(**{**row, "machine": Verdict(row["machine"]), "person": Verdict(row["person"])})
