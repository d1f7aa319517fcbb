"""sequence: after, before or around X comes Y. / X 之后、之前或前后出现 Y。

English: exactly one of `after`, `before`, `around` names X, an operator or a condition; `expect` is Y. `within` says
how far away Y may be: turns of the role that Y asks for (`2 turns`), or seconds (`30 s`); without it anywhere on that
side. In X's own turn Y counts only on the right side of X. `which` occurrences of X must be answered: `any`
(default), `first`, `last`, `every`, or the n-th by its number (2, or -2 from the end). That Y must not come is `not`
around it, or a fault. Not applicable where X does not come up, or not so often; unsure where X or Y could not be
heard.

中文：`after`、`before`、`around` 三选一，写 X（判定方式或情况的名字），`expect` 写 Y。`within` 是 Y 离 X 最多多远：多少
句（按 Y 要求的角色数，如 `2 turns`）或多少秒（`30 s`），不写则不限。与 X 同在一句时，Y 要在 X 的相应一侧才
算。`which` 说明哪些 X 必须有回应：`any`（默认，有一处即可）、`first`（第一处）、`last`（最后一处）、`every`（每一处），
或第几处的数字（2；-2 是倒数第二处）。要求“不得出现 Y”时在外面加 `not`，或写成扣分项。X 没有出现、或没有出现那么多次时不
适用；X 或 Y 听不清时判为“拿不准”。

```yaml
sequence: {after: {phrase: {any: [太差了], by: customer}}, expect: {phrase: [理解您的心情, 抱歉]}, within: 2 turns}
```

```met
客户: 修了三次都没修好，太差了！
坐席: 非常抱歉，我理解您的心情。
```

```unmet
客户: 修了三次都没修好，太差了！
坐席: 单号报一下。
```
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, model_validator

from pipeline.conversation import Conversation, Evidence, Reason
from pipeline.criteria.base import Context, Hit, Limit, Outcome, State, Strict, called, unavailable, wrong
from pipeline.criteria.window import Distance

if TYPE_CHECKING:
    from pipeline.criteria.expression import Expression, ExpressionBase

WHICH = ("any", "first", "last", "every")


def _which(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value != 0
    if not number and value not in WHICH:
        raise wrong("sequence_which", allowed=", ".join(WHICH))
    return value


Which: TypeAlias = Annotated[int | str, BeforeValidator(_which)]
Side: TypeAlias = Literal["after", "before"]


class Params(Strict):
    """What comes first, what is expected, and how far away it may be."""

    after: Expression | None = None
    before: Expression | None = None
    around: Expression | None = None
    expect: Expression
    within: Distance | None = None
    which: Which = "any"

    @model_validator(mode="after")
    def _one_anchor(self) -> Params:
        if sum(anchor is not None for anchor in (self.after, self.before, self.around)) != 1:
            raise wrong("sequence_anchor")
        return self

    @cached_property
    def anchor(self) -> ExpressionBase:
        """The expression X."""
        return next(anchor for anchor in (self.after, self.before, self.around) if anchor is not None)

    @cached_property
    def direction(self) -> Literal["after", "before", "around"]:
        """Where Y has to be."""
        return "after" if self.after is not None else "before" if self.before is not None else "around"


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether Y follows, precedes or surrounds X closely enough."""
    occasion = params.anchor.plan(conversation, context)
    name = called(params.anchor, context)
    if occasion.state is State.NO or (occasion.state is State.YES and not occasion.hits):
        return unavailable("criteria.sequence.no_condition" if name else "criteria.sequence.no_occasion", name)
    if occasion.state is not State.YES:
        return occasion
    anchors = _asked_for(params.which, occasion.hits)
    if not anchors:
        return unavailable("criteria.sequence.too_few", {"count": len(occasion.hits), "which": params.which})
    answers = [_answer(params, anchor, conversation, context) for anchor in anchors]
    good = [answer for answer in answers if answer.state is State.YES]
    bad = [answer for answer in answers if answer.state is not State.YES]
    if good and (params.which != "every" or not bad):
        best = max(good, key=lambda answer: answer.confidence)
        hits = tuple(hit for answer in good for hit in answer.hits)
        return Outcome(State.YES, best.confidence, best.reason, hits)
    doubtful = next((answer for answer in bad if answer.state is State.UNSURE), None)
    unmeasured = next((answer for answer in bad if answer.state is State.UNAVAILABLE), None)
    return doubtful or next((answer for answer in bad if answer.state is State.NO), None) or unmeasured or bad[0]


def in_order(anchor: Evidence, answer: Evidence, direction: Side) -> bool:
    """Whether `answer` stands on the right side of `anchor`, where both are in one turn."""
    if answer.turn != anchor.turn:
        return True
    return answer.span[0] >= anchor.span[1] if direction == "after" else answer.span[1] <= anchor.span[0]


def _asked_for(which: int | str, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """The occurrences that must be answered; none where there are not so many."""
    if which in ("any", "every"):
        return hits
    number = {"first": 1, "last": -1}.get(str(which), which)
    places = sorted(hits, key=lambda hit: (hit.turn, hit.evidence[0].span)) if which != "first" else list(hits)
    index = int(number) - 1 if int(number) > 0 else len(places) + int(number)
    return (places[index],) if 0 <= index < len(places) else ()


def _answer(params: Params, anchor: Hit, conversation: Conversation, context: Context) -> Outcome:
    """What is found beside one occurrence of X; around it, what is found on either side."""
    if params.direction != "around":
        return _beside(params, params.direction, anchor, conversation, context)
    sides: tuple[Side, ...] = ("after", "before")
    found = [_beside(params, side, anchor, conversation, context) for side in sides]
    order = (State.YES, State.UNSURE, State.NO, State.UNAVAILABLE)
    return min(found, key=lambda outcome: order.index(outcome.state))


def _beside(params: Params, side: Side, anchor: Hit, conversation: Conversation, context: Context) -> Outcome:
    place = anchor.evidence[0]
    outcome = params.expect.plan(conversation, context.near(place, Limit(side, params.within)))
    args: dict[str, str | int | float] = {"turn": place.turn + 1, "quote": place.quote, "direction": side}
    if outcome.state is State.YES:
        fitting = tuple(hit for hit in outcome.hits if in_order(place, hit.evidence[0], side))
        if fitting or not outcome.hits:
            answer = fitting[0].evidence[0] if fitting else place
            args |= {"answer_turn": answer.turn + 1, "answer": answer.quote}
            hits = tuple(Hit((*hit.evidence, place), hit.confidence) for hit in fitting)
            confidence = min(anchor.confidence, max((hit.confidence for hit in fitting), default=outcome.confidence))
            return Outcome(State.YES, confidence, Reason(f"criteria.sequence.{side}_found", args), hits)
        outcome = Outcome(State.NO, outcome.confidence, outcome.reason)
    if outcome.state is State.NO:
        confidence = min(anchor.confidence, outcome.confidence)
        return Outcome(State.NO, confidence, Reason(f"criteria.sequence.{params.direction}_missed", args), (anchor,))
    return outcome
