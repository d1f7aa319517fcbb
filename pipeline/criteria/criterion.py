"""criterion: another criterion of the card has this verdict. / 同一张评分卡里另一项的判定结果。

English: `id` names the other criterion, `is` the verdicts that fit: `met` (default), `partial`, `unmet`,
`not_applicable`, `unsure`; a name alone means that it is met. Of a fault, `met` means that it did not happen. Where the
other criterion is unsure or not applicable, and these verdicts are not asked for, neither yes nor no can be said.
Criteria may not refer to one another in a circle. Its evidence is that of the other criterion.

中文：`id` 写另一项的编号，`is` 写要求的判定：`met`（达标，默认）、`partial`、`unmet`、`not_applicable`、
`unsure`，可以写几个；只写编号就表示要求达标。对不应出现的行为，`met` 表示没有发生。另一项听不清或不适用、
而这里又没有要求这两种结果时，此项也无法判断。各项之间不能互相引用成圈。依据就是另一项的依据。

```yaml
criterion: {id: greeting, is: met}
```

```met
坐席: 您好，安心家电服务热线
客户: 我的热水器坏了
```

```unmet
坐席: 喂，什么事
客户: 我的热水器坏了
```
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Reason, Verdict
from pipeline.criteria.base import Context, Outcome, State, Strict, some, unavailable

Verdicts: TypeAlias = Annotated[tuple[Verdict, ...], BeforeValidator(some), Field(min_length=1)]


class Params(Strict):
    """Which criterion, and the verdicts that fit."""

    id: str
    is_: Verdicts = Field(default=(Verdict.MET,), alias="is")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the other criterion has one of the verdicts."""
    judgement = context.judgement(params.id, conversation)
    zh, en = context.rules.criterion_titles[params.id]
    args: dict[str, str | int | float] = {
        "title_zh": zh,
        "title_en": en,
        "verdict": f"@scorecard.verdict.{judgement.verdict}",
    }
    reason = Reason("criteria.criterion.is", args)
    if judgement.verdict in params.is_:
        return Outcome(State.YES, judgement.confidence, reason, judgement.hits)
    if judgement.verdict is Verdict.UNSURE:
        return Outcome(State.UNSURE, judgement.confidence, reason, judgement.hits)
    if judgement.verdict is Verdict.NOT_APPLICABLE:
        return unavailable(reason.key, args)
    return Outcome(State.NO, judgement.confidence, reason, judgement.hits)
