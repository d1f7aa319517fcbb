"""class: the reader counts the conversation to a class. / 判读模型把会话归为某一类（投诉类型、级别、问题、需求等）。

English: `complaint_type` (service, product, process, policy, none), `complaint_level` (1 the gravest to 3), `problem`
(billing, logistics, technical, after_sales, account, sales, claims, other), `resolved` (true or false), `need`
(functional, emotional, implicit, behavioural). One value or a list; all keys that are given must fit. Not applicable
where the class is not known; a conversation without complaint has no level, which is known.

中文：可以写 `complaint_type`（投诉类型：service 服务、product 产品、process 流程、policy 政策、none 不是投诉）、
`complaint_level`（投诉级别，1 最严重，到 3）、`problem`（问题类别：billing 账单、logistics 物流、technical 技术、
after_sales 售后、account 账户、sales 销售、claims 理赔、other 其他）、`resolved`（是否解决，true 或 false）、
`need`（客户需求：functional 功能、emotional 情感、implicit 隐性、behavioural 行为）。可以写一个值或一列值；写了几
个键就要同时符合。没有判定出类别时不适用；不是投诉的会话没有级别，这算已知。

```yaml
class: {complaint_type: [service, product], resolved: false}
```

```met
@class complaint_type=service resolved=false
客户: 你们的人说话太难听了，我要投诉。
坐席: 您的投诉我已登记，主管今天之内联系您。
```

```unmet
@class complaint_type=none resolved=true
客户: 我想问一下营业时间。
坐席: 早上九点到晚上六点。
```
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import Context, Names, Outcome, State, Strict, unavailable, wrong

CLASS_CONFIDENCE = 0.8
"""Confidence in a class; the reader gives none of its own."""


def _one(value: Any) -> Any:
    return (value,) if isinstance(value, int | str) else value


class Params(Strict):
    """The classes that are asked for."""

    complaint_type: (
        Annotated[
            tuple[Literal["service", "product", "process", "policy", "none"], ...],
            BeforeValidator(_one),
            Field(min_length=1),
        ]
        | None
    ) = None
    complaint_level: Annotated[tuple[Literal[1, 2, 3], ...], BeforeValidator(_one), Field(min_length=1)] | None = None
    problem: Annotated[Names, Field(min_length=1)] | None = None
    resolved: bool | None = None
    need: (
        Annotated[
            tuple[Literal["functional", "emotional", "implicit", "behavioural"], ...],
            BeforeValidator(_one),
            Field(min_length=1),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _some(self) -> Params:
        if not self.model_fields_set:
            raise wrong("class_empty")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the conversation is of the classes asked for."""
    classes = conversation.classes
    calm = classes.complaint_type == "none"
    wanted = (
        ("complaint_type", params.complaint_type, classes.complaint_type),
        ("complaint_level", params.complaint_level, 0 if calm else classes.complaint_level),
        ("problem", params.problem, classes.problem),
        ("resolved", None if params.resolved is None else (params.resolved,), classes.resolved),
        ("need", params.need, classes.need),
    )
    asked = [(name, allowed, value) for name, allowed, value in wanted if allowed is not None]
    known = [(name, allowed, value) for name, allowed, value in asked if value is not None]
    for name, allowed, value in known:
        if value not in allowed:
            args = {"what": f"@criteria.class.{name}"}
            return Outcome(State.NO, CLASS_CONFIDENCE, Reason("criteria.class.differs", args))
    for name, _, given in asked:
        if given is None:
            return unavailable("criteria.unavailable.no_class", {"what": f"@criteria.class.{name}"}, needs_reader=True)
    return Outcome(
        State.YES, CLASS_CONFIDENCE, Reason("criteria.class.fits", {"what": f"@criteria.class.{asked[0][0]}"})
    )
