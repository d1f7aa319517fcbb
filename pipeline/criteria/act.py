"""act: a turn carries an act that the reader found.

```yaml
act: {any: [empathy, apology], by: agent, at_least: 0.5, window: {turns: 2..}}
```

`any` (names of acts; a name or a list alone stands for it), `by`, `window`, `at_least` (probability), `times`.
Not applicable where nobody read the conversation.

Met: `坐席: 我理解您的心情` with the act empathy read at 0.8. Unmet: the same words with no act read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
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
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select

DISPUTED = 0.6
"""What a finding is worth on which wording and learnt reading say the opposite."""


class Params(Strict):
    """Which acts, by whom, where, how probable at least, how often at least."""

    any: Annotated[Names, Field(min_length=1)]
    by: Role = "agent"
    window: Window | None = None
    at_least: Share = 0.5
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the acts were read in the turns that count."""
    if not conversation.readings:
        return unavailable("criteria.unavailable.unread", needs_reader=True)
    turns = select(conversation, params.by, params.window, context)
    hits: list[Hit] = []
    agreed: list[bool] = []
    for index in turns:
        turn, reading = conversation.turns[index], conversation.readings[index]
        name, probability = max(
            ((name, reading.acts.get(name, 0.0)) for name in params.any), key=lambda pair: (pair[1], pair[0])
        )
        if probability >= params.at_least and probability > 0:
            hits.append(Hit((evidence(turn, cue_span(reading, name)),), trust(turn, probability)))
            agreed.append(name not in reading.disputed)
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    if len(hits) < params.times:
        return missed(conversation, turns, params.by, context, Reason("criteria.act.missed", args))
    first = hits[0].evidence[0]
    key = "criteria.act.found" if any(agreed) else "criteria.act.found_disputed"
    if not any(agreed):
        hits = [replace(hit, confidence=round(hit.confidence * DISPUTED, 4)) for hit in hits]
    return found(tuple(hits), Reason(key, args | {"turn": first.turn + 1, "quote": first.quote}))
