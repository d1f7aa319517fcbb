"""Scorecards: every content that was used, the versions of each card, and who changed their state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of scorecards."""
    op.create_table(
        "scorecards",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_scorecards")),
    )
    op.create_table(
        "scorecard_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scorecard_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["scorecards.digest"], name=op.f("fk_scorecard_versions_digest")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_scorecard_versions")),
        sa.UniqueConstraint("scorecard_id", "version", name=op.f("uq_scorecard_versions_scorecard_id_version")),
    )
    op.create_index(
        "uq_scorecard_versions_active",
        "scorecard_versions",
        ["scorecard_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "scorecard_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["scorecard_versions.number"], name=op.f("fk_scorecard_changes_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorecard_changes")),
    )
    op.create_index(op.f("ix_scorecard_changes_number"), "scorecard_changes", ["number"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("scorecard_changes", "scorecard_versions", "scorecards"):
        op.drop_table(table)
