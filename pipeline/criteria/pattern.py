r"""pattern: something is said that fits a regular expression. / 说了符合正则表达式的话。

English: `any` lists regular expressions in the dialect of Python, one of which must fit; a text or a list alone
stands for it. `except` lists expressions that excuse a hit they overlap. `over` is what they are held against: `text`
(default: the turn as people read it, with punctuation) or `plain` (without punctuation, blanks and fillers, digits as
digits, small letters). `by` (default `agent`), `window`, `times` (default 1) say whose turns, which of them, how many
hits. Letters match in both cases, and traditional characters stand for simplified ones. An expression that is no
regular expression, fits the empty text, or may take exponential time is refused when the card is read. Unsure where
the turns were badly heard or their speaker is unknown; not applicable where the role says nothing. Where fixed
wording is enough, `phrase` reads better and also hears homophones.

中文：`any` 是一组正则表达式（Python 写法），符合其中一条即可；只写一条文字或一个列表就等于 `any`。`except` 里的表达式
如果与命中的地方重叠，该处不算。`over` 指定拿什么去比对：`text`（默认，即人看到的原文，含标点）或 `plain`（去掉标点、
空格和语气词，数字统一为阿拉伯数字，字母小写）。`by`（默认 `agent`）、`window`、`times`（默认 1）指定看谁的话、看哪几
句、至少出现几次。字母不分大小写，繁体字按简体字算。写错的、能匹配空文字的、或者可能陷入指数级回溯的表达式，在读评分卡
时就会被拒绝。录音听不清或分不清是谁说的，判为“拿不准”；该角色没有发言，则不适用。固定的话术用 `phrase` 更好读，还能
按读音匹配。

```yaml
pattern: {any: ['工号\s*\d{4}'], except: ['工号\s*0000'], over: plain, window: {turns: 1..2}}
```

```met
坐席: 您好，工号一零二四为您服务。
```

```unmet
坐席: 您好，很高兴为您服务。
```
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation
from pipeline.criteria.base import WRITTEN, Context, Hit, Outcome, Role, Strict, flat, wrong
from pipeline.criteria.lookup import hit, looked_up
from pipeline.criteria.regexes import RegexError, compiled
from pipeline.criteria.window import Window
from pipeline.text import matching_form, simplified


def _regex(source: str) -> str:
    written = simplified(source)
    try:
        compiled(written)
    except RegexError as error:
        raise wrong(error.key, **error.args_of) from None
    return written


Regexes: TypeAlias = Annotated[tuple[Annotated[str, AfterValidator(_regex)], ...], BeforeValidator(flat)]


class Params(Strict):
    """Which expressions, what they are held against, whose turns, how often."""

    any: Annotated[Regexes, Field(min_length=1)]
    except_: Regexes = Field(default=(), alias="except")
    over: Literal["text", "plain"] = "text"
    by: Role = "agent"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether something fits the expressions, and nothing that overlaps it fits an excluding one."""

    def find(turns: tuple[int, ...]) -> tuple[Hit, ...]:
        return tuple(
            hit(conversation, turn, span, WRITTEN)
            for turn in turns
            for span in spans(params, conversation.turns[turn].text)
        )

    return looked_up(
        find,
        conversation,
        context,
        by=params.by,
        window=params.window,
        times=params.times,
        area="criteria.pattern",
        args={"regex": params.any[0]},
    )


def spans(params: Params, text: str) -> list[tuple[int, int]]:
    """The characters of `text` that fit, in order; of those that overlap only the first and longest."""
    form = matching_form(text) if params.over == "plain" else None
    searched = text if form is None else form.text
    excused = [place for source in params.except_ for place in _places(source, searched)]
    found = sorted({place for source in params.any for place in _places(source, searched)}, key=lambda p: (p[0], -p[1]))
    kept: list[tuple[int, int]] = []
    for start, end in found:
        pardoned = any(start < stop and begin < end for begin, stop in excused)
        if not pardoned and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept if form is None else [form.span(*place) for place in kept]


def _places(source: str, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in compiled(source).finditer(text) if match.end() > match.start()]
