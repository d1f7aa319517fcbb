"""attribute: a fact that came with the interaction.

```yaml
attribute: {name: queue, is: [售后, 投诉]}
```

`name`: `queue`, `segment`, `team`, `agent`, `csat`, or a key of the interaction's `attributes`. `is` and `not` (a value
or a list), `contains` (part of a text), `above`, `below` (numbers), `exists`. All given keys must fit.

Met (`is: 售后`): an interaction of the queue 售后. Unmet: one of the queue 售前.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Json, Reason
from pipeline.criteria.base import WRITTEN, Context, Outcome, State, Strict, unavailable, wrong


def _one(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


Values: TypeAlias = Annotated[tuple[str | int | float | bool, ...], BeforeValidator(_one)]


class Params(Strict):
    """Which fact, and what it must be."""

    name: str
    is_: Values | None = Field(default=None, alias="is")
    not_: Values | None = Field(default=None, alias="not")
    contains: str | None = None
    above: float | None = None
    below: float | None = None
    exists: bool | None = None

    @model_validator(mode="after")
    def _some(self) -> Params:
        if self.model_fields_set == {"name"}:
            raise wrong("attribute_empty")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the fact is as it must be."""
    value = fact(conversation, params.name)
    args: dict[str, str | int | float] = {"what": params.name}
    if params.exists is not None and (value is not None) is not params.exists:
        return Outcome(State.NO, WRITTEN, Reason("criteria.attribute.differs", args | {"value": _shown(value)}))
    if value is None:
        if params.exists is False:
            return Outcome(State.YES, WRITTEN, Reason("criteria.attribute.absent", args))
        return unavailable("criteria.unavailable.no_attribute", args)
    state = State.YES if _fits(params, value) else State.NO
    key = "criteria.attribute.fits" if state is State.YES else "criteria.attribute.differs"
    return Outcome(state, WRITTEN, Reason(key, args | {"value": _shown(value)}))


def fact(conversation: Conversation, name: str) -> Json:
    """The fact of that name; `None` where the interaction came without it."""
    interaction = conversation.interaction
    agent, customer = interaction.agent, interaction.customer
    known: dict[str, Json] = {
        "queue": interaction.queue,
        "csat": interaction.csat,
        "agent": agent.id if agent else None,
        "team": agent.team if agent else None,
        "segment": customer.segment if customer else None,
    }
    return known[name] if name in known else interaction.attributes.get(name)


def _fits(params: Params, value: Json) -> bool:
    text = _shown(value)
    if params.is_ is not None and text not in map(_shown, params.is_):
        return False
    if params.not_ is not None and text in map(_shown, params.not_):
        return False
    if params.contains is not None and params.contains not in text:
        return False
    if params.above is None and params.below is None:
        return True
    number = float(value) if isinstance(value, int | float) else _number(text)
    return (
        number is not None
        and (params.above is None or number > params.above)
        and (params.below is None or number < params.below)
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
