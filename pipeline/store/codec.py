"""Nouns ↔ rows. JSON columns hold the fields of the nouns by name; `None` stays `None`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import starmap
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.conversation import (
    Agent,
    Channel,
    Classes,
    Conversation,
    Cue,
    Customer,
    Evaluation,
    Evidence,
    Finding,
    Hearing,
    Interaction,
    Mark,
    Measures,
    Reading,
    Reason,
    ReviewItem,
    Speaker,
    Turn,
    Verdict,
    Word,
)
from pipeline.remote import RemotePath
from pipeline.store.records import Result, ears, models_digest
from pipeline.store.tables import (
    ConversationRow,
    EvaluationRow,
    HearingRow,
    InteractionRow,
)


def interaction_fields(
    interaction: Interaction, turns: Sequence[Mapping[str, Any]], *, media: str | None, taken_at: datetime
) -> dict[str, Any]:
    """The columns of an interaction that came with turns of these fields, and whose recording was copied to `media`."""
    agent, customer = interaction.agent, interaction.customer
    started = interaction.started_at
    offset = started.utcoffset() if started else None
    return {
        "digest": interaction.digest,
        "id": interaction.id,
        "channel": interaction.channel.value,
        "source": interaction.source,
        "agent_id": agent.id if agent else None,
        "agent_name": agent.name if agent else None,
        "team": agent.team if agent else None,
        "hired_on": agent.hired_on if agent else None,
        "has_customer": customer is not None,
        "customer_id": customer.id if customer else None,
        "customer_segment": customer.segment if customer else None,
        "queue": interaction.queue,
        "started_at": started,
        "started_offset": None if offset is None else int(offset.total_seconds()),
        "media": media,
        "channels": {side: speaker.value for side, speaker in interaction.channels.items()},
        "turns": turns,
        "csat": interaction.csat,
        "attributes": dict(interaction.attributes),
        "extra": dict(interaction.extra),
        "taken_at": taken_at,
    }


def interaction_of(
    row: InteractionRow, media: Path | RemotePath, *, turns: tuple[Turn, ...] | None = None
) -> Interaction:
    """The interaction of a row; `media` is the folder of recordings, `turns` its turns where they are at hand."""
    return Interaction(
        id=row.id,
        channel=Channel(row.channel),
        digest=row.digest,
        source=row.source,
        agent=agent_of(row),
        customer=Customer(row.customer_id, row.customer_segment) if row.has_customer else None,
        queue=row.queue,
        started_at=began(row.started_at, row.started_offset),
        recording=None if row.media is None else str(media / row.media),
        channels=MappingProxyType({side: Speaker(role) for side, role in row.channels.items()}),
        turns=tuple(map(_turn_of, row.turns)) if turns is None else turns,
        csat=row.csat,
        attributes=MappingProxyType(row.attributes),
        extra=MappingProxyType(row.extra),
    )


def agent_of(row: Any) -> Agent | None:
    """The agent in the columns of an interaction, if one is known."""
    return None if row.agent_id is None else Agent(row.agent_id, row.agent_name, row.team, row.hired_on)


def began(moment: datetime | None, offset: int | None) -> datetime | None:
    """A moment by the clocks where it was noted: `offset` is how many seconds they are ahead of UTC."""
    return moment if moment is None or offset is None else moment.astimezone(_zone(offset))


@lru_cache
def _zone(offset: int) -> timezone:
    return timezone(timedelta(seconds=offset))


def quality_of(fields: Mapping[str, Any] | None) -> Hearing | None:
    """How well an interaction could be heard; `None` where it came as text."""
    return None if fields is None else Hearing(**{**fields, "warnings": tuple(fields["warnings"])})


def hearing_fields(conversation: Conversation, models: Mapping[str, str]) -> dict[str, Any]:
    """The columns of what the speech model among `models` heard; its turns have rows of their own."""
    return {
        "interaction_digest": conversation.interaction.digest,
        "asr_digest": ears(models),
        "quality": _quality_fields(conversation.hearing),
        "sealed": conversation.sealed or None,
        "waveform": b"".join(conversation.hearing.waveform) or None if conversation.hearing else None,
    }


def _quality_fields(hearing: Hearing | None) -> dict[str, Any] | None:
    """All of it but the waveform, which has a column of its own: only pages need it."""
    if hearing is None:
        return None
    return {name: value for name, value in asdict(hearing).items() if name != "waveform"}


def _hearing_of(row: HearingRow) -> Hearing | None:
    hearing = quality_of(row.quality)
    if hearing is None or not row.waveform:
        return hearing
    points = len(row.waveform) // hearing.channels
    channels = (row.waveform[at : at + points] for at in range(0, len(row.waveform), points))
    return replace(hearing, waveform=tuple(channels))


def turns_fields(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The columns of turns."""
    return [_turn_fields(turn) for turn in turns]


def _turn_fields(turn: Turn) -> dict[str, Any]:
    return {
        "index": turn.index,
        "speaker": turn.speaker.value,
        "text": turn.text,
        "original": turn.original,
        "start": turn.start,
        "end": turn.end,
        "confidence": turn.confidence,
        "role_confidence": turn.role_confidence,
        "words": [[word.text, word.start, word.end, word.probability] for word in turn.words],
        "loudness": turn.loudness,
        "sound_before": turn.sound_before,
        "marks": [[m.kind, *m.span, m.characters, m.thing, m.certain, m.given] for m in turn.marks],
    }


def heard_of(row: HearingRow, media: Path | RemotePath, *, turns: list[dict[str, Any]] | None = None) -> Conversation:
    """The conversation of a hearing's row, neither measured nor read; `turns` are its turns' fields if at hand."""
    if turns is None:
        turns = [{name: getattr(turn, name) for name in TURN_FIELDS} for turn in row.turns]
    said = tuple(map(_turn_of, turns))
    return Conversation(
        # What came as text is mostly kept as it came: such turns are made once.
        interaction=interaction_of(row.interaction, media, turns=said if row.interaction.turns == turns else None),
        turns=said,
        hearing=_hearing_of(row),
        sealed=row.sealed or "",
    )


def conversation_fields(
    conversation: Conversation, models: Mapping[str, str], engine_version: str, *, hearing: int
) -> dict[str, Any]:
    """The columns of what these models and this engine measured and read in the hearing of that number."""
    return {
        "hearing_id": hearing,
        "models_digest": models_digest(models),
        "engine_version": engine_version,
        "measures": _plain(conversation.measures),
        "classes": _plain(conversation.classes),
        "readings": [_reading_fields(reading) for reading in conversation.readings],
    }


def conversation_of(
    row: ConversationRow, media: Path | RemotePath, *, turns: list[dict[str, Any]] | None = None
) -> Conversation:
    """The conversation of a row, measured and read; `turns` are the fields of its turns if at hand."""
    return replace(
        heard_of(row.hearing, media, turns=turns),
        measures=Measures(**row.measures),
        classes=Classes(**row.classes),
        readings=tuple(map(_reading_of, row.readings)),
    )


def evaluation_fields(result: Result, *, conversation: int, evaluated_at: datetime) -> dict[str, Any]:
    """The columns of an evaluation that rests on the conversation of that number."""
    evaluation = result.evaluation
    return {
        "interaction_digest": result.conversation.interaction.digest,
        "conversation_id": conversation,
        "scorecard_id": evaluation.scorecard_id,
        "scorecard_version": evaluation.scorecard_version,
        "scorecard_digest": evaluation.scorecard_digest,
        "engine_version": evaluation.engine_version,
        "models": dict(evaluation.models),
        "models_digest": models_digest(evaluation.models),
        "total": evaluation.total,
        "max": evaluation.max,
        "critical": evaluation.critical,
        "passed": evaluation.passed,
        "band": evaluation.band,
        "fatal": list(evaluation.fatal),
        "measures": _plain(evaluation.measures),
        "classes": _plain(evaluation.classes),
        "evaluated_at": evaluated_at,
    }


def review_fields(review: ReviewItem, *, evaluation: int) -> dict[str, Any]:
    """The columns of a review item of the evaluation of that number."""
    return {
        "evaluation_id": evaluation,
        "flagged": review.flagged,
        "priority": review.priority,
        "reasons": list(review.reasons),
    }


def result_of(
    row: EvaluationRow,
    media: Path | RemotePath,
    *,
    turns: list[dict[str, Any]] | None = None,
    findings: Sequence[Any] | None = None,
) -> Result:
    """The result of an evaluation's row; `turns` are fields of its turns and `findings` rows if at hand."""
    conversation = conversation_of(row.conversation, media, turns=turns)
    identifier = conversation.interaction.id
    evaluation = Evaluation(
        interaction=identifier,
        scorecard_id=row.scorecard_id,
        scorecard_version=row.scorecard_version,
        scorecard_digest=row.scorecard_digest,
        engine_version=row.engine_version,
        models=MappingProxyType(row.models),
        total=row.total,
        max=row.max,
        passed=row.passed,
        band=row.band,
        fatal=tuple(row.fatal),
        findings=tuple(map(_finding_of, row.findings if findings is None else findings)),
        measures=Measures(**row.measures),
        classes=Classes(**row.classes),
        critical=row.critical,
    )
    review = ReviewItem(identifier, row.review.flagged, row.review.priority, tuple(row.review.reasons))
    return Result(conversation, evaluation, review, row.evaluated_at)


TURN_FIELDS = (
    "index", "speaker", "text", "original", "start", "end", "confidence", "role_confidence", "words", "loudness",
    "sound_before", "marks",
)  # fmt: skip
"""What a turn's row has of the turn."""


def _turn_of(fields: Mapping[str, Any]) -> Turn:
    words = tuple(starmap(Word, fields["words"]))
    marks = tuple([Mark(kind, (start, end), *rest) for kind, start, end, *rest in fields.get("marks") or ()])
    return Turn(**{**fields, "speaker": Speaker(fields["speaker"]), "words": words, "marks": marks})


def _reading_fields(reading: Reading) -> dict[str, Any]:
    return {
        "politeness": reading.politeness,
        "empathy": reading.empathy,
        "sentiment": reading.sentiment,
        "confidence": reading.confidence,
        "acts": dict(reading.acts),
        "cues": [[cue.kind, *cue.span] for cue in reading.cues],
        "disputed": list(reading.disputed),
    }


def _reading_of(fields: Mapping[str, Any]) -> Reading:
    cues = tuple([Cue(kind, (start, end)) for kind, start, end in fields["cues"]])
    disputed = tuple(fields.get("disputed", ()))
    return Reading(**{**fields, "acts": MappingProxyType(fields["acts"]), "cues": cues, "disputed": disputed})


def finding_fields(finding: Finding, position: int, *, evaluation: int) -> dict[str, Any]:
    """The columns of a finding, the one at that position in the evaluation of that number."""
    return {
        "evaluation_id": evaluation,
        "position": position,
        "criterion": finding.criterion,
        "section": finding.section,
        "verdict": finding.verdict.value,
        "points": finding.points,
        "max_points": finding.max_points,
        "confidence": finding.confidence,
        "why_key": finding.why.key,
        "why_args": dict(finding.why.args),
        "evidence": [
            {"turn": one.turn, "start": one.start, "end": one.end, "span": one.span, "quote": one.quote}
            for one in finding.evidence
        ],
        "fault": finding.fault,
        "fatal": finding.fatal,
        "section_fatal": finding.section_fatal,
        "bonus": finding.bonus,
    }


def _plain(record: Measures | Classes) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _finding_of(row: Any) -> Finding:
    evidence: Sequence[Mapping[str, Any]] = row.evidence
    return Finding(
        criterion=row.criterion,
        section=row.section,
        verdict=Verdict(row.verdict),
        points=row.points,
        max_points=row.max_points,
        confidence=row.confidence,
        why=Reason(row.why_key, MappingProxyType(row.why_args)),
        evidence=tuple(
            Evidence(one["turn"], one["start"], one["end"], tuple(one["span"]), one["quote"]) for one in evidence
        ),
        fault=row.fault,
        fatal=row.fatal,
        section_fatal=row.section_fatal,
        bonus=row.bonus,
    )
