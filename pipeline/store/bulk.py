"""Many rows of a table at once, by a statement that is made once for all.

SQLAlchemy's own way with a list of rows looks at every value of every row; of a chat there are some fifty rows. Here a
column is turned as a whole into what the driver takes, by the very types of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Boolean, Dialect, Table, func, insert, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Base

_Turn: TypeAlias = Callable[[Any], Any]


def add(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a table.

    Args:
        session: in which to write.
        table: where to.
        rows: values by name of the column: the same columns in all, two at least, and each that has a default.
    """
    if not rows:
        return
    connection, names = session.connection(), tuple(rows[0])
    statement, order, turns = _statement(_columns(table), names, connection.dialect)
    columns = list(zip(*map(itemgetter(*order), rows), strict=True))
    for place, turn in turns:
        columns[place] = tuple(map(turn, columns[place]))
    values: Sequence[Any] = list(zip(*columns, strict=True))
    if not connection.dialect.positional:
        values = [dict(zip(order, row, strict=True)) for row in values]
    connection.exec_driver_sql(statement, values)


def numbers(session: Session, table: type[Base], count: int) -> range | Sequence[int]:
    """Numbers for so many new rows of a table, ascending.

    SQLite counts on from the highest one there is, as it does by itself: nobody else writes in the meantime, because a
    session that writes holds the database (`pipeline.store.sessions`). PostgreSQL has a sequence.
    """
    number = _columns(table).c.id
    if session.get_bind().dialect.name == "postgresql":
        following = func.nextval(func.pg_get_serial_sequence(table.__tablename__, number.name))
        return sorted(session.scalars(select(following).select_from(func.generate_series(1, count))))
    first = 1 + (session.scalar(select(func.max(number))) or 0)
    return range(first, first + count)


@lru_cache
def _statement(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[str, ...], tuple[tuple[int, _Turn], ...]]:
    """The statement, the order of its values, and what turns those at some places into what the driver takes."""
    made = insert(table).inline().compile(dialect=dialect, column_keys=list(names))
    order = tuple(made.positiontup or names)
    turns = ((place, _turn(table, name, dialect)) for place, name in enumerate(order))
    return str(made), order, tuple((place, turn) for place, turn in turns if turn is not None)


def _turn(table: Table, name: str, dialect: Dialect) -> _Turn | None:
    kind = table.c[name].type
    if isinstance(kind, Boolean):  # Both drivers take them as they are.
        return None
    turn: _Turn | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return turn


def _columns(table: type[Base]) -> Table:
    columns = table.__table__
    if not isinstance(columns, Table):
        raise TypeError(table)
    return columns
