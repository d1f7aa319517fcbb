"""sequence: after (or before) X comes Y.

```yaml
sequence: {after: upset, expect: {phrase: [理解您的心情, 给您添麻烦了]}, within: 2 turns}
```

`after` or `before` (an operator or a condition), `expect`, `within` (turns of the role that is expected, or seconds),
`which` occurrences of X must be answered: `any` (default), `first`, `every`. Not applicable where X never occurs.

Met: `客户: 太差了!` `坐席: 我理解您的心情。` Unmet: `客户: 太差了!` `坐席: 单号多少?`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from pipeline.conversation import Conversation, Evidence, Reason
from pipeline.criteria.base import Context, Hit, Limit, Outcome, State, Strict, called, unavailable, wrong
from pipeline.criteria.window import Distance

if TYPE_CHECKING:
    from pipeline.criteria.expression import Expression


class Params(Strict):
    """What comes first, what is expected, and how far away it may be."""

    after: Expression | None = None
    before: Expression | None = None
    expect: Expression
    within: Distance | None = None
    which: Literal["any", "first", "every"] = "any"

    @model_validator(mode="after")
    def _one_anchor(self) -> Params:
        if (self.after is None) == (self.before is None):
            raise wrong("sequence_anchor")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether Y follows (or precedes) X closely enough."""
    first = params.after if params.after is not None else params.before
    if first is None:
        raise ValueError("a sequence without anchor passed validation")
    occasion = context.evaluate(first, conversation, context)
    if occasion.state is State.NO or (occasion.state is State.YES and not occasion.hits):
        name = called(first, context)
        return unavailable("criteria.sequence.no_condition" if name else "criteria.sequence.no_occasion", name)
    if occasion.state is not State.YES:
        return occasion
    anchors = occasion.hits[:1] if params.which == "first" else occasion.hits
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


def _answer(params: Params, anchor: Hit, conversation: Conversation, context: Context) -> Outcome:
    direction: Literal["before", "after"] = "after" if params.after is not None else "before"
    place = anchor.evidence[0]
    outcome = context.evaluate(params.expect, conversation, context.near(place, Limit(direction, params.within)))
    args: dict[str, str | int | float] = {"turn": place.turn + 1, "quote": place.quote, "direction": direction}
    if outcome.state is State.YES:
        fitting = tuple(hit for hit in outcome.hits if _in_order(place, hit.evidence[0], direction))
        if fitting or not outcome.hits:
            answer = fitting[0].evidence[0] if fitting else place
            args |= {"answer_turn": answer.turn + 1, "answer": answer.quote}
            hits = tuple(Hit((*hit.evidence, place), hit.confidence) for hit in fitting)
            confidence = min(anchor.confidence, max((hit.confidence for hit in fitting), default=outcome.confidence))
            return Outcome(State.YES, confidence, Reason(f"criteria.sequence.{direction}_found", args), hits)
        outcome = Outcome(State.NO, outcome.confidence, outcome.reason)
    if outcome.state is State.NO:
        confidence = min(anchor.confidence, outcome.confidence)
        return Outcome(State.NO, confidence, Reason(f"criteria.sequence.{direction}_missed", args), (anchor,))
    return outcome


def _in_order(anchor: Evidence, answer: Evidence, direction: str) -> bool:
    """Within the anchor's own turn the answer must stand on the right side of it."""
    if answer.turn != anchor.turn:
        return True
    return answer.span[0] >= anchor.span[1] if direction == "after" else answer.span[1] <= anchor.span[0]
