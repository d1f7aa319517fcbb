"""attribute: a fact that came with the interaction is as it must be. / 随会话带来的数据（如队列、客户级别）符合规定。

English: `name` is one of `queue`, `segment` and `customer` (id), `team`, `agent` (id) and `hired_on`, `csat`,
`started_at`, `hour` (0 to 23) and `weekday` (1 = Monday), or a key of the interaction's `attributes`. What it must
be: `is` and `not` (a value or a list), `contains` (part of the text), `above` and `below` (a number or a date such as
2025-03-01), `between: 3..5` (both ends included, one may be left out), `exists: true` or `false`; all that are given
must fit. Instead of a name, `holds` is a formula over facts and measures, such as `attribute: {holds:
agent_talk_ratio > 0.6}` (a formula alone stands for it), with + - * /, brackets, `min`, `max`, `abs`, and
`facts["ivr-choice"]` for a name with other signs in it. Not applicable where the interaction came without the fact,
where a measure could not be taken, and where a formula divides by nought.

中文：`name` 可以是 `queue`（队列）、`segment`（客户级别）、`customer`（客户编号）、`team`（班组）、`agent`（坐席
工号）、`hired_on`（入职日期）、`csat`（满意度）、`started_at`（开始时间）、`hour`（几点，0 到 23）、`weekday`（星
期几，1 是星期一），或者会话 `attributes` 里的任何一个键。要求写成：`is`、`not`（一个值或一列值）、`contains`（文
字里含有）、`above`、`below`（数字，或 2025-03-01 这样的日期）、`between: 3..5`（含两端，可以只写一端）、
`exists: true/false`（有没有）；写了几个就要同时符合。也可以不写 `name`，用 `holds` 写算式，例如
`attribute: {holds: agent_talk_ratio > 0.6}`（也可以只写算式）：数据和指标都能用，可以加减乘除、加括号、用 `min`、
`max`、`abs`；名字里带其他符号的写成 `facts["ivr-choice"]`。会话没有带来这项数据、指标没有测到或除数为零时不适用。

```yaml
attribute: {name: queue, is: [售后, 投诉]}
```

```met
@queue 售后
坐席: 您好，售后服务，请讲。
```

```unmet
@queue 售前
坐席: 您好，请问想了解哪款产品？
```
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, model_validator

from pipeline.conversation import Conversation, Json, Measures, Reason
from pipeline.criteria.arithmetic import FormulaError, parse
from pipeline.criteria.base import WRITTEN, Context, Outcome, State, unavailable, wrong
from pipeline.criteria.comparison import Comparison, fits, number_or_date, shown

MEASURES = frozenset(field.name for field in fields(Measures))


def _formula(text: str) -> str:
    try:
        parse(text)
    except FormulaError as error:
        raise wrong(error.key, part=error.part) from None
    return text


class Params(Comparison):
    """Which fact, and what it must be; or a formula that must hold."""

    name: str | None = None
    holds: Annotated[str, AfterValidator(_formula)] | None = None
    exists: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"holds": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _some(self) -> Params:
        if (self.name is None) == (self.holds is None):
            raise wrong("attribute_name_or_formula")
        asked = self.compares or self.exists is not None
        if self.name is not None and not asked:
            raise wrong("attribute_empty")
        if self.holds is not None and asked:
            raise wrong("attribute_formula_alone")
        for limit in self.limits:
            if number_or_date(limit) is None:
                raise wrong("attribute_limit", limit=limit)
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the fact is as it must be, or the formula holds."""
    if params.holds is not None:
        return _computed(params.holds, conversation)
    name = params.name or ""
    value = fact(conversation, name)
    args: dict[str, str | int | float] = {"what": name}
    if params.exists is not None and (value is not None) is not params.exists:
        key = "criteria.attribute.absent" if value is None else "criteria.attribute.differs"
        return Outcome(State.NO, WRITTEN, Reason(key, args | {"value": shown(value)}))
    if value is None:
        if params.exists is False:
            return Outcome(State.YES, WRITTEN, Reason("criteria.attribute.absent", args))
        return unavailable("criteria.unavailable.no_attribute", args)
    known = value if isinstance(value, str | int | float) else shown(value)
    state = State.YES if fits(params, known, number_or_date, shown) else State.NO
    key = "criteria.attribute.fits" if state is State.YES else "criteria.attribute.differs"
    return Outcome(state, WRITTEN, Reason(key, args | {"value": shown(value)}))


def fact(conversation: Conversation, name: str) -> Json:
    """The fact of that name; `None` where the interaction came without it."""
    interaction = conversation.interaction
    agent, customer, start = interaction.agent, interaction.customer, interaction.started_at
    known: dict[str, Json] = {
        "queue": interaction.queue,
        "csat": interaction.csat,
        "agent": agent.id if agent else None,
        "team": agent.team if agent else None,
        "hired_on": agent.hired_on if agent else None,
        "segment": customer.segment if customer else None,
        "customer": customer.id if customer else None,
        "started_at": start.isoformat() if start else None,
        "hour": start.hour if start else None,
        "weekday": start.isoweekday() if start else None,
    }
    found = known.get(name)
    return interaction.attributes.get(name) if found is None else found


def _computed(formula: str, conversation: Conversation) -> Outcome:
    parsed = parse(formula)
    values = {name: _number(conversation, name) for name in parsed.names}
    args: dict[str, str | int | float] = {"formula": formula}
    missing = next((name for name, value in values.items() if value is None), None)
    if missing is not None:
        key = "criteria.unavailable.no_measure" if missing in MEASURES else "criteria.unavailable.no_attribute"
        what = f"@criteria.measure.{missing}" if missing in MEASURES else missing
        read = missing in ("politeness", "empathy", "sentiment_start", "sentiment_end", "agent_sentiment")
        return unavailable(key, {"what": what}, needs_reader=read)
    held = parsed.holds(values.get)
    if held is None:
        return unavailable("criteria.unavailable.no_result", args)
    told = "; ".join(f"{name} = {round(value, 4):g}" for name, value in values.items() if value is not None)
    key = "criteria.attribute.holds" if held else "criteria.attribute.fails"
    return Outcome(State.YES if held else State.NO, WRITTEN, Reason(key, args | {"values": told}))


def _number(conversation: Conversation, name: str) -> float | None:
    """A fact or a measure as a number; a fact that is no number counts as unknown."""
    value = fact(conversation, name)
    if value is None:
        value = getattr(conversation.measures, name) if name in MEASURES else None
    if isinstance(value, bool):
        return float(value)
    return number_or_date(value) if isinstance(value, str | int | float) else None
