"""speaks: a role has a turn at all, or so many of them. / 某一方有发言，或发言达到多少句。

English: `by` (default `agent`) has at least `times` turns (1) inside `window`, each of at least `min_chars`
characters (1). `at_most` limits them from above, and then none is enough too unless `times` says otherwise: `speaks:
{by: customer, at_most: 2}`. The example holds where the customer has the last word. Unsure where turns might be those
of `by`.

中文：`by`（默认坐席）在 `window` 范围内至少有 `times` 句（默认 1 句）发言，每句不少于 `min_chars` 个字（默
认 1）。`at_most` 限制最多几句，此时一句没有也算，除非另写了 `times`，例如 `speaks: {by: customer, at_most: 2}`。下面的
例子看最后一句是不是客户说的。有的话分不清是不是 `by` 说的，判为“拿不准”。

```yaml
speaks: {by: customer, window: {turns: -1, of: all}}
```

```met
坐席: 请您稍等，我查一下。
客户: 不用了。
```

```unmet
客户: 好的，谢谢。
坐席: 感谢来电，再见。
```
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

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
    wrong,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import turn_characters


class Params(Strict):
    """Who, where, how much, how often."""

    by: Role = "agent"
    window: Window | None = None
    min_chars: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1
    at_most: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Params:
        if self.at_most is not None and "times" in self.model_fields_set and self.times > self.at_most:
            raise wrong("speaks_times")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether `by` speaks in the window."""
    turns = [conversation.turns[i] for i in select(conversation, params.by, params.window, context)]
    hits = tuple(
        Hit((evidence(turn),), trust(turn, WRITTEN)) for turn in turns if turn_characters(turn) >= params.min_chars
    )
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    least = params.times if params.at_most is None or "times" in params.model_fields_set else 0
    doubtful = context.index.unknown(params.by)
    if params.at_most is not None and len(hits) > params.at_most:
        return Outcome(State.NO, WRITTEN, Reason("criteria.speaks.too_often", args | {"limit": params.at_most}), hits)
    if len(hits) >= least and (params.at_most is None or len(hits) + len(doubtful) <= params.at_most):
        if not hits:
            return Outcome(State.YES, WRITTEN, Reason("criteria.speaks.missed", args))
        first = hits[0].evidence[0]
        return found(hits, Reason("criteria.speaks.found", args | {"turn": first.turn + 1}))
    if doubtful:
        return Outcome(State.UNSURE, 0.5, Reason("criteria.unsure.role", args))
    return Outcome(State.NO, WRITTEN, Reason("criteria.speaks.missed", args))
