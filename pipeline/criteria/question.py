"""question: a language model answers a question about the conversation. / 由语言模型回答一个关于会话的问题。

English: `ask` is a question that yes or no answers (a text alone stands for it); with `scale: 1..5` the answer is a
step, held against `above` and `below`. `by` (default `anyone`) says whose words must prove the answer, `window` which
part of the conversation is shown (by default all). It is off until `question.endpoint` and `question.model` are set;
only text without personal data leaves, and an answer is kept, so that the same question about the same words is asked
once. The answer must quote the conversation word for word (only a "no" may go without): with a quote that does not
stand there, with no answer in time, beyond the cost limit of a run, or where the model cannot tell, it is unsure and
says why. Not applicable while questions are off. Holds where the answer is yes, or the step lies within the limits.

中文：`ask` 是一个能用“是”或“否”回答的问题（也可以直接写成一句话）；写了 `scale: 1..5` 就按级打分，再用
`above`、`below`比较。`by`（默认双方）指回答要以谁的原话为据，`window` 指给模型看哪一部分（默认全部）。默认关闭，
设置了 `question.endpoint`和 `question.model` 才会提问；发出去的只有隐去个人信息的文字，答案会存下来，同样的问题、
同样的话只问一次。回答必须逐字引用原话（只有“否”可以不引）：引文在原话里找不到、超时没有答复、超出一次运行的费用
上限，或者模型自己说看不出来，都判为不确定并说明原因。没有启用时不适用。答案为“是”，或得分在界限之内，算成立。

```yaml
question: {ask: 坐席有没有向客户说明问题出在哪里？, by: agent}
```

```met
@answer yes 是配送站漏扫了一次
客户: 为什么我的快递三天没动？
坐席: 刚查到，是配送站漏扫了一次，货没有丢。
```

```unmet
@answer no
客户: 为什么我的快递三天没动？
坐席: 您再等等吧。
```
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.conversation import Answer, Conversation, Evidence, Reason
from pipeline.criteria.base import (
    NOT_FOUND,
    Context,
    Hit,
    Outcome,
    Reach,
    Role,
    State,
    Strict,
    evidence,
    role_word,
    trust,
    unavailable,
    wrong,
)
from pipeline.criteria.window import DIRECTIONS, Range, Window, select
from pipeline.redact import hide
from pipeline.text import matching_form

ANSWERED = 0.75
"""Confidence in an answer whose quote stands in the conversation; the model is not asked how certain it is."""
LEAST_QUOTE = 2
"""Characters that a quote must have, punctuation and fillers apart; a whole turn may be shorter."""
UNCLEAR = "unclear"
ANY_QUESTION = "*"
"""Key of an answer that stands for every question, as little dialogues give one."""
_WIDEST = 11
"""Steps of the widest scale (0 to 10)."""


def _steps(value: tuple[float | None, float | None]) -> tuple[int, int]:
    low, high = value
    whole = low is not None and high is not None and low == int(low) and high == int(high)
    if not whole or not 1 <= int(high or 0) - int(low or 0) < _WIDEST:
        raise wrong("question_scale")
    return int(low or 0), int(high or 0)


def _stands_alone(window: Window) -> bool:
    """Whether the window is the same wherever the question stands, so that it can be asked beforehand."""
    return not window.every and not any(isinstance(getattr(window, name), Reach) for name in DIRECTIONS)


class Params(Strict):
    """What is asked, about which part, and which answers hold."""

    ask: Annotated[str, Field(min_length=4, max_length=500)]
    scale: Range | None = None
    above: float | None = None
    below: float | None = None
    by: Role = "anyone"
    window: Window | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"ask": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fitting(self) -> Params:
        if self.scale is not None:
            _steps(self.scale)
        if (self.scale is None) != (self.above is None and self.below is None):
            raise wrong("question_limits")
        if self.window is not None and not _stands_alone(self.window):
            raise wrong("question_window")
        return self

    @property
    def choices(self) -> tuple[str, ...]:
        """The answers that may be given."""
        if self.scale is None:
            return ("yes", "no", UNCLEAR)
        low, high = _steps(self.scale)
        return (*map(str, range(low, high + 1)), UNCLEAR)

    @property
    def digest(self) -> str:
        """Identity of the question; limits do not count, because they change no answer."""
        asked = self.model_dump(mode="json", exclude={"above", "below"}, exclude_none=True)
        text = json.dumps(asked, ensure_ascii=False, sort_keys=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def shown(params: Params, conversation: Conversation, context: Context) -> tuple[int, ...]:
    """Indices of the turns that the model is shown: all, or from the first to the last that count."""
    everybody = select(conversation, "anyone", None, context.whole())
    if params.window is None:
        return everybody
    turns = select(conversation, params.by, params.window, context.whole())
    return tuple(i for i in everybody if turns and turns[0] <= i <= turns[-1])


def names_in(conversation: Conversation) -> tuple[str, ...]:
    """Names that came with the interaction, to be hidden wherever they are said."""
    agent = conversation.interaction.agent
    return (agent.name,) if agent is not None and agent.name else ()


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """What the answer that was gathered before says; nobody is asked here."""
    answer = conversation.answers.get(params.digest) or conversation.answers.get(ANY_QUESTION)
    if answer is None:
        return unavailable("criteria.question.off")
    if answer.problem is not None:
        return Outcome(State.UNSURE, 0.0, answer.problem)
    args: dict[str, str | int | float] = {"ask": params.ask, "said": answer.said or "—"}
    if answer.value not in params.choices or answer.value == UNCLEAR:
        return Outcome(State.UNSURE, 0.0, Reason("criteria.question.unclear", args))
    place = _place(answer, params, conversation, context)
    if place is None and (answer.quote or answer.value != "no"):
        key = "criteria.question.wrong_quote" if answer.quote else "criteria.question.no_quote"
        told = args | {"role": role_word(params.by), "quote": answer.quote}
        return Outcome(State.UNSURE, 0.0, Reason(key, told))
    held = answer.value == "yes" if params.scale is None else _within(params, float(answer.value))
    value = f"@criteria.question.{answer.value}" if params.scale is None else answer.value
    if place is None:
        confidence = round(ANSWERED * NOT_FOUND, 4)
        return Outcome(State.NO, confidence, Reason("criteria.question.unquoted", args | {"answer": value}))
    told = args | {"answer": value, "turn": place.turn + 1, "quote": place.quote}
    hit = Hit((place,), trust(conversation.turns[place.turn], ANSWERED))
    if held and place.turn not in select(conversation, params.by, params.window, context):
        return Outcome(State.NO, hit.confidence, Reason("criteria.question.elsewhere", told))
    state = State.YES if held else State.NO
    return Outcome(state, hit.confidence, Reason("criteria.question.answered", told), (hit,))


def _within(params: Params, step: float) -> bool:
    return (params.above is None or step > params.above) and (params.below is None or step < params.below)


def _place(answer: Answer, params: Params, conversation: Conversation, context: Context) -> Evidence | None:
    """Where the quote stands in the words of the role; `None` where it does not, or is too short to prove anything."""
    quote = matching_form(answer.quote).text
    if not quote:
        return None
    names = names_in(conversation)
    for index in select(conversation, params.by, params.window, context.whole()):
        turn = conversation.turns[index]
        told = hide(turn.text, names=names)
        form = matching_form(told.text)
        if len(quote) < LEAST_QUOTE and quote != form.text:
            continue
        start = form.text.find(quote)
        if start >= 0:
            return evidence(turn, told.span(*form.span(start, start + len(quote))))
    return None
