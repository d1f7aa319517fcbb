"""Backups: one SQLite file with everything that is in a store, and the digest by which it is known to be whole.

A store in SQLite is copied by SQLite's own backup, online and consistent; one in PostgreSQL is read in one snapshot and
written into a file of the same tables. Either can be restored into an empty store of either kind. Recordings are files
beside the store that never change; they are not in the backup (docs/store.md).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection, Engine, create_engine

from pipeline.store import copying, sums
from pipeline.store.types import to_json

Upgrade = Callable[[Path], None]
_NOTE = "zhijian_backup"


class DamagedError(Exception):
    """A file is no backup of zhijian, or not as it was written."""


class NotEmptyError(Exception):
    """The store that a backup was to be restored into has rows."""


class DifferentError(Exception):
    """What arrived is not what was sent."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a backup: its digest, when it was made, and how many rows each table has."""

    digest: str
    made_at: datetime
    rows: Mapping[str, int]


def write(engine: Engine, file: Path, upgrade: Upgrade) -> Backup:
    """Write everything in a store into a file, which is there only once it is whole.

    Args:
        engine: of the store; others may go on writing to it.
        file: where to; one that is there is replaced.
        upgrade: makes the tables of a store in a SQLite file.

    Raises:
        OSError: the file cannot be written.
        sqlite3.Error: the same, or the store cannot be read.
        sqlalchemy.exc.DatabaseError: the store cannot be read.
    """
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        if engine.dialect.name == "sqlite":
            _copy_sqlite(engine, partial)
        else:
            upgrade(partial)
            snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with snapshot.begin() as source, _file(partial, write=True) as target:
                copying.copy(source, target)
        made = _note(partial)
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        for rest in (partial, *(partial.with_name(partial.name + end) for end in ("-wal", "-shm", "-journal"))):
            rest.unlink(missing_ok=True)
    return made


def read(file: Path) -> Backup:
    """What a backup says of itself, after it was seen that it is as it was written.

    Raises:
        DamagedError: it is no backup, or not as it was written.
        OSError: it cannot be read.
    """
    with file.open("rb"):
        pass
    try:
        with closing(_reader(file)) as connection:
            noted = dict(connection.execute(f"SELECT name, value FROM {_NOTE}"))  # noqa: S608
            found, rows = _digest(connection)
            moment = datetime.fromisoformat(noted["made_at"])
    except (sqlite3.Error, KeyError, ValueError) as error:
        raise DamagedError(str(error)) from error
    if found != noted.get("digest"):
        raise DamagedError(f"{found} ≠ {noted.get('digest')}")
    return Backup(found, moment, MappingProxyType(rows))


def restore(file: Path, target: Connection, upgrade: Upgrade) -> Backup:
    """Put everything in a backup into an empty store, within the transaction of `target`.

    Args:
        file: the backup; it is left as it is, one of an older version is brought up to date in a copy.
        target: a connection to the store, in a transaction.
        upgrade: makes or brings up to date the tables of a store in a SQLite file.

    Raises:
        DamagedError: the file is no backup, or not as it was written.
        NotEmptyError: there are rows in the store.
        DifferentError: what arrived is not what is in the backup.
        StoreError: Z403, the backup was made by a newer zhijian.
        OSError: the file cannot be read, or there is no room for a copy.
    """
    backup = read(file)
    copying.lock(target)
    if not copying.is_empty(target):
        raise NotEmptyError
    with tempfile.TemporaryDirectory(prefix="zhijian-restore-") as folder:
        current = Path(folder) / "backup.sqlite"
        with closing(_reader(file)) as old, closing(sqlite3.connect(current)) as new:
            old.backup(new)
        upgrade(current)
        with _file(current) as source:
            copying.copy(source, target)
            sent, arrived = copying.digest(source), copying.digest(target)
    if sent != arrived:
        raise DifferentError(f"{sent} ≠ {arrived}")
    return backup


def _reader(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def _copy_sqlite(engine: Engine, file: Path) -> None:
    connection = engine.raw_connection()
    try:
        with closing(sqlite3.connect(file)) as copy:
            connection.driver_connection.backup(copy)  # type: ignore[union-attr]
            # One file, with no journal beside it that could be left behind.
            copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


@contextmanager
def _file(path: Path, *, write: bool = False) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{path}", json_serializer=to_json)
    try:
        with engine.begin() as connection:
            if write:
                connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            yield connection
    finally:
        engine.dispose()


def _note(file: Path) -> Backup:
    """Write into a backup what it holds."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        found, rows = _digest(connection)
        made = Backup(found, datetime.now(UTC), MappingProxyType(rows))
        connection.execute(f"DROP TABLE IF EXISTS {_NOTE}")
        connection.execute(f"CREATE TABLE {_NOTE} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        noted = [("digest", made.digest), ("made_at", made.made_at.isoformat())]
        connection.executemany(f"INSERT INTO {_NOTE} VALUES (?, ?)", noted)  # noqa: S608
    return made


def _digest(connection: sqlite3.Connection) -> tuple[str, dict[str, int]]:
    """`sha256:…` of all rows as SQLite has them, in whatever order, of whatever version, and how many there are."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return sums.digest(
        (name, map(repr, connection.execute(f'SELECT * FROM "{name}"')))  # noqa: S608
        for (name,) in names
        if name != _NOTE and not name.startswith(("sqlite_", "spoken_index"))
    )
