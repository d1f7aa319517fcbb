"""Long lists of values in portions: a database takes only so many in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

AT_ONCE = 500
_T = TypeVar("_T")


def portions(items: Sequence[_T], size: int = AT_ONCE) -> Iterator[Sequence[_T]]:
    """`items` in their order, so many at a time."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


def among(
    session: Session, query: Select[Any], column: InstrumentedAttribute[Any], values: Sequence[str]
) -> Iterator[Any]:
    """The rows of a query where a column has one of many values."""
    for some in portions(values):
        yield from session.execute(query.where(column.in_(some)))
