"""Comparisons of one value with what a card asks for; facts and entities share them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from pipeline.conversation import Json
from pipeline.criteria.base import Strict, wrong

Scalar: TypeAlias = str | int | float | bool
Measure: TypeAlias = Callable[[Scalar], float | None]
"""The place of a value on a line, so that it can be above or below another; `None` for one that has none."""


def _one(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _ends(value: Any) -> Any:
    parts = re.fullmatch(r"\s*(.*?)\s*\.\.\s*(.*?)\s*", value) if isinstance(value, str) else None
    if not parts or not (parts[1] or parts[2]):
        raise wrong("between")
    return tuple(part or None for part in parts.groups())


Values: TypeAlias = Annotated[tuple[Scalar, ...], BeforeValidator(_one), Field(min_length=1)]
Limit: TypeAlias = float | str
Between: TypeAlias = Annotated[tuple[str | None, str | None], BeforeValidator(_ends)]


class Comparison(Strict):
    """What a value must be; all given keys must fit."""

    is_: Values | None = Field(default=None, alias="is")
    not_: Values | None = Field(default=None, alias="not")
    contains: Values | None = None
    above: Limit | None = None
    below: Limit | None = None
    between: Between | None = None

    @property
    def compares(self) -> bool:
        """Whether anything is asked of the value at all."""
        return any(getattr(self, name) is not None for name in Comparison.model_fields)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All limits that are given."""
        given = (self.above, self.below, *(self.between or ()))
        return tuple(limit for limit in given if limit is not None)


def fits(wanted: Comparison, value: Scalar, measure: Measure, form: Callable[[Scalar], str]) -> bool | None:
    """Whether `value` is what is asked for; `None` where it has no place on the line that a limit stands on.

    Args:
        wanted: what is asked for.
        value: the value.
        measure: the place of a value or a limit on its line.
        form: the text in which two equal values are equal.
    """
    if wanted.is_ is not None and not any(_same(value, other, measure, form) for other in wanted.is_):
        return False
    if wanted.not_ is not None and any(_same(value, other, measure, form) for other in wanted.not_):
        return False
    if wanted.contains is not None and not any(form(part) in form(value) for part in wanted.contains):
        return False
    if not wanted.limits:
        return True
    place = measure(value)
    if place is None or any(measure(limit) is None for limit in wanted.limits):
        return None
    low, high = (None if end is None else measure(end) for end in wanted.between or (None, None))
    above, below = (None if end is None else measure(end) for end in (wanted.above, wanted.below))
    return (
        (above is None or place > above)
        and (below is None or place < below)
        and (low is None or place >= low)
        and (high is None or place <= high)
    )


def _same(one: Scalar, other: Scalar, measure: Measure, form: Callable[[Scalar], str]) -> bool:
    if form(one) == form(other):
        return True
    places = measure(one), measure(other)
    return places[0] is not None and places[0] == places[1]


def shown(value: Json) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def number_or_date(value: Scalar) -> float | None:
    """A number as it is, a date or moment (ISO 8601) as days since year 1; `None` for any other text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.toordinal() + (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86400
