"""Who spoke, among the pairs of characters: a search of one agent passes over everybody else's conversations."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from pipeline.store.pairs import agent_mark
from pipeline.store.types import words

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_THEIRS = """ WHERE hearing_id IN (
    SELECT hearings.id FROM hearings JOIN interactions ON interactions.digest = hearings.interaction_digest
    WHERE interactions.agent_id = :agent)"""
_CHANGED = """CREATE TRIGGER spoken_changed AFTER UPDATE ON spoken BEGIN
    INSERT INTO spoken_index (spoken_index, rowid, pairs) VALUES ('delete', OLD.hearing_id, OLD.pairs);
    INSERT INTO spoken_index (rowid, pairs) VALUES (NEW.hearing_id, NEW.pairs); END"""
_INDEX = "CREATE INDEX ix_spoken_pairs ON spoken USING gin (pairs) WITH (fastupdate = off)"


def upgrade() -> None:
    """Add the mark of its agent to every conversation; the index is made anew, which is quicker than row by row."""
    _changed("trim(pairs || ' ' || :mark)", "array_append(pairs, CAST(:mark AS integer))")


def downgrade() -> None:
    """Take the marks out again."""
    _changed("trim(replace(pairs, :mark, ''))", "array_remove(pairs, CAST(:mark AS integer))")


def _changed(in_sqlite: str, in_postgresql: str) -> None:
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("DROP TRIGGER spoken_changed" if sqlite else "DROP INDEX ix_spoken_pairs")
    change = sa.text(f"UPDATE spoken SET pairs = {in_sqlite if sqlite else in_postgresql}{_THEIRS}")  # noqa: S608
    mark: Callable[[str], str | int] = (lambda agent: words([agent_mark(agent)])) if sqlite else agent_mark
    agents = "SELECT DISTINCT agent_id FROM interactions WHERE agent_id IS NOT NULL"
    for agent in connection.exec_driver_sql(agents).scalars().all():
        connection.execute(change, {"agent": agent, "mark": mark(agent)})
    if sqlite:
        connection.exec_driver_sql("INSERT INTO spoken_index (spoken_index) VALUES ('rebuild')")
        connection.exec_driver_sql(_CHANGED)
    else:
        connection.exec_driver_sql(_INDEX)
