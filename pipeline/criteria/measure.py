"""measure: one of the conversation's measures is above or below a value. / 会话的某项测量值高于或低于某个值。

English: `name` is a measure as in `measures` of the results: `politeness`, `empathy`, `sentiment_start`,
`sentiment_end`, `agent_sentiment`, `agent_chars_per_minute`, `silence_ratio`, `longest_silence`, `overlap_seconds`,
`interruptions_by_agent`, `agent_talk_ratio`, `first_response`, `duration` (times in seconds). `above` and `below` are
its limits, one or both. Not applicable where the measure could not be taken.

中文：`name` 是结果里 `measures` 的一项：`politeness`（礼貌）、`empathy`（共情）、`sentiment_start`、`sentiment_end`（客
户开始、结束时的情绪）、`agent_sentiment`（坐席情绪）、`agent_chars_per_minute`（语速）、`silence_ratio`（静默占
比）、`longest_silence`（最长静默）、`overlap_seconds`（双方同时说话）、`interruptions_by_agent`（坐席打断次
数）、`agent_talk_ratio`（坐席说话占比）、`first_response`（首次响应）、`duration`（时长），时间都以秒
计。`above`、`below` 是上下限，写一个或两个。没有测到时不适用。

```yaml
measure: {name: duration, above: 600}
```

```met
@duration 725
坐席: 您好，很高兴为您服务。
```

```unmet
@duration 212
坐席: 您好，很高兴为您服务。
```
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from pydantic import AfterValidator

from pipeline.conversation import Conversation, Measures, Reason
from pipeline.criteria.base import WRITTEN, Context, Limits, Outcome, State, unavailable, wrong

NAMES = tuple(field.name for field in fields(Measures))
READ = ("politeness", "empathy", "sentiment_start", "sentiment_end", "agent_sentiment")
"""Measures that a reader provides; the others come from the times."""


def _known(name: str) -> str:
    if name not in NAMES:
        raise wrong("unknown_measure", given_name=name, allowed=", ".join(NAMES))
    return name


class Params(Limits):
    """Which measure, and its limit."""

    name: Annotated[str, AfterValidator(_known)]


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the measure lies where the limits say."""
    value: float | None = getattr(conversation.measures, params.name)
    args: dict[str, str | int | float] = {"what": f"@criteria.measure.{params.name}", **params.words()}
    if value is None:
        return unavailable("criteria.unavailable.no_measure", args, needs_reader=params.name in READ)
    args["value"] = round(value, 2)
    state = State.YES if params.fits(value) else State.NO
    return Outcome(state, WRITTEN, Reason("criteria.measure.value", args))
