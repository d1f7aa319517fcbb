"""entity: something named is said, such as an amount, and is as it must be. / 说到了金额、日期、电话等，并且符合规定。

English: `kind` is `amount` (in yuan), `percent`, `duration`, `date`, `time` (of day), `number`, `phone`,
`order_number`, `email` or `plate` (a kind alone stands for it); or `list` is a list of the card, such as its products
or names. What it must be, as far as given: `is` and `not` (a value or a list), `contains` (part of it), `above` and
`below`, `between: 100..500` (ends included); otherwise it is enough that it is said. Limits are numbers, for
`duration` texts such as `30 min`, `24 h`, `3 days`, for `time` such as `18:00`, for `date` such as `2025-10-12` or
`+7 days` from the day of the conversation. Numbers count as written and as spoken (五百 = 500). `by` (default `agent`),
`window`, `times` (1). Not applicable where the value cannot be told, such as a weekday in a conversation without
date.

中文：`kind` 可以是 `amount`（金额，元）、`percent`（百分比）、`duration`（时长）、`date`（日期）、`time`（几点）、
`number`（数字）、`phone`（电话）、`order_number`（单号）、`email`（邮箱）、`plate`（车牌），也可以直接写这个词；
或者用 `list` 指定评分卡里的一个列表，例如产品名。要求写成：`is`、`not`（一个值或一列值）、`contains`（含有）、
`above`、`below`、`between: 100..500`（含两端）；都不写就只看有没有说到。界限写数字；`duration` 写 `30 min`、
`24 h`、`3 days` 或“24小时”，`time` 写 `18:00`，`date`写 `2025-10-12`，或从会话当天算起的 `+7 days`。数字不论写
法读法都认（五百 = 500）。`by`（默认坐席）、`window`、`times`（默认 1）。数值无法确定（例如会话没有日期却说“下周
三”）时不适用。

```yaml
entity: {kind: amount, above: 500}
```

```met
客户: 那你们怎么补偿？
坐席: 我这边给您申请八百元的补偿。
```

```unmet
客户: 那你们怎么补偿？
坐席: 我这边给您申请五十元的优惠券。
```
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Outcome,
    Role,
    evidence,
    found,
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
    wrong,
)
from pipeline.criteria.comparison import Comparison, Scalar, fits
from pipeline.criteria.phrase import occurrences
from pipeline.criteria.window import Window, select
from pipeline.entities import DAY, UNITS, entities
from pipeline.text import matching_form

EntityKind = Literal[
    "amount", "percent", "duration", "date", "time", "number", "phone", "order_number", "email", "plate"
]
NUMERIC = ("amount", "percent", "duration", "date", "time", "number")
"""Kinds whose values lie on a line."""


class Params(Comparison):
    """What is named, by whom, where, how often, and what it must be."""

    kind: EntityKind | None = None
    list_: str | None = Field(default=None, alias="list")
    by: Role = "agent"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fitting(self, info: ValidationInfo) -> Params:
        if (self.kind is None) == (self.list_ is None):
            raise wrong("entity_kind_or_list")
        lists = (info.context or {}).get("lists", {})
        if self.list_ is not None and self.list_ not in lists:
            raise wrong("entity_list", list=self.list_, allowed=", ".join(lists) or "–")
        for limit in self.limits:
            if self.kind not in NUMERIC or _limit(self.kind, limit, date.min) is None:
                raise wrong("entity_limit", limit=limit, what=self.kind or "list")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether something of the kind is said that is as it must be."""
    turns = select(conversation, params.by, params.window, context)
    start = conversation.interaction.started_at
    today = start.date() if start is not None else None
    hits: list[Hit] = []
    open_values = 0
    for hit, value in _said(params, conversation, turns, context, today):
        fitting = value is not None and fits(params, value, lambda v: _limit(params.kind, v, today), _form)
        if value is None and not params.compares:
            fitting = True
        if fitting:
            hits.append(hit)
        elif value is None or fitting is None:
            open_values += 1
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    what = f"@criteria.entity.{params.kind}" if params.kind else params.list_ or ""
    if len(hits) < params.times:
        if open_values:
            return unavailable("criteria.entity.open", {"what": what})
        plain = not_found(Reason("criteria.entity.missed", args | {"what": what}))
        return missed(conversation, turns, params.by, context, plain)
    first = hits[0].evidence[0]
    return found(tuple(hits), Reason("criteria.entity.found", args | {"turn": first.turn + 1, "quote": first.quote}))


def _said(
    params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context, today: date | None
) -> list[tuple[Hit, Scalar | None]]:
    """Everything of the kind that is said, with its value."""
    if params.list_ is not None:
        patterns = dict(context.rules.lists)[params.list_]
        said = occurrences(patterns, conversation, turns, context)
        return [(hit, hit.evidence[0].quote) for _, hit in said]
    return [
        (Hit((evidence(turn, one.span),), trust(turn, WRITTEN)), one.value)
        for turn in (conversation.turns[index] for index in turns)
        for one in entities(params.kind or "", turn.text, today=today)
    ]


def _form(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else matching_form(str(value)).text


def _limit(kind: str | None, value: Scalar, today: date | None) -> float | None:
    """The place of a value or of a limit on the line of its kind; `None` where it has none."""
    if isinstance(value, bool) or kind not in NUMERIC:
        return None
    if isinstance(value, int | float):
        return float(value)
    text = value.strip()
    if kind == "duration" and (span := re.fullmatch(r"([\d.]+)\s*个?\s*([a-z]+|[\u4e00-\u9fa5]+)", text)):
        unit = UNITS.get(span[2])
        return None if unit is None else float(span[1]) * unit
    if kind == "time" and (clock := re.fullmatch(r"(\d{1,2}):(\d{2})", text)):
        return float(clock[1]) * 60 + float(clock[2])
    if kind == "date":
        return _day(text, today)
    return float(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?", text) else None


def _day(text: str, today: date | None) -> float | None:
    away = re.fullmatch(r"([-+]\d+)\s*([a-z]+|[\u4e00-\u9fa5]+)", text)
    if away and away[2] in UNITS:
        return None if today is None else today.toordinal() + float(away[1]) * UNITS[away[2]] / DAY
    try:
        return float(date.fromisoformat(text).toordinal())
    except ValueError:
        return None
