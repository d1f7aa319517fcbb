"""Windows: which turns of a conversation an operator looks at."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator

from pipeline.conversation import Conversation, Speaker
from pipeline.criteria.base import ROLE_KNOWN, Context, Limit, Reach, Role, Strict, speaks, wrong

SMALLEST_PART = 3
"""A part (`last_quarter`) is never fewer turns than this, so that it means something in a short conversation."""


def _range(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    match = re.fullmatch(r"\s*(-?[\d.]+)?\s*\.\.\s*(-?[\d.]+)?\s*", value) if isinstance(value, str) else None
    if not match:
        raise wrong("range")
    return tuple(None if part is None else float(part) for part in match.groups())


def _reach(value: Any) -> Any:
    match = re.fullmatch(r"\s*([\d.]+)\s*(turns?|轮|句|s|seconds?|秒)\s*", str(value))
    if not match:
        raise wrong("reach")
    return Reach(float(match[1]), "turns" if match[2][0] in "t轮句" else "seconds")


Range: TypeAlias = Annotated[tuple[float | None, float | None], BeforeValidator(_range)]
Distance: TypeAlias = Annotated[Reach, BeforeValidator(_reach)]
_SHARES = {"quarter": 4, "third": 3, "half": 2}


class Window(Strict):
    """`turns` of the role, `seconds`, a `part` of the conversation, or a distance `before`/`after` the hit."""

    turns: Range | None = None
    of: Literal["role", "all"] = "role"
    seconds: Range | None = None
    part: Literal["first_quarter", "last_quarter", "first_third", "last_third", "first_half", "second_half"] | None = (
        None
    )
    before: Distance | None = None
    after: Distance | None = None


def select(conversation: Conversation, role: Role, window: Window | None, context: Context) -> tuple[int, ...]:
    """Indices of the turns of `role` inside `window`, relative to the context's anchor where the window says so."""
    turns = conversation.turns
    chosen = [turn.index for turn in turns if speaks(turn, role)]
    if window is not None:
        counted = (
            chosen if window.of == "role" else [turn.index for turn in turns if turn.speaker is not Speaker.SYSTEM]
        )
        inside = set(counted)
        if window.turns is not None:
            inside &= set(_by_number(counted, window.turns))
        if window.part is not None:
            inside &= set(_by_part(counted, window.part))
        if window.seconds is not None:
            inside = {i for i in inside if _starts_within(turns[i].start, window.seconds)}
        for reach, direction in ((window.before, "before"), (window.after, "after")):
            if reach is not None:
                limit = Limit("before" if direction == "before" else "after", reach)
                inside &= set(_by_limit(conversation, chosen, limit, context))
        chosen = [i for i in chosen if i in inside]
    if context.limit is not None:
        chosen = _by_limit(conversation, chosen, context.limit, context)
    return tuple(chosen)


def unknown_turns(conversation: Conversation, role: Role) -> tuple[int, ...]:
    """Turns that may be `role`'s: the speaker is unknown, or known with little confidence as someone else."""
    return tuple(
        turn.index
        for turn in conversation.turns
        if not speaks(turn, role)
        and (turn.speaker is Speaker.UNKNOWN or (turn.role_confidence < ROLE_KNOWN and turn.speaker is not Speaker.BOT))
    )


def _starts_within(start: float | None, seconds: tuple[float | None, float | None]) -> bool:
    low, high = seconds
    return start is not None and (low is None or start >= low) and (high is None or start <= high)


def _by_number(counted: list[int], numbers: tuple[float | None, float | None]) -> list[int]:
    def place(number: float | None, default: int) -> int:
        if number is None:
            return default
        return int(number) - 1 if number > 0 else len(counted) + int(number)

    low, high = place(numbers[0], 0), place(numbers[1], len(counted) - 1)
    return counted[max(0, low) : high + 1] if high >= 0 else []


def _by_part(counted: list[int], part: str) -> list[int]:
    which, share = part.split("_")
    size = min(len(counted), max(SMALLEST_PART, math.ceil(len(counted) / _SHARES[share])))
    return counted[:size] if which == "first" else counted[len(counted) - size :]


def _by_limit(conversation: Conversation, chosen: list[int], limit: Limit, context: Context) -> list[int]:
    anchor = context.anchor
    if anchor is None:
        return chosen
    own = [i for i in chosen if i == anchor.turn]
    before = limit.direction == "before"
    beside = [i for i in chosen if (i < anchor.turn if before else i > anchor.turn)]
    if limit.reach is None:
        kept = beside
    elif limit.reach.unit == "turns":
        count = int(limit.reach.amount)
        kept = (beside[-count:] if count else []) if before else beside[:count]
    else:
        kept = [i for i in beside if _distance(conversation, i, anchor.turn, context) <= limit.reach.amount]
    return sorted(own + kept)


def _distance(conversation: Conversation, index: int, anchor_turn: int, context: Context) -> float:
    """Seconds between turn `index` and the anchor; infinite where the times are not known."""
    turn, anchor = conversation.turns[index], context.anchor
    if turn.start is None or anchor is None or anchor.start is None:
        return math.inf
    if index < anchor_turn:
        return max(0.0, anchor.start - (turn.end if turn.end is not None else turn.start))
    return max(0.0, turn.start - (anchor.end if anchor.end is not None else anchor.start))
