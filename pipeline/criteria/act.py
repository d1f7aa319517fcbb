"""act: a turn does something that the reader recognises. / 某一句话被识别出某种行为（如共情、推诿、投诉）。

English: `any` lists acts (a name or a list alone stands for it); one of them must be read in a turn of `by` (default
`agent`) inside `window` with a probability of `at_least` (0.5), in `times` turns (1). `cue` lists kinds of wording
instead of acts (such as `please`): the words that made the reader think of them are cited. `agreed: true` leaves out
acts of which wording and meaning say the opposite; without it, a finding that rests on such acts alone is told as
doubtful. `except` lists acts that outrank: a turn that rather reads as one of them does not count. Not applicable
where nobody read the conversation; unsure where the turns were heard too badly.

中文：`any` 里写行为名（也可以直接写一个或一列）。`by`（默认坐席）在 `window` 范围内要有 `times` 句（默认 1 句）被
识别出其中一种，概率不低于 `at_least`（默认 0.5）。`cue` 写的是用语种类（如 `please`），看的是让模型这样判断的字词，
并引出原文。`agreed: true` 表示词语和语义判断相反的不算；不写的话，只靠这种有争议的判断得出的结论会注明存疑。`except`
写的是更优先的行为：一句话更像其中一种时不算。会话没有经过判读时不适用；录音听不清时不确定。

```yaml
act: {any: [empathy, apology_for], by: agent, at_least: 0.6}
```

```met
客户: 修了三次都没修好，气死我了！
坐席: 非常理解您的心情，换成是我也会着急，给您添麻烦了。
```

```unmet
客户: 修了三次都没修好，气死我了！
坐席: 订单号报一下。
```
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Names,
    Outcome,
    Role,
    Share,
    Strict,
    cue_span,
    evidence,
    found,
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
    wrong,
)
from pipeline.criteria.index import Index
from pipeline.criteria.window import Window, select

DISPUTED = 0.6
"""What a finding is worth on which wording and learnt reading say the opposite."""


class Params(Strict):
    """Which acts or cues, by whom, where, how probable at least, how often at least."""

    any: Names = ()
    cue: Names = ()
    by: Role = "agent"
    window: Window | None = None
    at_least: Share = 0.5
    times: Annotated[int, Field(ge=1)] = 1
    agreed: bool = False
    except_: Annotated[Names, Field(alias="except")] = ()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _something(self) -> Params:
        if not (self.any or self.cue):
            raise wrong("act_empty")
        return self

    @cached_property
    def nothing(self) -> Outcome:
        """What is said where none of it was read."""
        return not_found(Reason("criteria.act.missed", {"role": role_word(self.by), "count": 0}))


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the acts were read in the turns that count."""
    if not conversation.readings:
        return unavailable("criteria.unavailable.unread", needs_reader=True)
    index = context.index
    likely = _likely(params, index)
    if not likely and index.legible(params.by):
        return params.nothing
    turns = select(conversation, params.by, params.window, context)
    read = [one for turn in turns if turn in likely for one in _in(params, conversation, turn)] if likely else []
    if not read:
        return missed(conversation, turns, params.by, context, params.nothing)
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(read)}
    if params.times > 1 and len({hit.turn for hit, _ in read}) < params.times:
        plain = not_found(Reason("criteria.act.missed", args))
        return missed(conversation, turns, params.by, context, plain)
    hits = [hit for hit, _ in read]
    first = hits[0].evidence[0]
    args |= {"turn": first.turn + 1, "quote": first.quote}
    if any(agreed for _, agreed in read):
        return found(tuple(hits), Reason("criteria.act.found", args))
    disputed = tuple([Hit(hit.evidence, round(hit.confidence * DISPUTED, 4)) for hit in hits])
    return found(disputed, Reason("criteria.act.found_disputed", args))


def _likely(params: Params, index: Index) -> set[int]:
    """The turns that may have what is asked for."""
    least, acts = params.at_least, index.acts
    likely = {turn for name in params.any if name in acts for turn, probability in acts[name] if probability >= least}
    for kind in params.cue:
        likely.update(index.cues.get(kind, ()))
    return likely


def _in(params: Params, conversation: Conversation, index: int) -> Iterable[tuple[Hit, bool]]:
    """What one turn has of what is asked for: its most probable act, else its cues; and whether it is undisputed."""
    turn, reading = conversation.turns[index], conversation.readings[index]
    acts = reading.acts
    names = [name for name in params.any if name not in reading.disputed] if params.agreed else params.any
    probability, name = max([(acts.get(name, 0.0), name) for name in names], default=(0.0, ""))
    rival = max([acts.get(other, 0.0) for other in params.except_], default=0.0)
    if probability >= params.at_least and probability > rival:
        where = evidence(turn, cue_span(reading, name))
        return ((Hit((where,), trust(turn, probability)), name not in reading.disputed),)
    if not params.cue:
        return ()
    return [(Hit((evidence(turn, c.span),), trust(turn, WRITTEN)), True) for c in reading.cues if c.kind in params.cue]
