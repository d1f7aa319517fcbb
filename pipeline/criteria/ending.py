"""ending: a call ends or begins as it should not. / 通话异常结束或异常接起。

English: `is` names what happened; one of several is enough, a name alone stands for it. `abnormal_hang_up`: the
recording runs on for more than `after` seconds (default 5) after the last words, so nobody hung up after them.
`abnormal_answer`: the customer speaks first, or nobody speaks at all. How long a call is says `measure: {name:
duration}`, how many turns it has `speaks`. Calls only; a hang-up is not applicable where the length of the recording
or the times are not known, an answer is unsure where it is not certain who speaks first.

中文：`is` 写要找的情况，写几种时有一种就算，也可以直接写名字。`abnormal_hang_up`（异常挂断）：最后一句话之后录音又持续
了 `after` 秒以上（默认 5 秒），说完没有及时挂机；`abnormal_answer`（异常接起）：客户先开口，或全程没有人说话。通话有多
长用 `measure: {name: duration}`，有多少句用 `speaks`。只用于通话；不知道录音长度或没有时间信息时，无法判断挂断；分不清
是谁先开口，判为“拿不准”。

```yaml
ending: {is: abnormal_hang_up, after: 5}
```

```met
@duration 20
[0-4] 坐席: 您的问题已经登记，感谢来电
[4-6] 客户: 好的，再见
```

```unmet
@duration 7.5
[0-4] 坐席: 您的问题已经登记，感谢来电
[4-6] 客户: 好的，再见
```
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

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
    some,
    trust,
    unavailable,
)
from pipeline.criteria.index import ROLE_KNOWN


class Params(Strict):
    """What happened at the end or the beginning."""

    is_: Annotated[
        tuple[Literal["abnormal_hang_up", "abnormal_answer"], ...], BeforeValidator(some), Field(min_length=1)
    ] = Field(alias="is")
    after: Annotated[float, Field(gt=0)] = 5.0

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"is": value} if isinstance(value, str | list | tuple) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the call ends or begins in one of the ways asked for."""
    if conversation.interaction.channel is not Channel.CALL:
        return unavailable("criteria.unavailable.not_spoken")
    outcomes = [
        _hang_up(params.after, conversation) if name == "abnormal_hang_up" else _answer(conversation)
        for name in params.is_
    ]
    order = (State.YES, State.UNSURE, State.NO, State.UNAVAILABLE)
    return min(outcomes, key=lambda outcome: order.index(outcome.state))


def _hang_up(after: float, conversation: Conversation) -> Outcome:
    if not conversation.timed:
        return unavailable("criteria.unavailable.untimed")
    last = max(conversation.turns, key=lambda turn: turn.end or 0.0)
    spoken = last.end or 0.0
    hearing = conversation.hearing
    whole = conversation.measures.duration if hearing is None else hearing.duration
    if whole is None or (hearing is None and whole <= spoken):
        return unavailable("criteria.unavailable.no_length")
    args: dict[str, str | int | float] = {"seconds": round(whole - spoken, 1), "limit": f"{after:g}"}
    if whole - spoken <= after:
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.ending.hung_up", args))
    place = replace(evidence(last), start=spoken, end=whole)
    told = args | {"turn": last.index + 1, "quote": last.text}
    return found((Hit((place,), WRITTEN),), Reason("criteria.ending.left_open", told))


def _answer(conversation: Conversation) -> Outcome:
    spoken = [turn for turn in conversation.turns if turn.speaker is not Speaker.SYSTEM]
    if not spoken:
        return Outcome(State.YES, WRITTEN, Reason("criteria.ending.nobody"))
    first = spoken[0]
    args: dict[str, str | int | float] = {"quote": first.text}
    if first.speaker is Speaker.UNKNOWN or first.role_confidence < ROLE_KNOWN:
        return Outcome(State.UNSURE, 0.5, Reason("criteria.unsure.role", {"role": role_word("customer")}))
    if first.speaker is Speaker.CUSTOMER:
        return found((Hit((evidence(first),), trust(first, WRITTEN)),), Reason("criteria.ending.customer_first", args))
    return Outcome(State.NO, trust(first, NOT_FOUND), Reason("criteria.ending.agent_first", args))
