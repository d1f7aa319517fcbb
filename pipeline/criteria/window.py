"""Windows: which turns of a conversation an operator looks at."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

from pipeline.conversation import Conversation, Evidence
from pipeline.criteria.base import (
    Context,
    Outcome,
    Reach,
    Role,
    State,
    Strict,
    unavailable,
    wrong,
)

SMALLEST_PART = 3
"""A part (`last_quarter`) is never fewer turns than this, so that it means something in a short conversation."""


_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_ENDS = re.compile(rf"\s*(-?{_NUMBER})?\s*\.\.\s*(-?{_NUMBER})?\s*")
_REACH = re.compile(rf"\s*({_NUMBER})\s*(turns?|轮|句|s|seconds?|秒)\s*")


def _range(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    match = _ENDS.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise wrong("range")
    return tuple(None if part is None else float(part) for part in match.groups())


def _reach(value: Any) -> Any:
    if isinstance(value, Reach):
        return value
    match = _REACH.fullmatch(str(value))
    if not match:
        raise wrong("reach")
    return Reach(float(match[1]), "turns" if match[2][0] in "t轮句" else "seconds")


Range: TypeAlias = Annotated[tuple[float | None, float | None], BeforeValidator(_range)]
Distance: TypeAlias = Annotated[Reach, BeforeValidator(_reach)]

Direction: TypeAlias = Literal["before", "after", "around"]
DIRECTIONS: tuple[Direction, ...] = ("before", "after", "around")


class Anchored(Strict):
    """A distance from the `hit`-th time that the named `condition` came up: 1 = the first, -1 = the last."""

    condition: str
    hit: int = 1
    within: Distance | None = None

    @model_validator(mode="after")
    def _counted(self) -> Anchored:
        if self.hit == 0:
            raise wrong("window_hit")
        return self


def _how_told(value: Any) -> str:
    return "anchored" if isinstance(value, Mapping | Anchored) else "distance"


Near: TypeAlias = Annotated[
    Annotated[Distance, Tag("distance")] | Annotated[Anchored, Tag("anchored")], Discriminator(_how_told)
]
"""`15 s` from the hit that an exception is about, or from a hit of a named condition."""
_SHARES = {"quarter": 4, "third": 3, "half": 2}


class Window(Strict):
    """`turns` of the role, `seconds`, a `part` of the conversation, or a distance `before`/`after`/`around` a hit.

    With `every` the operator must hold in each of these turns by itself.
    """

    turns: Range | None = None
    of: Literal["role", "all"] = "role"
    seconds: Range | None = None
    part: Literal["first_quarter", "last_quarter", "first_third", "last_third", "first_half", "second_half"] | None = (
        None
    )
    before: Near | None = None
    after: Near | None = None
    around: Near | None = None
    every: bool = False

    @cached_property
    def told(self) -> str:
        """All that the window says, as one text; equal windows say the same."""
        return self.model_dump_json()

    @cached_property
    def anchors(self) -> tuple[tuple[Direction, Anchored], ...]:
        """The named conditions that the window lies beside."""
        return tuple((direction, near) for direction, near in self.beside if isinstance(near, Anchored))

    @cached_property
    def beside(self) -> tuple[tuple[Direction, Reach | Anchored], ...]:
        """The hits, of a condition or of what an exception is about, that the window lies beside."""
        given = ((direction, getattr(self, direction)) for direction in DIRECTIONS)
        return tuple((direction, near) for direction, near in given if near is not None)


def without_anchor(window: Window, conversation: Conversation, context: Context) -> Outcome | None:
    """What to say where a condition that `window` lies beside did not come up (so often); `None` where all did."""
    for _, near in window.anchors:
        outcome = context.named(near.condition, conversation)
        if outcome.state in (State.UNSURE, State.UNAVAILABLE):
            return outcome
        if _place(near, conversation, context) is None:
            zh, en = context.rules.titles[near.condition]
            args: dict[str, str | int | float] = {"title_zh": zh, "title_en": en, "count": abs(near.hit)}
            return unavailable("criteria.window.no_anchor" if abs(near.hit) == 1 else "criteria.window.too_few", args)
    return None


def _place(near: Anchored, conversation: Conversation, context: Context) -> Evidence | None:
    """Where the condition came up for the `hit`-th time."""
    outcome = context.named(near.condition, conversation)
    hits = {hit.evidence[0] for hit in outcome.hits} if outcome.state is State.YES else set()
    places = sorted(hits, key=lambda place: (place.turn, place.span))
    number = near.hit - 1 if near.hit > 0 else len(places) + near.hit
    return places[number] if 0 <= number < len(places) else None


def select(conversation: Conversation, role: Role, window: Window | None, context: Context) -> tuple[int, ...]:
    """Indices of the turns of `role` inside `window`, relative to the context's anchor where the window says so."""
    index = context.index
    chosen: tuple[int, ...] | None
    if window is None:
        chosen = index.spoken[role]
    else:
        chosen = index.windows.get((role, window.told))
        if chosen is None:
            chosen = index.windows[role, window.told] = _fixed(conversation, role, window, context)
    if context.anchor is not None:
        for direction, near in () if window is None else window.beside:
            if not isinstance(near, Anchored):
                inside = set(_beside(conversation, index.spoken[role], direction, near, context.anchor))
                chosen = tuple(i for i in chosen if i in inside)
        if context.limit is not None:
            limit = context.limit
            chosen = tuple(_beside(conversation, chosen, limit.direction, limit.reach, context.anchor))
    return chosen if context.only is None else tuple(i for i in chosen if i == context.only)


def _fixed(conversation: Conversation, role: Role, window: Window, context: Context) -> tuple[int, ...]:
    """The turns of `role` inside `window`, as far as that does not depend on the context's anchor."""
    turns = conversation.turns
    chosen = context.index.spoken[role]
    counted = chosen if window.of == "role" else context.index.spoken["anyone"]
    inside = set(counted)
    if window.turns is not None:
        inside &= set(_by_number(counted, window.turns))
    if window.part is not None:
        inside &= set(_by_part(counted, window.part))
    if window.seconds is not None:
        low, high = (_from_start(second, conversation) for second in window.seconds)
        inside = {i for i in inside if _starts_within(turns[i].start, low, high)}
    for direction, near in window.anchors:
        place = _place(near, conversation, context)
        inside &= set(() if place is None else _beside(conversation, chosen, direction, near.within, place))
    return tuple(i for i in chosen if i in inside)


def _from_start(second: float | None, conversation: Conversation) -> float | None:
    """A second from the start; negative ones count from the end of the last turn."""
    if second is None or second >= 0:
        return second
    ends = [turn.end if turn.end is not None else turn.start for turn in conversation.turns]
    known = [end for end in ends if end is not None]
    return max(known) + second if known else None


def _starts_within(start: float | None, low: float | None, high: float | None) -> bool:
    return start is not None and (low is None or start >= low) and (high is None or start <= high)


def _by_number(counted: Sequence[int], numbers: tuple[float | None, float | None]) -> Sequence[int]:
    def place(number: float | None, default: int) -> int:
        if number is None:
            return default
        return int(number) - 1 if number > 0 else len(counted) + int(number)

    low, high = place(numbers[0], 0), place(numbers[1], len(counted) - 1)
    return counted[max(0, low) : high + 1] if high >= 0 else ()


def _by_part(counted: Sequence[int], part: str) -> Sequence[int]:
    which, share = part.split("_")
    size = min(len(counted), max(SMALLEST_PART, math.ceil(len(counted) / _SHARES[share])))
    return counted[:size] if which == "first" else counted[len(counted) - size :]


def _beside(
    conversation: Conversation, chosen: Sequence[int], direction: Direction, reach: Reach | None, anchor: Evidence
) -> list[int]:
    """Those of `chosen` that lie within `reach` before, after or around the anchor; its own turn belongs to all."""
    first, last = bisect_left(chosen, anchor.turn), bisect_right(chosen, anchor.turn)
    if reach is None or reach.unit == "seconds":
        low, high = 0, len(chosen)
    else:
        low, high = max(0, first - int(reach.amount)), last + int(reach.amount)
    before = chosen[low:first] if direction != "after" else []
    after = chosen[last:high] if direction != "before" else []
    kept = [*before, *chosen[first:last], *after]
    if reach is None or reach.unit == "turns":
        return kept
    return [i for i in kept if i == anchor.turn or _distance(conversation, i, anchor) <= reach.amount]


def _distance(conversation: Conversation, index: int, anchor: Evidence) -> float:
    """Seconds between turn `index` and the anchor; infinite where the times are not known."""
    turn = conversation.turns[index]
    if turn.start is None or anchor.start is None:
        return math.inf
    if index < anchor.turn:
        return max(0.0, anchor.start - (turn.end if turn.end is not None else turn.start))
    return max(0.0, turn.start - (anchor.end if anchor.end is not None else anchor.start))
