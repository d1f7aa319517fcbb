"""Expressions: one operator, or several joined by `any_of`, `all_of`, `not`, or a named condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, get_args

from pydantic import Field, create_model, model_validator

from pipeline.conversation import Conversation
from pipeline.criteria.base import Context, Outcome, Strict, wrong
from pipeline.criteria.joined import Plan, plan_of

Evaluate: TypeAlias = Callable[[Any, Conversation, Context], Outcome]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operator: the pydantic model of its parameters, how it is evaluated, its manual page."""

    params: type[Strict]
    evaluate: Evaluate
    manual: str


class ExpressionBase(Strict):
    """Exactly one operator. The fields, `NAME_` with alias `NAME`, come from the registry (`expression_type`)."""

    kinds: ClassVar[Mapping[str, Kind]] = {}

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

    @cached_property
    def operator(self) -> str:
        """Name of the operator."""
        return next(name for name in operator_names(type(self)) if getattr(self, f"{name}_") is not None)

    @cached_property
    def params(self) -> Any:
        """Parameters of the operator: a kind's model, an expression or expressions, or a condition's name."""
        return getattr(self, f"{self.operator}_")

    @cached_property
    def plan(self) -> Plan:
        """What says whether the expression holds; made once."""
        return plan_of(self)

    def children(self) -> tuple[ExpressionBase, ...]:
        """The expressions directly below this one."""
        return tuple(_expressions(self.params))


def _expressions(value: Any) -> Iterator[ExpressionBase]:
    """The expressions in a value, however deep in lists, mappings and parts, but not those below another one."""
    if isinstance(value, ExpressionBase):
        yield value
    elif isinstance(value, Strict):
        for name in type(value).model_fields:
            yield from _expressions(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _expressions(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _expressions(inner)


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
    model.kinds = kinds
    for kind in kinds.values():
        for part in _parts(kind.params):
            part.model_rebuild(_types_namespace={"Expression": model})
    model.model_rebuild(_types_namespace={"Expression": model})
    return model


def _parts(annotation: Any) -> Iterator[type[Strict]]:
    """The models that make up a type, the innermost first, so that each is whole when the next one is built."""
    if isinstance(annotation, type) and issubclass(annotation, Strict) and not issubclass(annotation, ExpressionBase):
        for info in annotation.model_fields.values():
            yield from _parts(info.annotation)
        yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)
