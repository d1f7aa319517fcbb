"""What was masked and where, encrypted originals where they are kept, and what was deleted for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns and the table; what was stored before was not masked."""
    op.add_column("turns", sa.Column("marks", sa.JSON(), nullable=True))
    op.add_column("hearings", sa.Column("sealed", sa.Text(), nullable=True))
    op.add_column("interactions", sa.Column("text_deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "forgotten",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_forgotten")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("forgotten")
    op.drop_column("interactions", "text_deleted_at")
    op.drop_column("hearings", "sealed")
    op.drop_column("turns", "marks")
