"""Formulas such as `talk_s / duration > 0.5`: parsed by `ast` into a few permitted parts, never run as code."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

LONGEST = 200
"""Characters of a formula; what is longer nobody can read aloud."""

_LARGEST = 1e15

Lookup: TypeAlias = Callable[[str], float | None]

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_CALLS: dict[str, Callable[..., float]] = {"min": min, "max": max, "abs": abs}


class FormulaError(ValueError):
    """A text that is no formula; `key` names the sentence `scorecard.error.KEY`, `part` what is wrong with it."""

    def __init__(self, key: str, part: str) -> None:
        self.key = key
        self.part = part
        super().__init__(f"{key}: {part}")


@dataclass(frozen=True, slots=True)
class Formula:
    """A comparison of two or more sums, and the names that it needs, in their order."""

    tree: ast.Compare
    names: tuple[str, ...]

    def holds(self, look_up: Lookup) -> bool | None:
        """Whether the comparison is true; `None` where a name has no value or nothing finite comes out."""
        try:
            values = [_value(node, look_up) for node in (self.tree.left, *self.tree.comparators)]
        except (ArithmeticError, LookupError):
            return None
        if not all(map(math.isfinite, values)):
            return None
        pairs = zip(self.tree.ops, values, values[1:], strict=False)
        return all(_COMPARE[type(sign)](one, other) for sign, one, other in pairs)


@lru_cache(maxsize=512)
def parse(text: str) -> Formula:
    """The formula that `text` states.

    Permitted are numbers, names (`facts["ivr-choice"]` for one that is no identifier), + - * / and brackets, `min`,
    `max`, `abs`, and one comparison, which may be a chain (`0.2 < a / b < 0.5`).

    Raises:
        FormulaError: it is none.
    """
    if len(text) > LONGEST:
        raise FormulaError("formula_long", str(len(text)))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise FormulaError("formula_unreadable", text) from error
    if not isinstance(tree, ast.Compare):
        raise FormulaError("formula_no_comparison", text)
    strange = next((sign for sign in tree.ops if type(sign) not in _COMPARE), None)
    if strange is not None:
        raise FormulaError("formula_part", type(strange).__name__)
    names: dict[str, None] = {}
    for node in (tree.left, *tree.comparators):
        _check(node, names)
    return Formula(tree, tuple(names))


def _check(node: ast.expr, names: dict[str, None]) -> None:
    """Collect the names in `node` and refuse whatever is not permitted."""
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        _check(node.left, names)
        _check(node.right, names)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, names)
    elif isinstance(node, ast.Call) and _called(node) in _CALLS and node.args and not node.keywords:
        if _called(node) == "abs" and len(node.args) != 1:
            raise FormulaError("formula_part", ast.unparse(node))
        for argument in node.args:
            _check(argument, names)
    elif (name := _name(node)) is not None:
        names[name] = None
    elif not (isinstance(node, ast.Constant) and _is_number(node.value)):
        raise FormulaError("formula_part", ast.unparse(node))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    match node:
        case ast.Subscript(value=ast.Name(id="facts"), slice=ast.Constant(value=str(name))):
            return name
    return None


def _value(node: ast.expr, look_up: Lookup) -> float:
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, look_up), _value(node.right, look_up))
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, look_up)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        values = [_value(argument, look_up) for argument in node.args]
        return _CALLS[_called(node)](*values) if _called(node) == "abs" else _CALLS[_called(node)](values)
    name = _name(node)
    if name is None:
        number: Any = node.value if isinstance(node, ast.Constant) else math.nan
        return float(number)
    value = look_up(name)
    if value is None:
        raise LookupError(name)
    return float(value)
