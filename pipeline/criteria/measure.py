"""measure: one of the conversation's measures is above or below a value.

```yaml
measure: {name: first_response, above: 30}
```

`name` as in `measures` of the results, `above`, `below`. Not applicable where the measure could not be taken.

Met (above 30): the agent first answers after 45 s. Unmet: after 12 s.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from pydantic import AfterValidator

from pipeline.conversation import Conversation, Measures, Reason
from pipeline.criteria.base import WRITTEN, Context, Limits, Outcome, State, unavailable, wrong

NAMES = tuple(field.name for field in fields(Measures))
READ = ("politeness", "empathy", "sentiment_start", "sentiment_end", "agent_sentiment")
"""Measures that a reader provides; the others come from the times."""


def _known(name: str) -> str:
    if name not in NAMES:
        raise wrong("unknown_measure", given_name=name, allowed=", ".join(NAMES))
    return name


class Params(Limits):
    """Which measure, and its limit."""

    name: Annotated[str, AfterValidator(_known)]


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the measure lies where the limits say."""
    value: float | None = getattr(conversation.measures, params.name)
    args: dict[str, str | int | float] = {"what": f"@criteria.measure.{params.name}", **params.words()}
    if value is None:
        return unavailable("criteria.unavailable.no_measure", args, needs_reader=params.name in READ)
    args["value"] = round(value, 2)
    state = State.YES if params.fits(value) else State.NO
    return Outcome(state, WRITTEN, Reason("criteria.measure.value", args))
