"""What is being worked on and what is in quarantine; which content replaced which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column; nothing was replaced before."""
    op.add_column("interactions", sa.Column("replaced_by", sa.String(71), nullable=True))
    op.create_table(
        "attempts",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(8), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_attempts"),
    )
    op.create_index("ix_attempts_quarantined_at", "attempts", ["quarantined_at"])


def downgrade() -> None:
    """Drop them; of two that had the same id, both stay, one with a number."""
    op.drop_table("attempts")
    op.drop_column("interactions", "replaced_by")
