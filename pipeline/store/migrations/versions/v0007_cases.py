"""What lists and searches go by (cases, agents, pairs of characters), kept by triggers; decisions stay as they are."""

from __future__ import annotations

from itertools import groupby

import sqlalchemy as sa
from alembic import op

from pipeline.store.pairs import pairs
from pipeline.store.types import Pairs

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEPT = ("decisions", "scorecard_changes")
_OWN = ("spoken_added", "spoken_removed", "spoken_changed", "case_evaluated", "case_decided", "agent_seen")
_AT_ONCE = 500

_CASE = """
    INSERT INTO cases (interaction_digest, evaluation_id, hearing_id, agent_id, moment, scorecard_id, total, passed,
                       flagged, priority, decided)
    SELECT interactions.digest, evaluations.id, conversations.hearing_id, interactions.agent_id,
           coalesce(interactions.started_at, interactions.taken_at), evaluations.scorecard_id, evaluations.total,
           evaluations.passed, review_items.flagged, review_items.priority,
           EXISTS (SELECT 1 FROM decisions WHERE decisions.evaluation_id = evaluations.id)
    FROM review_items
    JOIN evaluations ON evaluations.id = review_items.evaluation_id
    JOIN interactions ON interactions.digest = evaluations.interaction_digest
    JOIN conversations ON conversations.id = evaluations.conversation_id
    WHERE {which}
    ON CONFLICT (interaction_digest) DO UPDATE SET
        evaluation_id = excluded.evaluation_id, hearing_id = excluded.hearing_id, agent_id = excluded.agent_id,
        moment = excluded.moment, scorecard_id = excluded.scorecard_id, total = excluded.total,
        passed = excluded.passed, flagged = excluded.flagged, priority = excluded.priority, decided = excluded.decided
    WHERE excluded.evaluation_id > cases.evaluation_id"""
_OF_THIS = _CASE.format(which="review_items.evaluation_id = NEW.evaluation_id")
_OF_ALL = _CASE.format(which="evaluations.id IN (SELECT max(id) FROM evaluations GROUP BY interaction_digest)")
_DECIDED = "UPDATE cases SET decided = true WHERE evaluation_id = NEW.evaluation_id"
_ALLOWED = "EXISTS (SELECT 1 FROM erasing WHERE erasing.evaluation_id = OLD.evaluation_id)"

_SQLITE = (
    "CREATE VIRTUAL TABLE spoken_index USING fts5("
    "pairs, content='spoken', content_rowid='hearing_id', detail='none', tokenize='ascii')",
    """CREATE TRIGGER spoken_added AFTER INSERT ON spoken BEGIN
        INSERT INTO spoken_index (rowid, pairs) VALUES (NEW.hearing_id, NEW.pairs); END""",
    """CREATE TRIGGER spoken_removed AFTER DELETE ON spoken BEGIN
        INSERT INTO spoken_index (spoken_index, rowid, pairs) VALUES ('delete', OLD.hearing_id, OLD.pairs); END""",
    """CREATE TRIGGER spoken_changed AFTER UPDATE ON spoken BEGIN
        INSERT INTO spoken_index (spoken_index, rowid, pairs) VALUES ('delete', OLD.hearing_id, OLD.pairs);
        INSERT INTO spoken_index (rowid, pairs) VALUES (NEW.hearing_id, NEW.pairs); END""",
    f"CREATE TRIGGER case_evaluated AFTER INSERT ON review_items BEGIN {_OF_THIS}; END",
    f"CREATE TRIGGER case_decided AFTER INSERT ON decisions BEGIN {_DECIDED}; END",
    """CREATE TRIGGER agent_seen AFTER INSERT ON interactions WHEN NEW.agent_id IS NOT NULL BEGIN
        INSERT OR IGNORE INTO agents (id, known_since) VALUES (NEW.agent_id, NEW.taken_at); END""",
    *(
        f"CREATE TRIGGER {table}_kept_update BEFORE UPDATE ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
        for table in _KEPT
    ),
    f"CREATE TRIGGER decisions_kept_delete BEFORE DELETE ON decisions WHEN NOT {_ALLOWED} BEGIN "
    "SELECT RAISE(ABORT, 'decisions: rows are only ever added'); END",
    "CREATE TRIGGER scorecard_changes_kept_delete BEFORE DELETE ON scorecard_changes BEGIN "
    "SELECT RAISE(ABORT, 'scorecard_changes: rows are only ever added'); END",
)

# Two workers that meet the same two new agents in another order would wait for each other: who adds agents waits first.
_POSTGRESQL = (
    "CREATE INDEX ix_spoken_pairs ON spoken USING gin (pairs) WITH (fastupdate = off)",
    "ALTER TABLE spoken ALTER pairs SET STATISTICS 1000",
    f"""CREATE FUNCTION zhijian_case_evaluated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        {_OF_THIS}; RETURN NULL; END $$""",
    "CREATE TRIGGER case_evaluated AFTER INSERT ON review_items FOR EACH ROW EXECUTE FUNCTION zhijian_case_evaluated()",
    f"""CREATE FUNCTION zhijian_case_decided() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        {_DECIDED}; RETURN NULL; END $$""",
    "CREATE TRIGGER case_decided AFTER INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION zhijian_case_decided()",
    """CREATE FUNCTION zhijian_agent_seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.agent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM agents WHERE id = NEW.agent_id) THEN
            PERFORM pg_advisory_xact_lock(hashtext('zhijian.agents'));
            INSERT INTO agents (id, known_since) VALUES (NEW.agent_id, NEW.taken_at) ON CONFLICT DO NOTHING;
        END IF; RETURN NULL; END $$""",
    "CREATE TRIGGER agent_seen AFTER INSERT ON interactions FOR EACH ROW EXECUTE FUNCTION zhijian_agent_seen()",
    f"""CREATE FUNCTION zhijian_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'decisions' THEN
            IF {_ALLOWED} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION '%%: rows are only ever added', TG_TABLE_NAME; END $$""",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION zhijian_kept()"
        for table in _KEPT
    ),
    *(
        f"CREATE TRIGGER {table}_kept_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
        "EXECUTE FUNCTION zhijian_kept()"
        for table in _KEPT
    ),
)


def upgrade() -> None:
    """Make tables, indexes and triggers, and fill them from what is in the store."""
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("known_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
    )
    op.create_table(
        "erasing",
        sa.Column("evaluation_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("evaluation_id", name="pk_erasing"),
    )
    op.create_table(
        "spoken",
        sa.Column("hearing_id", sa.Integer(), nullable=False),
        sa.Column("pairs", Pairs(), nullable=False),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearings.id"], name="fk_spoken_hearing_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hearing_id", name="pk_spoken"),
    )
    op.create_table(
        "cases",
        sa.Column("interaction_digest", sa.String(71), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("hearing_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scorecard_id", sa.String(200), nullable=False),
        sa.Column("total", sa.Float(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [target], name=f"fk_cases_{column}", ondelete="CASCADE")
            for column, target in {
                "interaction_digest": "interactions.digest",
                "evaluation_id": "evaluations.id",
                "hearing_id": "hearings.id",
            }.items()
        ),
        sa.PrimaryKeyConstraint("interaction_digest", name="pk_cases"),
    )
    waiting = sa.text("flagged AND NOT decided")
    op.create_index(
        "ix_cases_queue",
        "cases",
        ["priority", "moment", "interaction_digest"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_cases_agent", "cases", ["agent_id", "moment", "interaction_digest"])
    op.create_index("ix_cases_moment", "cases", ["moment", "interaction_digest"])
    op.create_index("ix_cases_evaluation_id", "cases", ["evaluation_id"])
    op.create_index("ix_cases_hearing_id", "cases", ["hearing_id"])
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(_OF_ALL)
    connection.exec_driver_sql(
        "INSERT INTO agents (id, known_since) "
        "SELECT agent_id, min(taken_at) FROM interactions WHERE agent_id IS NOT NULL GROUP BY agent_id"
    )
    _fill_spoken(connection)


def downgrade() -> None:
    """Take them away again."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        kept = [f"{table}_kept_{what}" for table in _KEPT for what in ("update", "delete")]
        for trigger in (*_OWN, *kept):
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        connection.exec_driver_sql("DROP TABLE spoken_index")
    else:
        for function in ("case_evaluated", "case_decided", "agent_seen", "kept"):
            connection.exec_driver_sql(f"DROP FUNCTION zhijian_{function} CASCADE")
    for table in ("cases", "spoken", "erasing", "agents"):
        op.drop_table(table)


def _fill_spoken(connection: sa.Connection) -> None:
    spoken = sa.table("spoken", sa.column("hearing_id", sa.Integer()), sa.column("pairs", Pairs()))
    hearings = connection.exec_driver_sql("SELECT id FROM hearings ORDER BY id").scalars().all()
    turns = sa.text("SELECT hearing_id, text FROM turns WHERE hearing_id BETWEEN :first AND :last ORDER BY hearing_id")
    for start in range(0, len(hearings), _AT_ONCE):
        some = hearings[start : start + _AT_ONCE]
        rows = connection.execute(turns, {"first": some[0], "last": some[-1]}).all()
        by_hearing = groupby(rows, key=lambda row: row.hearing_id)
        said = {number: pairs(row.text for row in of) for number, of in by_hearing}
        filled = [{"hearing_id": number, "pairs": said.get(number, ())} for number in some]
        connection.execute(sa.insert(spoken), filled)
