"""tone: politeness, empathy or sentiment above or below a value.

```yaml
tone: {of: sentiment, by: customer, at: end, below: -0.3}
```

`of` (politeness, empathy 0…1; sentiment −1…1), `by`, `above`, `below`, `at` (`average`, `any` turn, `start` or `end`
third), `times` (with `any`), `window` (with `any` and `average`). Not applicable where nobody read the conversation.

Met (below −0.3 at the end): the customer's last turns read as −0.7. Unmet: they read as 0.2.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    Context,
    Hit,
    Limits,
    Outcome,
    Role,
    State,
    cue_span,
    evidence,
    found,
    missed,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select


class Params(Limits):
    """Which tone, whose, where, and the limit."""

    of: Literal["politeness", "empathy", "sentiment"]
    by: Role = "agent"
    at: Literal["average", "any", "start", "end"] = "average"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the tone lies where the limits say."""
    if not conversation.readings and _measured(params, conversation) is None:
        return unavailable("criteria.unavailable.unread", needs_reader=True)
    turns = select(conversation, params.by, _window(params), context)
    values = _values(params, conversation, turns)
    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "what": f"@criteria.tone.{params.of}",
        **params.words(),
    }
    hits = tuple(
        Hit(
            (evidence(conversation.turns[i], cue_span(conversation.readings[i], params.of)),),
            trust(conversation.turns[i], conversation.readings[i].confidence),
        )
        for i, value in values
        if params.fits(value)
    )
    if params.at == "any":
        if len(hits) >= params.times:
            first = hits[0].evidence[0]
            told = args | {"turn": first.turn + 1, "quote": first.quote, "count": len(hits)}
            return found(hits, Reason("criteria.tone.turn", told))
        return missed(conversation, turns, params.by, context, Reason("criteria.tone.no_turn", args))
    overall = _measured(params, conversation)
    if overall is None and values:
        overall = sum(value for _, value in values) / len(values)
    if overall is None:
        return unavailable("criteria.unavailable.no_tone", args)
    confidences = [conversation.readings[i].confidence for i, _ in values]
    confidence = round(sum(confidences) / len(confidences), 4) if confidences else 0.5
    reason = Reason("criteria.tone.overall", args | {"value": round(overall, 2)})
    if params.fits(overall):
        return Outcome(State.YES, confidence, reason, hits)
    return Outcome(State.NO, confidence, reason)


def _measured(params: Params, conversation: Conversation) -> float | None:
    """The conversation's own measure where it is exactly what is asked for."""
    measures = conversation.measures
    if params.window is not None or params.at == "any":
        return None
    if params.by == "customer" and params.of == "sentiment":
        return {"start": measures.sentiment_start, "end": measures.sentiment_end}.get(params.at)
    if params.by == "agent" and params.at == "average":
        return {
            "politeness": measures.politeness,
            "empathy": measures.empathy,
            "sentiment": measures.agent_sentiment,
        }[params.of]
    return None


def _window(params: Params) -> Window | None:
    if params.at == "start":
        return Window(part="first_third")
    return Window(part="last_third") if params.at == "end" else params.window


def _values(params: Params, conversation: Conversation, turns: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
    if not conversation.readings:
        return ()
    read = ((i, getattr(conversation.readings[i], params.of)) for i in turns)
    return tuple((i, value) for i, value in read if value is not None)
