"""class: complaint type, complaint level, problem, resolved.

```yaml
class: {complaint_type: [service, product], complaint_level: [1, 2], resolved: false}
```

All given keys must fit; one value may stand without list. Not applicable where the class is not known.

Met (`complaint_level: 1`): a conversation classed as level 1. Unmet: one classed as level 3, or as no complaint.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import Context, Names, Outcome, State, Strict, unavailable, wrong

CLASS_CONFIDENCE = 0.8
"""Confidence in a class; the reader gives none of its own."""


def _one(value: Any) -> Any:
    return (value,) if isinstance(value, int | str) else value


class Params(Strict):
    """The classes that are asked for."""

    complaint_type: (
        Annotated[tuple[Literal["service", "product", "process", "policy", "none"], ...], BeforeValidator(_one)] | None
    ) = None
    complaint_level: Annotated[tuple[Literal[1, 2, 3], ...], BeforeValidator(_one)] | None = None
    problem: Names | None = None
    resolved: bool | None = None

    @model_validator(mode="after")
    def _some(self) -> Params:
        if not self.model_fields_set:
            raise wrong("class_empty")
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the conversation is of the classes asked for."""
    classes = conversation.classes
    calm = classes.complaint_type == "none"
    wanted = (
        ("complaint_type", params.complaint_type, classes.complaint_type),
        ("complaint_level", params.complaint_level, 0 if calm else classes.complaint_level),
        ("problem", params.problem, classes.problem),
        ("resolved", None if params.resolved is None else (params.resolved,), classes.resolved),
    )
    asked = [(name, allowed, value) for name, allowed, value in wanted if allowed is not None]
    for name, allowed, value in asked:
        args = {"what": f"@criteria.class.{name}"}
        if value is None:
            return unavailable("criteria.unavailable.no_class", args, needs_reader=True)
        if value not in allowed:
            return Outcome(State.NO, CLASS_CONFIDENCE, Reason("criteria.class.differs", args))
    return Outcome(
        State.YES, CLASS_CONFIDENCE, Reason("criteria.class.fits", {"what": f"@criteria.class.{asked[0][0]}"})
    )
