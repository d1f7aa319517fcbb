"""response: an answer takes longer or shorter than so many seconds. / 回复用时过长或过短。

English: in chats and e-mails, the seconds from the first message left unanswered to the answer of `by` (`agent`, the
default, or `customer`), held against `above` / `below`. `over`: the `first` answer (default), the `average`, the
`longest`, or `any` answer, `times` of them (1). `window` keeps only the answers that stand in it. What a bot says is
no answer of the agent. A wait that was never ended counts for as long as the conversation went on, so it can be too
long but never short. Not applicable in calls (use `silence`), without times, and where nobody had to answer.

中文：聊天和邮件里，从第一条没有得到回复的消息算起，`by`（默认坐席，也可以是客户）隔多少秒回复，与 `above` / `below` 比
较。`over`：`first`（首次，默认）、`average`（平均）、`longest`（最长）或 `any`（任意一次，`times` 次，默
认 1 次）。`window` 只看落在其中的回复。机器人的话不算坐席回复。一直没有等到回复的，按会话还持续了多久来算，只可能判为过
长，不会判为很快。通话不适用（请用 `silence`）；没有时间信息、没有需要回复的消息时也不适用。

```yaml
response: {by: agent, over: first, above: 30}
```

```met
@channel chat
[0] 客户: 在吗？
[10] 客户: 我的订单怎么还没发货
[45] 坐席: 您好，马上为您查询
```

```unmet
@channel chat
[0] 客户: 在吗？
[12] 坐席: 您好，请问有什么可以帮您
```
"""

from __future__ import annotations

from statistics import mean
from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Reason, Speaker
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Limits,
    Outcome,
    State,
    evidence,
    found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import Answer, answers


class Params(Limits):
    """Who answers, which answers, and the limit in seconds."""

    by: Literal["agent", "customer"] = "agent"
    over: Literal["first", "average", "longest", "any"] = "first"
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the answers take as long as the limits say."""
    if conversation.interaction.channel is Channel.CALL:
        return unavailable("criteria.unavailable.not_written")
    if any(turn.start is None for turn in conversation.turns):
        return unavailable("criteria.unavailable.untimed")
    args: dict[str, str | int | float] = {"role": role_word(params.by), **params.words()}
    waits = answers(conversation.turns, by=Speaker(params.by))
    if params.window is not None or context.limit is not None or context.only is not None:
        chosen = select(conversation, params.by, params.window, context)
        waits = tuple(wait for wait in waits if wait.turn in chosen)
    if params.over == "first":
        waits = waits[:1]
    answered = [wait for wait in waits if wait.turn is not None]
    endless = [wait for wait in waits if wait.turn is None and _too_long_already(params, wait)]
    if not answered and not endless:
        return unavailable("criteria.response.no_answer" if waits else "criteria.response.no_wait", args)
    if params.over == "average" and answered:
        value = mean(wait.seconds for wait in answered)
        fitting = [wait for wait in answered if params.fits(wait.seconds)] if params.fits(value) else []
        return _told(params, "average", value, params.fits(value), fitting, conversation, args)
    if params.over != "any":
        wait = max([*answered, *endless], key=lambda wait: wait.seconds)
        good = wait in endless or params.fits(wait.seconds)
        return _told(params, params.over, wait.seconds, good, [wait], conversation, args)
    fitting = [wait for wait in waits if wait in endless or (wait.turn is not None and params.fits(wait.seconds))]
    if len(fitting) < params.times:
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.response.none", args))
    return _told(params, "any", fitting[0].seconds, True, fitting, conversation, args | {"count": len(fitting)})


def _too_long_already(params: Params, wait: Answer) -> bool:
    """Whether a wait without end is certainly as the limits say: it can only grow."""
    return params.below is None and params.fits(wait.seconds)


def _told(
    params: Params,
    over: Literal["first", "average", "longest", "any"],
    value: float,
    good: bool,
    fitting: list[Answer],
    conversation: Conversation,
    args: dict[str, str | int | float],
) -> Outcome:
    args = args | {"value": round(value, 1)}
    if fitting:
        args["turn"] = (fitting[0].asked if fitting[0].turn is None else fitting[0].turn) + 1
    key = KEYS["unanswered" if good and fitting and fitting[0].turn is None else over]
    if not good:
        return Outcome(State.NO, NOT_FOUND, Reason(key, args))
    hits = tuple(_hit(wait, conversation) for wait in fitting)
    if not hits:
        return Outcome(State.YES, WRITTEN, Reason(key, args))
    return found(hits, Reason(key, args))


KEYS = {
    "first": "criteria.response.first",
    "average": "criteria.response.average",
    "longest": "criteria.response.longest",
    "any": "criteria.response.any",
    "unanswered": "criteria.response.unanswered",
}


def _hit(wait: Answer, conversation: Conversation) -> Hit:
    """The answer and the message that waited for it; the message alone where none came."""
    turns = [conversation.turns[index] for index in (wait.turn, wait.asked) if index is not None]
    return Hit(tuple(evidence(turn) for turn in turns), min(trust(turn, WRITTEN) for turn in turns))
