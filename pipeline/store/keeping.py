"""What was heard, read and scored, put into the store many at a time. What is there already is left as it is.

One statement a table and not one a row: of a chat there are some fifty rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.conversation import Conversation
from pipeline.store import bulk, codec
from pipeline.store.pairs import agent_mark, pairs
from pipeline.store.portions import portions
from pipeline.store.records import Result, ears, models_digest
from pipeline.store.tables import (
    ConversationRow,
    EvaluationRow,
    FindingRow,
    HearingRow,
    InteractionRow,
    ReviewItemRow,
    SpokenRow,
    TurnRow,
)

_AT_ONCE = 250
"""Results that go into the store together."""


def heard(
    session: Session,
    some: Sequence[tuple[Conversation, Mapping[str, str]]],
    media: Mapping[str, str | None],
    moment: datetime,
) -> list[int]:
    """Numbers of the hearings of conversations, each by its models; made where there is none yet.

    Args:
        session: in which to write.
        some: conversations with the models that heard them.
        media: names of the copies of recordings, by digest of the interaction.
        moment: now.
    """
    keys = [(conversation.interaction.digest, ears(models)) for conversation, models in some]
    query = select(HearingRow.interaction_digest, HearingRow.asr_digest, HearingRow.id).where(
        HearingRow.interaction_digest.in_({digest for digest, _ in keys})
    )
    known = {(digest, asr): number for digest, asr, number in session.execute(query)}
    new = {key: one for key, one in zip(keys, some, strict=True) if key not in known}
    if new:
        fields = [codec.turns_fields(conversation.turns) for conversation, _ in new.values()]
        came = [(one, turns) for (one, _), turns in zip(new.values(), fields, strict=True)]
        _interactions(session, came, media, moment)
        numbers = bulk.numbers(session, HearingRow, len(new))
        rows = [
            {"id": number, **codec.hearing_fields(conversation, models)}
            for number, (conversation, models) in zip(numbers, new.values(), strict=True)
        ]
        bulk.add(session, HearingRow, rows)
        known |= dict(zip(new, numbers, strict=True))
        turns = [{"hearing_id": number, **turn} for number, some in zip(numbers, fields, strict=True) for turn in some]
        said = [
            {"hearing_id": number, "pairs": _searched(conversation)}
            for number, (conversation, _) in zip(numbers, new.values(), strict=True)
        ]
        bulk.add(session, TurnRow, turns)
        bulk.add(session, SpokenRow, said)
    return [known[key] for key in keys]


def read(
    session: Session,
    some: Sequence[tuple[Conversation, Mapping[str, str]]],
    engine_version: str,
    media: Mapping[str, str | None],
    moment: datetime,
) -> list[int]:
    """Numbers of what models and engine read in conversations; made where there is none yet. See `heard`."""
    hearings = heard(session, some, media, moment)
    keys = [(number, models_digest(models)) for number, (_, models) in zip(hearings, some, strict=True)]
    query = select(ConversationRow.hearing_id, ConversationRow.models_digest, ConversationRow.id).where(
        ConversationRow.hearing_id.in_(set(hearings)), ConversationRow.engine_version == engine_version
    )
    known = {(hearing, models): number for hearing, models, number in session.execute(query)}
    new = {key: one for key, one in zip(keys, some, strict=True) if key not in known}
    if new:
        numbers = bulk.numbers(session, ConversationRow, len(new))
        rows = [
            {"id": number, **codec.conversation_fields(conversation, models, engine_version, hearing=hearing)}
            for number, ((hearing, _), (conversation, models)) in zip(numbers, new.items(), strict=True)
        ]
        bulk.add(session, ConversationRow, rows)
        known |= dict(zip(new, numbers, strict=True))
    return [known[key] for key in keys]


def scored(session: Session, results: Sequence[Result], media: Mapping[str, str | None], moment: datetime) -> int:
    """Keep results; gives how many evaluations are new. See `heard`."""
    count = 0
    for together in portions(results, _AT_ONCE):
        new = _unknown(session, together)
        by_engine: dict[str, list[Result]] = {}
        for result in new:
            by_engine.setdefault(result.evaluation.engine_version, []).append(result)
        for engine_version, some in by_engine.items():
            read_by = [(result.conversation, result.evaluation.models) for result in some]
            conversations = read(session, read_by, engine_version, media, moment)
            _evaluations(session, some, conversations, moment)
        count += len(new)
    return count


def replace(session: Session, identifier: str, digest: str) -> None:
    """Let the interaction of that digest, if it is in the store, be the one with that id, whoever was until now."""
    row = session.get(InteractionRow, digest)
    if row is not None and row.id != identifier:
        _make_way(session, identifier, digest)
        row.id, row.replaced_by = identifier, None


def _make_way(session: Session, identifier: str, digest: str) -> None:
    """Give the interaction that has this id another one, because `digest` stands for it from now on."""
    former = session.scalars(select(InteractionRow).where(InteractionRow.id == identifier)).one_or_none()
    if former is None:
        return
    number = 1
    while session.scalar(select(InteractionRow.digest).where(InteractionRow.id == f"{identifier}~{number}")):
        number += 1
    former.id, former.replaced_by = f"{identifier}~{number}", digest
    session.flush()


def _unknown(session: Session, results: Sequence[Result]) -> list[Result]:
    """Those results that are not in the store, each once."""
    keys = (
        EvaluationRow.interaction_digest,
        EvaluationRow.scorecard_digest,
        EvaluationRow.models_digest,
        EvaluationRow.engine_version,
    )
    digests = {result.conversation.interaction.digest for result in results}
    known = set(session.execute(select(*keys).where(EvaluationRow.interaction_digest.in_(digests))).tuples())
    new: dict[tuple[str, str, str, str], Result] = {}
    for result in results:
        evaluation, digest = result.evaluation, result.conversation.interaction.digest
        models = models_digest(evaluation.models)
        new.setdefault((digest, evaluation.scorecard_digest, models, evaluation.engine_version), result)
    return [result for key, result in new.items() if key not in known]


def _evaluations(session: Session, results: Sequence[Result], conversations: Sequence[int], moment: datetime) -> None:
    numbers = bulk.numbers(session, EvaluationRow, len(results))
    rows = [
        {"id": number, **codec.evaluation_fields(result, conversation=conversation, evaluated_at=moment)}
        for number, result, conversation in zip(numbers, results, conversations, strict=True)
    ]
    bulk.add(session, EvaluationRow, rows)
    bulk.add(
        session,
        FindingRow,
        [
            codec.finding_fields(finding, position, evaluation=number)
            for number, result in zip(numbers, results, strict=True)
            for position, finding in enumerate(result.evaluation.findings)
        ],
    )
    bulk.add(
        session,
        ReviewItemRow,
        [codec.review_fields(result.review, evaluation=n) for n, result in zip(numbers, results, strict=True)],
    )


def _interactions(
    session: Session,
    heard: Sequence[tuple[Conversation, list[dict[str, Any]]]],
    media: Mapping[str, str | None],
    moment: datetime,
) -> None:
    """Keep those interactions that are not there, each heard with turns of these fields; who has their id makes way."""
    every = {one.interaction.digest: (one, fields) for one, fields in heard}
    known = set(session.scalars(select(InteractionRow.digest).where(InteractionRow.digest.in_(every))))
    new = [(one, fields) for digest, (one, fields) in every.items() if digest not in known]
    ids = {one.interaction.id for one, _ in new}
    taken = set(session.scalars(select(InteractionRow.id).where(InteractionRow.id.in_(ids))))
    rows: list[dict[str, Any]] = []
    for one, fields in new:
        interaction = one.interaction
        if interaction.id in taken:
            bulk.add(session, InteractionRow, rows)
            rows = []
            _make_way(session, interaction.id, interaction.digest)
        taken.add(interaction.id)
        # What came as text is mostly kept as it came.
        came = fields if interaction.turns is one.turns else codec.turns_fields(interaction.turns)
        rows.append(codec.interaction_fields(interaction, came, media=media[interaction.digest], taken_at=moment))
    bulk.add(session, InteractionRow, rows)


def _searched(conversation: Conversation) -> tuple[int, ...]:
    """The pairs that were said, and the mark of the agent."""
    agent, said = conversation.interaction.agent, pairs(turn.text for turn in conversation.turns)
    return said if agent is None else tuple(sorted((*said, agent_mark(agent.id))))
