"""pace: somebody speaks faster or slower than a value.

```yaml
pace: {by: agent, above: 280}
```

`by`, `above`, `below` (characters a minute, punctuation and pauses not counted), `over` (`average` or `any` turn),
`min_chars` (shorter turns are not judged), `times` (with `any`). Not applicable without times.

Met (above 280): `[0-2] 坐席: 您好这边是客户服务中心工号一零二四` (18 characters in 2 s). Unmet: the same in 6 s.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Conversation, Reason, Turn
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Limits,
    Outcome,
    Role,
    State,
    evidence,
    found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import character_count, characters_per_minute


class Params(Limits):
    """Whose pace, the limit, and what it is taken over."""

    by: Role = "agent"
    over: Literal["average", "any"] = "average"
    min_chars: Annotated[int, Field(ge=1)] = 8
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the speaking rate lies where the limits say."""
    if not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    turns = [conversation.turns[i] for i in select(conversation, params.by, params.window, context)]
    rates = [(turn, rate) for turn in turns if (rate := _rate(turn, params.min_chars)) is not None]
    args: dict[str, str | int | float] = {"role": role_word(params.by), **params.words()}
    if not rates:
        return unavailable("criteria.unavailable.too_short", args)
    fast = [(turn, rate) for turn, rate in rates if params.fits(rate)]
    hits = tuple(Hit((evidence(turn),), trust(turn, WRITTEN)) for turn, _ in fast)
    if params.over == "any":
        rate = fast[0][1] if fast else rates[0][1]
        told = Reason("criteria.pace.turn", args | {"value": round(rate), "count": len(fast)})
        if len(fast) >= params.times:
            return found(hits, told)
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.pace.no_turn", args))
    average = characters_per_minute(turn for turn, _ in rates)
    if average is None:
        return unavailable("criteria.unavailable.too_short", args)
    state = State.YES if params.fits(average) else State.NO
    reason = Reason("criteria.pace.average", args | {"value": round(average)})
    return Outcome(state, NOT_FOUND, reason, hits if state is State.YES else ())


def _rate(turn: Turn, min_chars: int) -> float | None:
    return characters_per_minute([turn]) if character_count(turn.text) >= min_chars else None
