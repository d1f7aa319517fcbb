"""tone: politeness, empathy or sentiment is above or below a value. / 礼貌、共情或情绪（及其走势）高于或低于某个值。

English: `of` is `politeness` or `empathy` (0 to 1) or `sentiment` (−1 very negative to 1); `by` whose (default
`agent`); `above`, `below` or both are the limits, which do not count themselves. `at` says which value: `average`
(default), `any` single turn (`times` of them, default 1), the `lowest` or `highest` turn, the `start` or `end` (first
and last third), or the `change` from start to end (0.3 = better by 0.3). `window` narrows the turns, except for
`start` and `end`. `sure` (0) leaves out turns of whose reading the reader is less sure. Not applicable where nobody
read the conversation or no value came out.

中文：`of` 写 `politeness`（礼貌）、`empathy`（共情），取值 0 到 1，或 `sentiment`（情绪），取值 −1（很差）到 1；
`by` 是谁的（默认坐席）；`above`、`below` 是界限，不含本身，可以都写。`at` 说明取哪个值：`average` 平均（默认）、
`any` 任何一句（`times`句，默认 1）、`lowest` 最低的一句、`highest` 最高的一句、`start` 开头、`end` 结尾（前、后三
分之一），或 `change` 从开头到结尾的变化（0.3 表示好转了 0.3）。`window` 限定看哪些句，对 `start`、`end` 不起作用。
`sure`（默认 0）把判读把握更小的句子排除在外。会话没有经过判读，或没有得出数值时不适用。

```yaml
tone: {of: sentiment, by: customer, at: change, above: 0.3}
```

```met
客户: 气死我了，等了一个星期都没人管！
坐席: 实在抱歉，我马上为您加急处理，今天下午就派师傅上门。
客户: 嗯，这还差不多，那太好了，谢谢你啊。
```

```unmet
客户: 谢谢你们上次的帮助，服务真好。
坐席: 您过奖了。这次的问题需要您自己联系厂家。
客户: 什么态度，太让人失望了，我要投诉！
```
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    Context,
    Hit,
    Limits,
    Outcome,
    Role,
    Share,
    State,
    cue_span,
    evidence,
    found,
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select


class Params(Limits):
    """Which tone, whose, where, and the limit."""

    of: Literal["politeness", "empathy", "sentiment"]
    by: Role = "agent"
    at: Literal["average", "any", "start", "end", "lowest", "highest", "change"] = "average"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1
    sure: Share = 0.0


@dataclass(frozen=True, slots=True)
class _Read:
    """The tone of one turn."""

    turn: int
    value: float
    confidence: float


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the tone lies where the limits say."""
    if not conversation.readings and _measured(params, conversation) is None:
        return unavailable("criteria.unavailable.unread", needs_reader=True)
    turns = select(conversation, params.by, _window(params), context)
    read = _read(params, conversation, turns)
    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "what": f"@criteria.tone.{params.of}",
        **params.words(),
    }
    if params.at == "any":
        hits = tuple(_hit(conversation, one, params) for one in read if params.fits(one.value))
        if len(hits) >= params.times:
            first = hits[0].evidence[0]
            told = args | {"turn": first.turn + 1, "quote": first.quote, "count": len(hits)}
            return found(hits, Reason("criteria.tone.turn", told))
        return missed(conversation, turns, params.by, context, not_found(Reason("criteria.tone.no_turn", args)))
    overall = _measured(params, conversation)
    if overall is None:
        overall = _overall(params, read)
    if overall is None:
        return unavailable("criteria.unavailable.no_tone", args)
    confidence = round(fmean(one.confidence for one in read), 4) if read else 0.5
    key = params.at if params.at in ("lowest", "highest", "change") else "overall"
    reason = Reason(f"criteria.tone.{key}", args | {"value": round(overall, 2)})
    if not params.fits(overall):
        return Outcome(State.NO, confidence, reason)
    return Outcome(
        State.YES, confidence, reason, tuple(_hit(conversation, one, params) for one in _shown(params, read))
    )


def _measured(params: Params, conversation: Conversation) -> float | None:
    """The conversation's own measure where it is exactly what is asked for."""
    measures = conversation.measures
    if params.window is not None or params.sure:
        return None
    if params.by == "customer" and params.of == "sentiment":
        start, end = measures.sentiment_start, measures.sentiment_end
        change = None if start is None or end is None else end - start
        return {"start": start, "end": end, "change": change}.get(params.at)
    if params.by == "agent" and params.at == "average":
        return {
            "politeness": measures.politeness,
            "empathy": measures.empathy,
            "sentiment": measures.agent_sentiment,
        }[params.of]
    return None


def _window(params: Params) -> Window | None:
    if params.at == "start":
        return Window(part="first_third")
    return Window(part="last_third") if params.at == "end" else params.window


def _read(params: Params, conversation: Conversation, turns: tuple[int, ...]) -> tuple[_Read, ...]:
    """The turns that have a tone of which the reader is sure enough."""
    readings = conversation.readings
    values = ((i, getattr(readings[i], params.of), readings[i].confidence) for i in turns) if readings else ()
    return tuple(_Read(i, value, sure) for i, value, sure in values if value is not None and sure >= params.sure)


def _overall(params: Params, read: tuple[_Read, ...]) -> float | None:
    values = [one.value for one in read]
    if not values:
        return None
    if params.at == "change":
        part = min(math.ceil(len(values) / 3), len(values) // 2)
        return fmean(values[-part:]) - fmean(values[:part]) if part else None
    return {"lowest": min, "highest": max}.get(params.at, fmean)(values)


def _shown(params: Params, read: tuple[_Read, ...]) -> tuple[_Read, ...]:
    """The turns that a value rests on: the lowest or highest, the first and last, or those within the limits."""
    if not read:
        return ()
    if params.at in ("lowest", "highest"):
        return ((min if params.at == "lowest" else max)(read, key=lambda one: one.value),)
    if params.at == "change":
        return (read[0], read[-1]) if len(read) > 1 else read
    return tuple(one for one in read if params.fits(one.value))


def _hit(conversation: Conversation, one: _Read, params: Params) -> Hit:
    turn = conversation.turns[one.turn]
    where = evidence(turn, cue_span(conversation.readings[one.turn], params.of))
    return Hit((where,), trust(turn, one.confidence))
