"""Types of columns that the two kinds of database keep each in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from struct import pack
from typing import Any

from pydantic_core import from_json as _decoded
from pydantic_core import to_json as _encoded
from sqlalchemy import ARRAY, DateTime, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine


class Moment(TypeDecorator[datetime]):
    """A moment with a zone, kept in UTC; SQLite has no zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a moment without a zone is a mistake of the program."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back with the zone UTC."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


class Pairs(TypeDecorator[tuple[int, ...]]):
    """Pairs of characters (pipeline.store.pairs): an array where there are arrays, else words of eight digits."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array in PostgreSQL, text in SQLite."""
        kind: TypeEngine[Any] = ARRAY(Integer) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        """As the database keeps it."""
        if value is None:
            return None
        return list(value) if dialect.name == "postgresql" else words(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[int, ...] | None:
        """The numbers, ascending."""
        if value is None:
            return None
        if dialect.name != "postgresql":
            value = ((int(word, 16) ^ 0x80000000) - 0x80000000 for word in value.split())
        return tuple(sorted(value))


def words(pairs: Iterable[int]) -> str:
    """Pairs as words that SQLite's full-text index takes: eight hexadecimal digits each."""
    some = tuple(pairs)
    return pack(f">{len(some)}i", *some).hex(" ", 4)


_NOTHING: dict[type, str] = {list: "[]", tuple: "[]", dict: "{}"}


def to_json(value: object) -> str:
    """JSON as every store has it: Chinese as it is, no blanks. Half of all values are empty lists."""
    return _encoded(value).decode() if value or type(value) not in _NOTHING else _NOTHING[type(value)]


def from_json(text: str | bytes) -> Any:
    """What `to_json` wrote."""
    return [] if text == "[]" else _decoded(text)
