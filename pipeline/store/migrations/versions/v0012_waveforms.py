"""The outline of a recording's sound, so that no page has to decode it again to draw it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; recordings that were heard before are drawn from their sound."""
    op.add_column("hearings", sa.Column("waveform", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("hearings", "waveform")
