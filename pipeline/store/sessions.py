"""The way into a database: its engine, sessions that read or write, and its failures as errors that help."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session

from pipeline.i18n import Language
from pipeline.settings import PRIVATE
from pipeline.store.failures import failed, refused, told
from pipeline.store.types import from_json, to_json
from pipeline.store.upgrading import upgrade

_BUSY_SECONDS = 30
_IN_MEMORY = (None, "", ":memory:")


class Sessions:
    """Sessions of a store, whose tables are made or brought up to date. Safe to share between threads.

    Args:
        url: a SQLAlchemy URL.
        language: of errors.

    Raises:
        StoreError: Z401 no such kind of database, Z402 it cannot be opened, Z403 it was made by a newer zhijian.
    """

    def __init__(self, url: str, language: Language) -> None:
        self._language = language
        self.engine = _engine(url, language)
        self.writer = self.engine.execution_options(immediate=True)
        try:
            with self._translated():
                upgrade(self.engine, self.writer)
        except CommandError as error:
            raise refused(language, "Z403", "too_new", url=self.name) from error

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with self.guarded(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session of one transaction: all that is done in it stays, or nothing."""
        with self.guarded(), Session(self.writer) as session, session.begin():
            yield session

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Let what the database refuses be a `StoreError`."""
        url = self.engine.url
        # SQLite would go on writing into a file that has no name any more.
        if url.get_backend_name() == "sqlite" and url.database not in _IN_MEMORY and not Path(url.database).exists():
            raise failed(self._language, self.name, os.strerror(errno.ENOENT), ConnectionError())
        with self._translated():
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise failed(self._language, self.name, str(error.orig), error.orig) from error


def _engine(url: str, language: Language) -> Engine:
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database not in _IN_MEMORY:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        engine = create_engine(
            parsed,
            json_serializer=to_json,
            json_deserializer=from_json,
            connect_args=_connect_args(parsed),
            pool_pre_ping=not is_sqlite,
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        detail = str(error).splitlines()[0]
        raise refused(language, "Z401", "unknown_url", "store.url", detail=detail) from error
    except OSError as error:
        raise failed(language, url, told(error), error) from error
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connect_args(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {} if "timeout" in url.query else {"timeout": _BUSY_SECONDS}
    # Compiling a query costs more than any of ours takes.
    return {} if "options" in url.query else {"options": "-c jit=off"}


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver's own transactions would leave the schema changes of a migration outside of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
