"""How loud each turn is, and what sounds before it; unknown for what was heard earlier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two columns."""
    op.add_column("turns", sa.Column("loudness", sa.Float(), nullable=True))
    op.add_column("turns", sa.Column("sound_before", sa.Float(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    for name in ("loudness", "sound_before"):
        op.drop_column("turns", name)
