"""Every part of a card with its place, so that a check sees all windows, limits or phrases wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.criteria.base import Strict
from pipeline.criteria.expression import ExpressionBase
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Place


def parts(value: Any, place: Place = ()) -> Iterator[tuple[Place, Strict]]:
    """Every model within `value`, itself included, outermost first.

    Places follow the schema; `Document.spot` leaves out what a short form does not write.
    """
    if isinstance(value, Strict):
        yield place, value
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if isinstance(inner, Strict | tuple | Mapping):
                yield from parts(inner, (*place, field.alias or name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from parts(item, (*place, number))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts(item, (*place, key))


def expressions(card: Scorecard) -> Iterator[tuple[Place, ExpressionBase]]:
    """Every expression of the card, those within others included."""
    for place, part in parts(card):
        if isinstance(part, ExpressionBase):
            yield place, part
