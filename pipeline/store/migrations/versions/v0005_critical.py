"""The critical sub-score of an evaluation; findings that take their section's points, and those that only reward."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; what was evaluated before had neither."""
    op.add_column("evaluations", sa.Column("critical", sa.Float(), nullable=True))
    for name in ("section_fatal", "bonus"):
        op.add_column("findings", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop the columns."""
    for name in ("section_fatal", "bonus"):
        op.drop_column("findings", name)
    op.drop_column("evaluations", "critical")
