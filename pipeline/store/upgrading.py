"""The tables of a store as this version of the program needs them, made or brought up to date by migrations."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, select


def upgrade(reader: Engine, writer: Engine) -> None:
    """Make the tables of a store, or bring them up to date; where they are, nobody has to wait.

    Args:
        reader: of the store.
        writer: the same, whose transactions lock a SQLite file from their beginning.

    Raises:
        alembic.util.CommandError: the tables were made by a newer version.
        sqlalchemy.exc.DatabaseError: the store cannot be read or written.
    """
    config = Config()
    config.set_main_option("script_location", str(files("pipeline.store") / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with reader.begin() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("zhijian.migrations"))))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
