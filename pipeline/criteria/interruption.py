"""interruption: somebody cuts the other short. / 抢话插话，对方还没说完就开口。

English: `by` (`agent`, the default, or `customer`) begins at least `overlap` seconds (0.5) before the other's end,
while at least two characters of the other were still to come, and `delay` seconds (0.2) or more after the other
began: if both begin together nobody interrupts. Turns with fewer than `min_chars` characters (4) do not count, so
that 嗯 and 好的 are no interruption. `times` such turns (1) inside `window`. Not applicable in chats, without times,
and in recordings with one channel, where it cannot be heard who speaks while the other does.

中文：`by`（默认坐席，也可以是客户）在对方说完之前至少 `overlap` 秒（默认 0.5）就开口，当时对方至少还有两个字没说，并且
在对方开口 `delay` 秒（默认 0.2）之后才开口，两人同时开口不算打断。不足 `min_chars` 个字（默认 4）的不算，嗯、好的这样的
应和不是打断。在 `window` 范围内要有 `times` 次（默认 1 次）。聊天、没有时间信息、单声道录音不适用：单声道里听不出谁压着
谁说。

```yaml
interruption: {by: agent, overlap: 0.5, min_chars: 4}
```

```met
[0-6] 客户: 我上周买的洗衣机一直在漏水，而且没人管
[3-5] 坐席: 您先听我说完
```

```unmet
[0-6] 客户: 我上周买的洗衣机一直在漏水，而且没人管
[3-4] 坐席: 嗯嗯
[6.2-8] 坐席: 我马上给您报修
```
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
from pipeline.dialogue import interruptions


class Params(Strict):
    """Who cuts in, how far, with how many characters, how often."""

    by: Literal["agent", "customer"] = "agent"
    overlap: Annotated[float, Field(gt=0)] = 0.5
    min_chars: Annotated[int, Field(ge=1)] = 4
    delay: Annotated[float, Field(ge=0)] = 0.2
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether somebody is cut short."""
    if conversation.interaction.channel is not Channel.CALL:
        return unavailable("criteria.unavailable.not_spoken")
    if not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    if conversation.hearing is not None and conversation.hearing.channels == 1:
        return unavailable("criteria.unavailable.one_channel")
    chosen = set(select(conversation, params.by, params.window, context))
    cuts = interruptions(
        conversation.turns,
        by=Speaker(params.by),
        overlap=params.overlap,
        min_chars=params.min_chars,
        delay=params.delay,
    )
    hits = tuple(
        Hit((evidence(turn), evidence(conversation.turns[cut.interrupted])), trust(turn, WRITTEN))
        for cut in cuts
        if cut.turn in chosen and cut.end - cut.start >= params.overlap and (turn := conversation.turns[cut.turn])
    )
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    if len(hits) < params.times:
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.interruption.none", args))
    first = hits[0].evidence[0]
    told = args | {"turn": first.turn + 1, "quote": first.quote, "seconds": round(first.start or 0.0, 1)}
    return found(hits, Reason("criteria.interruption.found", told))
