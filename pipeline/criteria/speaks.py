"""speaks: a role has a turn at all, in a window.

```yaml
speaks: {by: customer, window: {turns: -1, of: all}}
```

`by`, `window`, `min_chars` of a turn, `times` turns. The example holds where the customer has the last word.

Met: `坐席: 请稍等。` `客户: 不用了。` Unmet: `客户: 好的。` `坐席: 再见。`
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
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
    trust,
)
from pipeline.criteria.window import Window, select, unknown_turns
from pipeline.dialogue import character_count


class Params(Strict):
    """Who, where, how much, how often."""

    by: Role = "agent"
    window: Window | None = None
    min_chars: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether `by` speaks in the window."""
    turns = [conversation.turns[i] for i in select(conversation, params.by, params.window, context)]
    hits = tuple(
        Hit((evidence(turn),), trust(turn, WRITTEN)) for turn in turns if character_count(turn.text) >= params.min_chars
    )
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    if len(hits) >= params.times:
        first = hits[0].evidence[0]
        return found(hits, Reason("criteria.speaks.found", args | {"turn": first.turn + 1}))
    if unknown_turns(conversation, params.by):
        return Outcome(State.UNSURE, 0.5, Reason("criteria.unsure.role", args))
    return Outcome(State.NO, WRITTEN, Reason("criteria.speaks.missed", args))
