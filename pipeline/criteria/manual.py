"""manual: people answer it, the machine does not. / 由人来判，机器不判。

English: `ask` says what a person has to decide, a text or `{zh: …, en: …}` (a text alone stands for the whole); `who`
says who has to (default a reviewer). The conversation waits in the review queue with the reason `manual:CRITERION`;
until `zhijian review` has an answer the verdict is unsure and counts in no total. With the answer the reviewed total
counts it; the machine's own evaluation stays as it is. A fault is answered like any other: met means that it did not
happen.

中文：`ask` 写要人来判断什么，可以是一句话，也可以是 `{zh: …, en: …}`（只有这一项时可以直接写成一句话）；`who`
写由谁来判（默认质检员）。这通会话会进入复核队列，原因显示为 `manual:评分项`；在 `zhijian review` 给出答案之前判为
不确定，不计入任何总分。有了答案，复核后的总分就会算上它，机器自己的评分保持原样。不应出现的行为也一样回答：met 表
示没有发生。

```yaml
manual: {ask: 坐席说话的语气是否真诚？, who: 班组长}
```

```met
@decided yes
坐席: 给您添麻烦了，我这就去催。
```

```unmet
@decided no
坐席: 给您添麻烦了，行了吧。
```
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import Context, Outcome, State, Strict

WAITS = "criteria.manual.waits"
"""The reason of what waits for a person."""
DECIDED = "decided"
"""Key of an answer that a little dialogue gives in the place of a person."""


class Words(Strict):
    """A text in both languages; a plain text stands for both."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _same(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value


class Params(Strict):
    """What a person decides, and who."""

    ask: Words
    who: Words = Words(zh="质检员", en="a reviewer")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"ask": value} if isinstance(value, str) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Unsure: it waits for a person."""
    args: dict[str, str | int | float] = {
        "ask_zh": params.ask.zh,
        "ask_en": params.ask.en,
        "who_zh": params.who.zh,
        "who_en": params.who.en,
    }
    given = conversation.answers.get(DECIDED)
    if given is not None:
        state = State.YES if given.value == "yes" else State.NO
        return Outcome(state, 1.0, Reason("criteria.manual.decided", args))
    return Outcome(State.UNSURE, 0.0, Reason(WAITS, args))
