"""Rows from one store into another, of either kind, and the digest by which both are held to be the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from pipeline.store import sums
from pipeline.store.tables import Base, CaseRow

AT_ONCE = 1000
MADE_BY_TRIGGERS = frozenset({CaseRow.__tablename__})
"""Tables that the database fills itself while the others are copied."""


def tables() -> tuple[Table, ...]:
    """All tables, those that others point to first."""
    return tuple(Base.metadata.sorted_tables)


def lock(connection: Connection) -> None:
    """Let nobody else write until the end of the transaction; one in SQLite that writes has all of it anyway."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables())
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def is_empty(connection: Connection) -> bool:
    """Whether there is no row in any table."""
    return not any(connection.execute(select(1).select_from(table).limit(1)).first() for table in tables())


def copy(source: Connection, target: Connection) -> None:
    """Put all rows of a store into an empty one of the same version, a page in memory at a time."""
    for table in tables():
        if table.name in MADE_BY_TRIGGERS:
            continue
        for page in _pages(source, table):
            target.execute(insert(table), page)
    if target.dialect.name == "postgresql":
        for table in tables():
            _count_on(target, table)


def digest(connection: Connection) -> tuple[str, Mapping[str, int]]:
    """`sha256:…` of all rows in whatever order, and how many there are in each table."""
    ordered = sorted(tables(), key=lambda table: table.name)
    return sums.digest((table.name, _lines(connection, table)) for table in ordered)


def _lines(connection: Connection, table: Table) -> Iterator[str]:
    for page in _pages(connection, table):
        for row in page:
            yield json.dumps([_plain(value) for value in row.values()], ensure_ascii=False, sort_keys=True)


def _pages(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    rows = connection.execution_options(yield_per=AT_ONCE).execute(select(table))
    for page in rows.mappings().partitions():
        yield [dict(row) for row in page]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _count_on(connection: Connection, table: Table) -> None:
    """Let a table's own numbers go on behind the greatest that it has."""
    column = table.autoincrement_column
    if column is None:
        return
    name = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    last = connection.scalar(select(func.max(column)))
    if name is not None and last is not None:
        connection.execute(select(func.setval(name, last)))
