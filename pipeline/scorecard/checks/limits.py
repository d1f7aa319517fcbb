"""Limits and windows that nothing can lie within."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from pipeline.criteria import KINDS
from pipeline.criteria.base import Reach, Strict
from pipeline.criteria.expression import ExpressionBase
from pipeline.criteria.window import Window
from pipeline.scorecard.checks.walk import parts
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault, Place

SHARE, FEELING, AMOUNT = (0.0, 1.0), (-1.0, 1.0), (0.0, None)
_OF_TONE = {"politeness": SHARE, "empathy": SHARE, "sentiment": FEELING}
_OF_MEASURE = {
    "politeness": SHARE, "empathy": SHARE, "sentiment_start": FEELING, "sentiment_end": FEELING,
    "agent_sentiment": FEELING, "silence_ratio": SHARE, "agent_talk_ratio": SHARE,
}  # fmt: skip
"""What lies between which values; every other measure is an amount from 0 up."""
_AT_HAND = ("unless", "expect")
"""Keys below which a window may be relative to a hit."""


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Contradicting limits, and windows that match no turn."""
    beside_a_hit = _conditions_beside_a_hit(card)
    for place, part in parts(card):
        if isinstance(part, Window):
            near = any(key in place for key in _AT_HAND) or (place[0] == "conditions" and place[1] in beside_a_hit)
            yield from window_faults(part, place, has_hit=near)
        elif isinstance(part, ExpressionBase):
            if part.operator in KINDS:
                yield from _outside(part.operator, part.params, (*place, part.operator))
        else:
            yield from _contradicting(part, place)


def contradicts(params: Any) -> bool:
    """Whether no value can lie within the limits of these parameters."""
    return isinstance(params, Strict) and any(True for _ in _contradicting(params, ()))


def _contradicting(part: Strict, place: Place) -> Iterator[Fault]:
    for low_name, high_name in (("above", "below"), ("longer_than", "shorter_than")):
        low, high = getattr(part, low_name, None), getattr(part, high_name, None)
        if _number(low) and _number(high) and low >= high:
            args = {"low_name": low_name, "low": _shown(low), "high_name": high_name, "high": _shown(high)}
            yield Fault((*place, low_name), "limits", args)
    ends = getattr(part, "between", None)
    if isinstance(ends, tuple) and len(ends) == 2:
        first, last = (_from_text(end) for end in ends)
        if first is not None and last is not None and first > last:
            yield Fault((*place, "between"), "reversed", {"name": "between", "given": f"{ends[0]}..{ends[1]}"})


def _outside(operator: str, params: Any, place: Place) -> Iterator[Fault]:
    """Limits beyond what a value can be, as happens with 60 in place of 0.6."""
    if operator == "tone":
        name = params.of
        low, high = _OF_TONE.get(name, (None, None))
    elif operator == "measure":
        name = params.name
        low, high = _OF_MEASURE.get(name, AMOUNT)
    else:
        return
    for key in ("above", "below"):
        limit = getattr(params, key, None)
        if not _number(limit):
            continue
        beyond = (low is not None and limit < low) or (high is not None and limit > high)
        if beyond:
            reach = f"{low:g}…{high:g}" if high is not None else f"≥ {low:g}"
            yield Fault((*place, key), "limit_beyond", {"key": key, "given": limit, "name": name, "reach": reach})


def window_faults(window: Window, place: Place, *, has_hit: bool) -> Iterator[Fault]:
    """What keeps `window` from matching any turn, or makes it match others than it seems to.

    Args:
        window: the window.
        place: where it stands.
        has_hit: whether there is a hit that it may be relative to.
    """
    for name in ("turns", "seconds"):
        given = getattr(window, name)
        if given is None:
            continue
        low, high = given
        shown = f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"
        if name == "turns" and 0 in (low, high):
            yield Fault((*place, name), "turn_zero")
        elif name == "turns" and any(end is not None and end != int(end) for end in (low, high)):
            yield Fault((*place, name), "turn_fraction", {"given": shown})
        elif _reversed(name, low, high):
            yield Fault((*place, name), "reversed", {"name": name, "given": shown})
    yield from _apart(window, place)
    yield from _relative(window, place, has_hit=has_hit)


def _reversed(name: str, low: float | None, high: float | None) -> bool:
    """Whether a range ends before it begins; turns from the last to the first one do, seconds may meet."""
    if low is None or high is None:
        return False
    return low > high if (low < 0) is (high < 0) else name == "turns" and low < 0


def _apart(window: Window, place: Place) -> Iterator[Fault]:
    """Turns at one end of the conversation and a part at the other."""
    if window.part is None or window.turns is None:
        return
    low, high = window.turns
    at_end = low is not None and low < 0
    at_start = high is not None and 0 < high <= 2
    if (window.part.startswith("first") and at_end) or (not window.part.startswith("first") and at_start):
        yield Fault((*place, "part"), "window_apart", {"part": window.part}, severity="warning")


def _relative(window: Window, place: Place, *, has_hit: bool) -> Iterator[Fault]:
    before, after = window.before, window.after
    if before is not None and after is not None:
        same = isinstance(before, Reach) and isinstance(after, Reach)
        if not same and not isinstance(before, Reach) and not isinstance(after, Reach):
            same = (before.condition, before.hit) == (after.condition, after.hit)
        if same:
            yield Fault((*place, "before"), "before_and_after")
    if not has_hit:
        for name in ("before", "after", "around"):
            if isinstance(getattr(window, name), Reach):
                yield Fault((*place, name), "window_without_hit", {"name": name})


def _conditions_beside_a_hit(card: Scorecard) -> set[str]:
    """Names of conditions that are asked about beside a hit, so that their windows may be relative to it."""
    found: set[str] = set()
    while True:
        more = {
            str(part.params)
            for place, part in parts(card)
            if isinstance(part, ExpressionBase)
            and part.operator == "condition"
            and (any(key in place for key in _AT_HAND) or (place[0] == "conditions" and place[1] in found))
        }
        if more <= found:
            return found
        found |= more


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: float) -> str:
    return f"{value:g}"


def _from_text(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
