"""Expressions: one operator, or several joined by `any_of`, `all_of`, `not`, or a named condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field, create_model, model_validator

from pipeline.conversation import Conversation
from pipeline.criteria.base import Context, Outcome, Strict, wrong

Evaluate: TypeAlias = Callable[[Any, Conversation, Context], Outcome]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operator: the pydantic model of its parameters, how it is evaluated, its manual page."""

    params: type[Strict]
    evaluate: Evaluate
    manual: str


class ExpressionBase(Strict):
    """Exactly one operator. The fields, `NAME_` with alias `NAME`, come from the registry (`expression_type`)."""

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"condition": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> ExpressionBase:
        given = tuple(name for name in operator_names(type(self)) if getattr(self, f"{name}_") is not None)
        if not given:
            allowed = ", ".join(operator_names(type(self)))
            raise wrong("no_operator", allowed=allowed)
        if len(given) > 1:
            raise wrong("two_operators", given=" + ".join(given))
        return self

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return next(name for name in operator_names(type(self)) if getattr(self, f"{name}_") is not None)

    @property
    def params(self) -> Any:
        """Parameters of the operator: a kind's model, an expression or expressions, or a condition's name."""
        return getattr(self, f"{self.operator}_")

    def children(self) -> tuple[ExpressionBase, ...]:
        """The expressions directly below this one."""
        params = self.params
        if isinstance(params, ExpressionBase):
            return (params,)
        if isinstance(params, tuple):
            return tuple(child for child in params if isinstance(child, ExpressionBase))
        if isinstance(params, Strict):
            values = (getattr(params, name) for name in type(params).model_fields)
            return tuple(value for value in values if isinstance(value, ExpressionBase))
        return ()


if TYPE_CHECKING:
    Expression: TypeAlias = ExpressionBase


def operator_names(model: type[ExpressionBase]) -> tuple[str, ...]:
    """Names of all operators that may stand in an expression of this model."""
    return tuple(info.alias for info in model.model_fields.values() if info.alias)


def expression_type(kinds: Mapping[str, Kind]) -> type[ExpressionBase]:
    """The model of an expression that knows the operators of `kinds`, and completes the kinds that nest expressions."""
    fields: dict[str, Any] = {
        "any_of_": (Annotated[tuple["Expression", ...], Field(min_length=1)] | None, Field(None, alias="any_of")),
        "all_of_": (Annotated[tuple["Expression", ...], Field(min_length=1)] | None, Field(None, alias="all_of")),
        "not_": ("Expression | None", Field(None, alias="not")),
        "condition_": (str | None, Field(None, alias="condition")),
    }
    fields |= {f"{name}_": (kind.params | None, Field(None, alias=name)) for name, kind in kinds.items()}
    model: type[ExpressionBase] = create_model("Expression", __base__=ExpressionBase, **fields)
    for kind in kinds.values():
        kind.params.model_rebuild(_types_namespace={"Expression": model})
    model.model_rebuild(_types_namespace={"Expression": model})
    return model
