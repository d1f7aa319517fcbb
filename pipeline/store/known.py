"""What the store knows of contents already: where they came in, who heard and read them, and who judged them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipeline.conversation import Conversation
from pipeline.remote import RemotePath
from pipeline.store import codec
from pipeline.store.portions import among
from pipeline.store.records import Item, ears, models_digest
from pipeline.store.tables import ConversationRow, EvaluationRow, HearingRow, InteractionRow


def interactions(session: Session, ids: Sequence[str] | None) -> dict[str, Item]:
    """Digest and file of all interactions, or of those with these ids, by id."""
    query = select(InteractionRow.id, InteractionRow.digest, InteractionRow.source)
    rows = session.execute(query) if ids is None else among(session, query, InteractionRow.id, ids)
    return {name: Item(digest, source) for name, digest, source in rows}


def has(session: Session, digest: str) -> bool:
    """Whether an interaction is in the store."""
    return session.scalar(select(InteractionRow.digest).where(InteractionRow.digest == digest)) is not None


def evaluated(
    session: Session, digests: Sequence[str], scorecard_digest: str, models: Mapping[str, str], engine_version: str
) -> frozenset[str]:
    """Those digests whose interactions have an evaluation by this scorecard, these models and this engine."""
    query = select(EvaluationRow.interaction_digest).where(
        EvaluationRow.scorecard_digest == scorecard_digest,
        EvaluationRow.models_digest == models_digest(models),
        EvaluationRow.engine_version == engine_version,
    )
    return _those(session, query, EvaluationRow.interaction_digest, digests)


def heard(session: Session, digest: str, models: Mapping[str, str], media: Path | RemotePath) -> Conversation | None:
    """What the speech model among these models heard in an interaction, if it did."""
    query = select(HearingRow).where(HearingRow.interaction_digest == digest, HearingRow.asr_digest == ears(models))
    row = session.scalars(query).one_or_none()
    return None if row is None else codec.heard_of(row, media)


def read(
    session: Session, digest: str, models: Mapping[str, str], engine_version: str, media: Path | RemotePath
) -> Conversation | None:
    """What these models and this engine heard, measured and read in an interaction, if they did."""
    query = _read(select(ConversationRow).join(ConversationRow.hearing), models, engine_version)
    row = session.scalars(query.where(HearingRow.interaction_digest == digest)).one_or_none()
    return None if row is None else codec.conversation_of(row, media)


def which_heard(session: Session, digests: Sequence[str], models: Mapping[str, str]) -> frozenset[str]:
    """Those digests whose interactions the speech model among these models heard."""
    query = select(HearingRow.interaction_digest).where(HearingRow.asr_digest == ears(models))
    return _those(session, query, HearingRow.interaction_digest, digests)


def which_read(
    session: Session, digests: Sequence[str], models: Mapping[str, str], engine_version: str
) -> frozenset[str]:
    """Those digests whose interactions these models and this engine heard and read."""
    query = select(HearingRow.interaction_digest).join(ConversationRow, ConversationRow.hearing_id == HearingRow.id)
    return _those(session, _read(query, models, engine_version), HearingRow.interaction_digest, digests)


def _read(query: Select[Any], models: Mapping[str, str], engine_version: str) -> Select[Any]:
    return query.where(
        HearingRow.asr_digest == ears(models),
        ConversationRow.models_digest == models_digest(models),
        ConversationRow.engine_version == engine_version,
    )


def _those(
    session: Session, query: Select[Any], column: InstrumentedAttribute[str], digests: Sequence[str]
) -> frozenset[str]:
    return frozenset(digest for (digest,) in among(session, query, column, digests))
