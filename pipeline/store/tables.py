"""The tables. What is searched by has a column; what is only ever read whole is JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from pipeline.conversation import Json
from pipeline.store.types import Moment, Pairs

DIGEST = String(71)
NAME = String(200)


class Base(DeclarativeBase):
    """Base of all tables; constraints get names that migrations can speak of."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {Json: JSON, datetime: Moment}  # noqa: RUF012


class InteractionRow(Base):
    """An interaction as it came in. `turns` are those that came with it, `media` is the copy of its recording.

    Where its file was changed later, `replaced_by` is the digest of what stands for it now, and `id` has got a number.
    """

    __tablename__ = "interactions"
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    id: Mapped[str] = mapped_column(NAME, unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(Text)
    agent_id: Mapped[str | None] = mapped_column(Text, index=True)
    agent_name: Mapped[str | None] = mapped_column(Text)
    team: Mapped[str | None] = mapped_column(Text, index=True)
    hired_on: Mapped[str | None] = mapped_column(String(10))
    has_customer: Mapped[bool]
    customer_id: Mapped[str | None] = mapped_column(Text)
    customer_segment: Mapped[str | None] = mapped_column(Text)
    queue: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(index=True)
    started_offset: Mapped[int | None]
    media: Mapped[str | None] = mapped_column(Text)
    channels: Mapped[Any] = mapped_column(JSON)
    turns: Mapped[Any] = mapped_column(JSON)
    csat: Mapped[float | None]
    attributes: Mapped[Any] = mapped_column(JSON)
    extra: Mapped[Any] = mapped_column(JSON)
    taken_at: Mapped[datetime]
    replaced_by: Mapped[str | None] = mapped_column(DIGEST)
    text_deleted_at: Mapped[datetime | None]


MOMENT = func.coalesce(InteractionRow.started_at, InteractionRow.taken_at)
"""When an interaction began; where nobody knows, when it was taken in."""


class HearingRow(Base):
    """The turns that one speech model heard in an interaction.

    `asr_digest` is empty where the turns came as text, because then no model had a part in them. `sealed` is what was
    masked in them, encrypted, where that is kept. `waveform` is the outline of the sound, channel after channel.
    """

    __tablename__ = "hearings"
    __table_args__ = (UniqueConstraint("interaction_digest", "asr_digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_digest: Mapped[str] = mapped_column(ForeignKey("interactions.digest"))
    asr_digest: Mapped[str] = mapped_column(DIGEST)
    quality: Mapped[Any] = mapped_column(JSON)
    sealed: Mapped[str | None] = mapped_column(Text)
    waveform: Mapped[bytes | None] = mapped_column(LargeBinary)
    interaction: Mapped[InteractionRow] = relationship(lazy="joined", innerjoin=True)
    turns: Mapped[list[TurnRow]] = relationship(order_by="TurnRow.index", lazy="selectin")


class ConversationRow(Base):
    """What was measured and read in a hearing, by one set of models and one version of the program."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("hearing_id", "models_digest", "engine_version", name="uq_conversations_once"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearings.id"))
    models_digest: Mapped[str] = mapped_column(DIGEST)
    engine_version: Mapped[str] = mapped_column(NAME)
    measures: Mapped[Any] = mapped_column(JSON)
    classes: Mapped[Any] = mapped_column(JSON)
    readings: Mapped[Any] = mapped_column(JSON)
    hearing: Mapped[HearingRow] = relationship(lazy="joined", innerjoin=True)


class TurnRow(Base):
    """One turn that was heard, or came as text."""

    __tablename__ = "turns"
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearings.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    speaker: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    original: Mapped[str] = mapped_column(Text)
    start: Mapped[float | None]
    end: Mapped[float | None]
    confidence: Mapped[float | None]
    role_confidence: Mapped[float]
    words: Mapped[Any] = mapped_column(JSON)
    loudness: Mapped[float | None]
    sound_before: Mapped[float | None]
    marks: Mapped[Any | None] = mapped_column(JSON)


class EvaluationRow(Base):
    """One evaluation; only ever inserted."""

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint(
            "interaction_digest", "scorecard_digest", "models_digest", "engine_version", name="uq_evaluations_once"
        ),
        Index("ix_evaluations_scorecard", "scorecard_id", "scorecard_version"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_digest: Mapped[str] = mapped_column(ForeignKey("interactions.digest"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    scorecard_id: Mapped[str] = mapped_column(NAME)
    scorecard_version: Mapped[str] = mapped_column(NAME)
    scorecard_digest: Mapped[str] = mapped_column(DIGEST)
    engine_version: Mapped[str] = mapped_column(NAME)
    models: Mapped[Any] = mapped_column(JSON)
    models_digest: Mapped[str] = mapped_column(DIGEST)
    total: Mapped[float | None]
    max: Mapped[float]
    critical: Mapped[float | None]
    passed: Mapped[bool | None]
    band: Mapped[str | None] = mapped_column(NAME)
    fatal: Mapped[Any] = mapped_column(JSON)
    measures: Mapped[Any] = mapped_column(JSON)
    classes: Mapped[Any] = mapped_column(JSON)
    evaluated_at: Mapped[datetime]
    conversation: Mapped[ConversationRow] = relationship(lazy="joined", innerjoin=True)
    findings: Mapped[list[FindingRow]] = relationship(order_by="FindingRow.position", lazy="selectin")
    review: Mapped[ReviewItemRow] = relationship(lazy="joined", innerjoin=True)


class FindingRow(Base):
    """What one criterion said, in the order of the scorecard."""

    __tablename__ = "findings"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(NAME, index=True)
    section: Mapped[str] = mapped_column(NAME)
    verdict: Mapped[str] = mapped_column(String(16))
    points: Mapped[float]
    max_points: Mapped[float]
    confidence: Mapped[float]
    why_key: Mapped[str] = mapped_column(Text)
    why_args: Mapped[Any] = mapped_column(JSON)
    evidence: Mapped[Any] = mapped_column(JSON)
    fault: Mapped[bool]
    fatal: Mapped[bool]
    section_fatal: Mapped[bool] = mapped_column(default=False)
    bonus: Mapped[bool] = mapped_column(default=False)


class ReviewItemRow(Base):
    """Whether a person must look at an evaluation, by the rules of its scorecard."""

    __tablename__ = "review_items"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    flagged: Mapped[bool] = mapped_column(index=True)
    priority: Mapped[float]
    reasons: Mapped[Any] = mapped_column(JSON)


class DecisionRow(Base):
    """What a person decided on one criterion of an evaluation; only ever inserted, the last one counts."""

    __tablename__ = "decisions"
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id"), index=True)
    criterion: Mapped[str] = mapped_column(NAME)
    machine: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(16))
    turn: Mapped[int | None]
    why: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime]


class ScorecardRow(Base):
    """The YAML text of a scorecard, by the digest of its content; never changed, so that old results stay explained."""

    __tablename__ = "scorecards"
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    id: Mapped[str] = mapped_column(NAME)
    version: Mapped[str] = mapped_column(NAME)
    yaml: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime]


class ScorecardVersionRow(Base):
    """A version of a scorecard, the content it stands for, and its state; at most one of each card is active."""

    __tablename__ = "scorecard_versions"
    __table_args__ = (
        UniqueConstraint("scorecard_id", "version"),
        Index(
            "uq_scorecard_versions_active",
            "scorecard_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    scorecard_id: Mapped[str] = mapped_column(NAME)
    version: Mapped[str] = mapped_column(NAME)
    digest: Mapped[str] = mapped_column(ForeignKey("scorecards.digest"))
    state: Mapped[str] = mapped_column(String(16))
    changes: Mapped[list[ScorecardChangeRow]] = relationship(order_by="ScorecardChangeRow.id", lazy="selectin")


class ScorecardChangeRow(Base):
    """Who gave a version which state and content, when and why; only ever inserted."""

    __tablename__ = "scorecard_changes"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey("scorecard_versions.number"), index=True)
    digest: Mapped[str] = mapped_column(DIGEST)
    state: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]


class RunRow(Base):
    """One run over an inbox."""

    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    inbox: Mapped[str] = mapped_column(Text)
    engine: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    taken: Mapped[int] = mapped_column(default=0)
    evaluated: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)


class ForgottenRow(Base):
    """Content that was deleted for good: its digest, so that it is not taken in again, and why (`age`, `customer`)."""

    __tablename__ = "forgotten"
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    why: Mapped[str] = mapped_column(String(16))
    forgotten_at: Mapped[datetime]


class SetAsideRow(Base):
    """A file that could not be taken; seen first in one run, and last in another."""

    __tablename__ = "set_aside"
    __table_args__ = (UniqueConstraint("inbox", "source", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    inbox: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    first_run: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    last_run: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)


class AttemptRow(Base):
    """A content that a process works on, that failed, or that is in quarantine; gone once there is a result.

    `worker` is the process. `alone`: nothing else was worked on at the same moment.
    """

    __tablename__ = "attempts"
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    inbox: Mapped[str] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(Text)
    alone: Mapped[bool]
    tries: Mapped[int] = mapped_column(default=0)
    code: Mapped[str | None] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text, default="")
    hint: Mapped[str] = mapped_column(Text, default="")
    quarantined_at: Mapped[datetime | None] = mapped_column(index=True)


class WorkerRow(Base):
    """A process that works, or worked, on something, and when it last said that it lives."""

    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime]


class BatchRow(Base):
    """A batch of a run that several processes work on, as long as the run lasts.

    `content` says who is in it, as compressed JSON; what was said stays in the inbox. `owner` is the process that
    planned the run, `worker` the one that has taken the batch. `results` is known once it is done; then `evaluated`
    and `set_aside` tell what came of it. `problem` is why the last who tried gave it back.
    """

    __tablename__ = "batches"
    run: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    content: Mapped[bytes]
    owner: Mapped[str] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(Text)
    results: Mapped[int | None]
    evaluated: Mapped[int | None]
    set_aside: Mapped[Any | None] = mapped_column(JSON)
    problem: Mapped[str] = mapped_column(Text, default="")


class NightRow(Base):
    """What one night came to. It tells of conversations whose first evaluation is at most `last_evaluation`."""

    __tablename__ = "nights"
    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    made_at: Mapped[datetime]
    last_evaluation: Mapped[int]
    figures: Mapped[Any] = mapped_column(JSON)


class TimingRow(Base):
    """Seconds of a worker that an interaction took when it was last evaluated."""

    __tablename__ = "timings"
    interaction_digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    seconds: Mapped[float]


class AlertedRow(Base):
    """Something that an alert was made about, so that no second one is."""

    __tablename__ = "alerted"
    subject: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    alert: Mapped[str] = mapped_column(String(64))


class OutboxRow(Base):
    """One message to one receiver. `key` goes out with it, so that a receiver can tell a repetition.

    `doubts` counts the tries of which nobody knows whether they arrived; `worker` is the process that sends it now.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    alert: Mapped[str] = mapped_column(String(64))
    receiver: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(Text)
    lines: Mapped[Any] = mapped_column(JSON)
    report: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), index=True)
    doubts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime]
    problem: Mapped[str] = mapped_column(Text, default="")


class AgentRow(Base):
    """An agent of whom there are interactions; name and team stand in these, because they change. Kept by triggers."""

    __tablename__ = "agents"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    known_since: Mapped[datetime]


class CaseRow(Base):
    """What lists go by: the newest evaluation of each interaction. Kept by triggers, never written by the program.

    `moment` is when the interaction began, else when it was taken in. `decided`: a person has looked at the evaluation.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "ix_cases_queue",
            "priority",
            "moment",
            "interaction_digest",
            sqlite_where=text("flagged AND NOT decided"),
            postgresql_where=text("flagged AND NOT decided"),
        ),
        Index("ix_cases_agent", "agent_id", "moment", "interaction_digest"),
        Index("ix_cases_moment", "moment", "interaction_digest"),
    )
    interaction_digest: Mapped[str] = mapped_column(
        ForeignKey("interactions.digest", ondelete="CASCADE"), primary_key=True
    )
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"), index=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearings.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[str | None] = mapped_column(Text)
    moment: Mapped[datetime]
    scorecard_id: Mapped[str] = mapped_column(NAME)
    total: Mapped[float | None]
    passed: Mapped[bool | None]
    flagged: Mapped[bool]
    priority: Mapped[float]
    decided: Mapped[bool]


class SpokenRow(Base):
    """The pairs of characters in the turns of a hearing and the mark of its agent, by which text is searched.

    SQLite's full-text index `spoken_index` is made of this table by triggers; PostgreSQL indexes it as it is.
    """

    __tablename__ = "spoken"
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearings.id", ondelete="CASCADE"), primary_key=True)
    pairs: Mapped[tuple[int, ...]] = mapped_column(Pairs)


class ErasingRow(Base):
    """An evaluation that is being erased with all that hangs on it, so that its decisions may go with it.

    Decisions are only ever added, and the database sees to it. Who erases an interaction puts its evaluations here
    first and takes them out again in the same transaction.
    """

    __tablename__ = "erasing"
    evaluation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
