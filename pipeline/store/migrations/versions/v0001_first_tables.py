"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the first version."""
    op.create_table(
        "interactions",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("agent_name", sa.Text(), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("hired_on", sa.String(length=10), nullable=True),
        sa.Column("has_customer", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("customer_segment", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_offset", sa.Integer(), nullable=True),
        sa.Column("media", sa.Text(), nullable=True),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("csat", sa.Float(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_interactions")),
        sa.UniqueConstraint("id", name=op.f("uq_interactions_id")),
    )
    op.create_index(op.f("ix_interactions_agent_id"), "interactions", ["agent_id"], unique=False)
    op.create_index(op.f("ix_interactions_started_at"), "interactions", ["started_at"], unique=False)
    op.create_index(op.f("ix_interactions_team"), "interactions", ["team"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("engine", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("evaluated", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "hearings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_digest", sa.String(length=71), nullable=False),
        sa.Column("asr_digest", sa.String(length=71), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_digest"], ["interactions.digest"], name=op.f("fk_hearings_interaction_digest")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearings")),
        sa.UniqueConstraint("interaction_digest", "asr_digest", name=op.f("uq_hearings_interaction_digest_asr_digest")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hearing_id", sa.Integer(), nullable=False),
        sa.Column("models_digest", sa.String(length=71), nullable=False),
        sa.Column("engine_version", sa.String(length=200), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("readings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearings.id"], name=op.f("fk_conversations_hearing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("hearing_id", "models_digest", "engine_version", name="uq_conversations_once"),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["first_run"], ["runs.id"], name=op.f("fk_set_aside_first_run")),
        sa.ForeignKeyConstraint(["last_run"], ["runs.id"], name=op.f("fk_set_aside_last_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
        sa.UniqueConstraint("inbox", "source", "code", name=op.f("uq_set_aside_inbox_source_code")),
    )
    op.create_index(op.f("ix_set_aside_last_run"), "set_aside", ["last_run"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_digest", sa.String(length=71), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("scorecard_id", sa.String(length=200), nullable=False),
        sa.Column("scorecard_version", sa.String(length=200), nullable=False),
        sa.Column("scorecard_digest", sa.String(length=71), nullable=False),
        sa.Column("engine_version", sa.String(length=200), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("models_digest", sa.String(length=71), nullable=False),
        sa.Column("total", sa.Float(), nullable=True),
        sa.Column("max", sa.Float(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("band", sa.String(length=200), nullable=True),
        sa.Column("fatal", sa.JSON(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_evaluations_conversation_id")),
        sa.ForeignKeyConstraint(
            ["interaction_digest"], ["interactions.digest"], name=op.f("fk_evaluations_interaction_digest")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint(
            "interaction_digest",
            "scorecard_digest",
            "models_digest",
            "engine_version",
            name="uq_evaluations_once",
        ),
    )
    op.create_index(op.f("ix_evaluations_conversation_id"), "evaluations", ["conversation_id"], unique=False)
    op.create_index("ix_evaluations_scorecard", "evaluations", ["scorecard_id", "scorecard_version"], unique=False)
    op.create_table(
        "turns",
        sa.Column("hearing_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("start", sa.Float(), nullable=True),
        sa.Column("end", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("role_confidence", sa.Float(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearings.id"], name=op.f("fk_turns_hearing_id")),
        sa.PrimaryKeyConstraint("hearing_id", "index", name=op.f("pk_turns")),
    )
    op.create_table(
        "findings",
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=200), nullable=False),
        sa.Column("section", sa.String(length=200), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("max_points", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("why_key", sa.Text(), nullable=False),
        sa.Column("why_args", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("fault", sa.Boolean(), nullable=False),
        sa.Column("fatal", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name=op.f("fk_findings_evaluation_id")),
        sa.PrimaryKeyConstraint("evaluation_id", "position", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_criterion"), "findings", ["criterion"], unique=False)
    op.create_table(
        "review_items",
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name=op.f("fk_review_items_evaluation_id")),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_review_items")),
    )
    op.create_index(op.f("ix_review_items_flagged"), "review_items", ["flagged"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "review_items", "findings", "turns", "evaluations", "set_aside", "conversations", "hearings", "runs",
        "interactions",
    ):  # fmt: skip
        op.drop_table(table)
