"""interruption: somebody cuts the other short.

```yaml
interruption: {by: agent, overlap: 0.5, min_chars: 4, times: 2}
```

`by` (agent or customer), `overlap` seconds between the beginning and the other's end, `min_chars` (嗯, 好的 do not
count), `times`. The other must not have finished. Only in calls, and only with times.

Met: `[0-6] 客户: 我上周买的洗衣机一直在漏水` `[3-5] 坐席: 您先听我说完`. Unmet: the agent starts at 6.2.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Reason, Speaker
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Outcome,
    State,
    Strict,
    evidence,
    found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import character_count, interruptions


class Params(Strict):
    """Who cuts in, how far, with how many characters, how often."""

    by: Literal["agent", "customer"] = "agent"
    overlap: Annotated[float, Field(ge=0.5)] = 0.5
    min_chars: Annotated[int, Field(ge=4)] = 4
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether somebody is cut short."""
    if conversation.interaction.channel is not Channel.CALL:
        return unavailable("criteria.unavailable.not_spoken")
    if not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    chosen = select(conversation, params.by, params.window, context)
    hits = tuple(
        Hit((evidence(turn), evidence(conversation.turns[cut.interrupted])), trust(turn, WRITTEN))
        for cut in interruptions(conversation.turns, by=Speaker(params.by))
        if cut.turn in chosen
        and cut.end - cut.start >= params.overlap
        and character_count((turn := conversation.turns[cut.turn]).text) >= params.min_chars
    )
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    if len(hits) < params.times:
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.interruption.none", args))
    first = hits[0].evidence[0]
    told = args | {"turn": first.turn + 1, "quote": first.quote, "seconds": round(first.start or 0.0, 1)}
    return found(hits, Reason("criteria.interruption.found", told))
