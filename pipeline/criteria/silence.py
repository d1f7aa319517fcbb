"""silence: a gap longer than so many seconds before somebody speaks.

```yaml
silence: {longer_than: 10, by: agent}
```

`longer_than` seconds, `by` (who kept silent = who speaks next), `after_by` (who spoke before), `times`, `window`. In a
chat the gap runs from message to message. Not applicable without times. Announced holds are excused by the
criterion's `unless`.

Met: `[0-2] 客户: 好` `[14-16] 坐席: 查到了`. Unmet: `[0-2] 客户: 好` `[3-5] 坐席: 查到了`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Outcome,
    Role,
    State,
    Strict,
    evidence,
    found,
    role_word,
    speaks,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import silences


class Params(Strict):
    """How long, who kept silent, after whom, how often."""

    longer_than: Annotated[float, Field(gt=0)]
    by: Role = "anyone"
    after_by: Role = "anyone"
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether somebody kept silent for too long."""
    if not conversation.turns or any(turn.start is None for turn in conversation.turns):
        return unavailable("criteria.unavailable.untimed")
    chosen = select(conversation, params.by, params.window, context)
    hits = []
    longest = 0.0
    for gap in silences(conversation.turns):
        turn = conversation.turns[gap.before]
        if turn.index in chosen and speaks(conversation.turns[gap.after], params.after_by):
            longest = max(longest, gap.seconds)
            if gap.seconds > params.longer_than:
                place = replace(evidence(turn), start=gap.start, end=gap.end)
                hits.append(Hit((place,), WRITTEN * turn.role_confidence))
    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "limit": f"{params.longer_than:g}",
        "longest": round(longest, 1),
        "count": len(hits),
    }
    if len(hits) >= params.times:
        first = hits[0].evidence[0]
        seconds = round((first.end or 0.0) - (first.start or 0.0), 1)
        told = args | {"turn": first.turn + 1, "seconds": seconds, "quote": first.quote}
        return found(tuple(hits), Reason("criteria.silence.found", told))
    return Outcome(State.NO, NOT_FOUND, Reason("criteria.silence.none", args))
