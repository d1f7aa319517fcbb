"""What people decided, as plain rows: whole evaluations need not be read to know it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.conversation import Verdict
from pipeline.store.records import Decision
from pipeline.store.tables import DecisionRow, EvaluationRow, InteractionRow


def every(session: Session) -> Iterator[Decision]:
    """All decisions in the order of time."""
    query = (
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
        .execution_options(yield_per=500)
    )
    for row in session.execute(query).mappings():
        yield Decision(**{**row, "machine": Verdict(row["machine"]), "person": Verdict(row["person"])})
