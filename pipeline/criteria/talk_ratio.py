"""talk_ratio: somebody has more or less than a share of the talk. / 一方说话占比过高或过低。

English: the share of `by` (default `agent`) in what agent and customer say, 0…1, held against `above` / `below`. `of:
time` measures speaking time (default in calls), `of: characters` counts characters (default in chats). With `by: bot`
the bot's words count too. `window` narrows what is looked at, for instance `{part: last_third}`. Not applicable where
nobody speaks, or where time is asked for and the turns have no times; unsure where nobody knows who speaks.

中文：`by`（默认坐席）在坐席和客户全部说话中所占的比例（0 到 1），与 `above` / `below` 比较。`of: time` 按说话时间算（通
话的默认），`of: characters` 按字数算（聊天的默认）。写 `by: bot` 时机器人的话也算在内。`window` 可以只看一段，例
如 `{part: last_third}`。没有人说话，或按时间算而没有时间信息时不适用；分不清是谁说的，判为“拿不准”。

```yaml
talk_ratio: {by: agent, above: 0.8}
```

```met
[0-2] 客户: 我想退掉这个套餐
[2-32] 坐席: 这个套餐特别划算，您先听我介绍一下里面都有什么
```

```unmet
[0-8] 客户: 我想退掉这个套餐，上个月就说要退了
[8-16] 坐席: 好的，我现在就给您办理退订
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from pipeline.conversation import Channel, Conversation, Reason, Speaker, Turn
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
    missed,
    not_found,
    role_word,
    speaks,
    trust,
    unavailable,
    wrong,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import turn_characters


class Params(Limits):
    """Whose share, of what, and its limits."""

    by: Literal["agent", "customer", "bot"] = "agent"
    of: Literal["time", "characters"] | None = None
    window: Window | None = None

    @model_validator(mode="after")
    def _shares(self) -> Params:
        if any(limit is not None and not 0 <= limit <= 1 for limit in (self.above, self.below)):
            raise wrong("share_limit")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the share of the talk lies where the limits say."""
    of = params.of or ("time" if conversation.interaction.channel is Channel.CALL else "characters")
    if of == "time" and not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    whole = {Speaker.AGENT, Speaker.CUSTOMER, Speaker(params.by)}
    amounts = [
        (turn, _amount(turn, of))
        for turn in (conversation.turns[i] for i in select(conversation, "anyone", params.window, context))
        if turn.speaker in whole
    ]
    args: dict[str, str | int | float] = {"role": role_word(params.by), **_words(params)}
    together = sum(amount for _, amount in amounts)
    if not together:
        role: Role = params.by
        nobody = missed(conversation, (), role, context, not_found(Reason("criteria.unavailable.silent_role", args)))
        return nobody if nobody.state is State.UNSURE else unavailable("criteria.unavailable.silent_role", args)
    own = [(turn, amount) for turn, amount in amounts if speaks(turn, params.by)]
    share = sum(amount for _, amount in own) / together
    reason = Reason("criteria.talk_ratio.share", args | {"percent": round(100 * share)})
    if not params.fits(share):
        return Outcome(State.NO, NOT_FOUND, reason)
    others = [(turn, amount) for turn, amount in amounts if not speaks(turn, params.by)]
    longest = max((own if params.above is not None else others) or amounts, key=lambda pair: pair[1])[0]
    return Outcome(State.YES, trust(longest, WRITTEN), reason, (Hit((evidence(longest),), trust(longest, WRITTEN)),))


def _amount(turn: Turn, of: str) -> float:
    if of == "characters":
        return float(turn_characters(turn))
    return max(0.0, (turn.end or 0.0) - (turn.start or 0.0))


def _words(params: Params) -> dict[str, str | float]:
    words = params.words()
    return words | {"limit": f"{100 * float(words['limit']):g}"}
