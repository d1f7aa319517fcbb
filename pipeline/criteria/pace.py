"""pace: somebody speaks faster or slower than a value. / 语速过快或过慢。

English: characters a minute of `by` (default `agent`), held against `above` / `below`. Punctuation does not count,
nor do pauses of 0.3 s and more between words where the times of words are known. `over`: the `average` of all turns
(default) or `any` single turn, `times` of them (1). Turns with fewer than `min_chars` characters (8) are not judged.
`window` narrows the turns. Not applicable in chats, without times, and where every turn is too short; unsure where it
is not known who speaks.

中文：`by`（默认坐席）每分钟说多少个字，与 `above` / `below` 比较。标点不算，知道每个词的时间时，词与词之间 0.3 秒以上的
停顿也不算。`over`：`average`（默认，全部句子的平均）或 `any`（单句，`times` 句，默认 1 句）。不足 `min_chars` 个字（默
认 8）的句子不看。`window` 可以限定范围。聊天、没有时间信息、句子都太短时不适用；分不清是谁说的，判为“拿不准”。

```yaml
pace: {by: agent, above: 280}
```

```met
[0-2] 坐席: 您好，这边是客户服务中心，工号一零二四
```

```unmet
[0-6] 坐席: 您好，这边是客户服务中心，工号一零二四
```
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Reason, Turn
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
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import characters_per_minute


class Params(Limits):
    """Whose pace, the limit, and what it is taken over."""

    by: Role = "agent"
    over: Literal["average", "any"] = "average"
    min_chars: Annotated[int, Field(ge=1)] = 8
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the speaking rate lies where the limits say."""
    if conversation.interaction.channel is not Channel.CALL:
        return unavailable("criteria.unavailable.not_spoken")
    if not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    turns = [conversation.turns[i] for i in select(conversation, params.by, params.window, context)]
    rates = [(turn, rate) for turn in turns if (rate := _rate(turn, params.min_chars)) is not None]
    args: dict[str, str | int | float] = {"role": role_word(params.by), **params.words()}
    if not rates:
        nobody = missed(conversation, (), params.by, context, not_found(Reason("criteria.unavailable.too_short", args)))
        return nobody if nobody.state is not State.NO else unavailable("criteria.unavailable.too_short", args)
    fast = [(turn, rate) for turn, rate in rates if params.fits(rate)]
    hits = tuple(Hit((evidence(turn),), trust(turn, WRITTEN)) for turn, _ in fast)
    if params.over == "any":
        rate = fast[0][1] if fast else rates[0][1]
        told = Reason("criteria.pace.turn", args | {"value": round(rate), "count": len(fast)})
        if len(fast) >= params.times:
            return found(hits, told)
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.pace.no_turn", args))
    average = characters_per_minute((turn for turn, _ in rates), min_chars=params.min_chars) or 0.0
    state = State.YES if params.fits(average) else State.NO
    reason = Reason("criteria.pace.average", args | {"value": round(average)})
    return Outcome(state, NOT_FOUND, reason, hits if state is State.YES else ())


def _rate(turn: Turn, min_chars: int) -> float | None:
    return characters_per_minute([turn], min_chars=min_chars)
