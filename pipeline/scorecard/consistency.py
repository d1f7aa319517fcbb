"""What no single value of a card shows: double ids, names that lead nowhere, references that go in a circle.

Works on the plain values, so that these faults are told together with those of the schema.
"""

from __future__ import annotations

import re
import typing
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from pydantic import BaseModel

from pipeline.criteria import KINDS
from pipeline.criteria.expression import ExpressionBase
from pipeline.scorecard.problems import Fault, Place

Node: TypeAlias = tuple[str, str]
"""A part of the card that others refer to: `("conditions", name)` or `("criteria", id)`."""

_EXPRESSION_KEYS = (
    "condition",
    "not",
    "after",
    "before",
    "around",
    "expect",
    "applies_when",
    "partial",
    "when",
    "unless",
)
_LIST_KEYS = ("any_of", "all_of", "unless")
_CHOICE = re.compile(r"[(\[]([^()\[\]]*\|[^()\[\]]*)[)\]]")
"""The branches of a choice in a phrase, as far as none is nested in it."""
_NO_EXPRESSIONS_BELOW = ("examples", "title", "advice")


def faults(plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of the card `plain`; parts that are not even of the right shape are passed over."""
    criteria = [c if isinstance(c, Mapping) else {} for c in _list(plain.get("criteria"))]
    sections, conditions = _mapping(plain.get("sections")), _mapping(plain.get("conditions"))
    ids = [str(criterion["id"]) if "id" in criterion else "" for criterion in criteria]
    for number, criterion in enumerate(criteria):
        if ids[number] and ids[number] in ids[:number]:
            yield Fault(("criteria", number, "id"), "double_id", {"name": ids[number]})
        section = criterion.get("section")
        if sections and isinstance(section, str) and section not in sections:
            yield Fault(("criteria", number, "section"), "unknown_section", {"name": section}, tuple(sections))
        beside = (other for other in criteria if other.get("section") == section)
        if criterion.get("fatal") == "section" and not any(other.get("points") for other in beside):
            yield Fault(("criteria", number, "fatal"), "idle_fatal_section", {"name": str(section)})
    # Of what is missing or of the wrong shape altogether, the names are not missed one by one.
    known = {"criteria": tuple(filter(None, ids))} if isinstance(plain.get("criteria"), list) else {}
    if isinstance(plain.get("conditions", {}), Mapping):
        known["conditions"] = tuple(conditions)
    graph: dict[Node, list[Node]] = {}
    for number, criterion in enumerate(criteria):
        for place, node in _references(criterion, ("criteria", number)):
            graph.setdefault(("criteria", ids[number]), []).append(node)
            yield from _unknown(place, node, known)
    for name, value in conditions.items():
        for place, node in _references(value, ("conditions", name)):
            graph.setdefault(("conditions", name), []).append(node)
            yield from _unknown(place, node, known)
    for place, node in _references(plain.get("flag"), ("flag",)):
        yield from _unknown(place, node, known)
    for circle in _circles(graph):
        part, name = circle[0]
        place = (part, ids.index(name)) if part == "criteria" else (part, name)
        path = " → ".join(step for _, step in (*circle, circle[0]))
        yield Fault(place, "circle", {"name": name, "path": path})
    for number, rule in enumerate(_list(plain.get("flag"))):
        for key in ("unmet", "unsure", "of"):
            names = _mapping(rule).get(key)
            for name in [names] if isinstance(names, str) else _list(names):
                yield from _unknown(("flag", number, key), ("criteria", str(name)), known)


def _unknown(place: Place, node: Node, known: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    part, name = node
    if part in known and name not in known[part]:
        rule = "unknown_condition" if part == "conditions" else "unknown_criterion"
        yield Fault(place, rule, {"name": name}, known[part])


def repeated(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text of a list, and every branch of a choice within a phrase, that stands there twice."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from repeated(item, (*place, key))
    elif isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
        yield from ((place, text) for text in _twice(texts))
        for number, item in enumerate(value):
            yield from repeated(item, (*place, number))
    elif isinstance(value, str):
        for choice in _CHOICE.findall(value):
            yield from ((place, branch) for branch in _twice(choice.split("|")))


def _twice(texts: list[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]


def _references(value: Any, place: Place) -> Iterator[tuple[Place, Node]]:
    """Every place in `value` where a condition or a criterion is named."""
    if isinstance(value, str) and place[:1] == ("conditions",) and len(place) == 2:
        yield place, ("conditions", value)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, str) and place[-1] in _LIST_KEYS:
                yield (*place, number), ("conditions", item)
            else:
                yield from _references(item, (*place, number))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _reference(key, item, (*place, key))


def _reference(key: str, item: Any, place: Place) -> Iterator[tuple[Place, Node]]:
    if key == "criterion":
        name = item.get("id") if isinstance(item, Mapping) else item
        if isinstance(name, str):
            yield place, ("criteria", name)
    elif key in KINDS and not _nests(key):
        # Other keys of these operators hold wording and names of facts; `not: 售前` there is no condition.
        for direction, near in _mapping(_mapping(_mapping(item).get("window"))).items():
            name = _mapping(near).get("condition")
            if isinstance(name, str):
                yield (*place, "window", direction, "condition"), ("conditions", name)
    elif isinstance(item, str) and key in _EXPRESSION_KEYS and place[-2:-1] != ("window",):
        yield place, ("conditions", item)
    elif key not in _NO_EXPRESSIONS_BELOW:
        yield from _references(item, place)


@cache
def _nests(kind: str) -> bool:
    """Whether expressions stand within the parameters of this kind."""
    return _mentions_expression(KINDS[kind].params, set())


def _mentions_expression(annotation: Any, seen: set[type]) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, ExpressionBase):
            return True
        if annotation in seen:
            return False
        seen.add(annotation)
        return any(_mentions_expression(field.annotation, seen) for field in annotation.model_fields.values())
    return any(_mentions_expression(inner, seen) for inner in typing.get_args(annotation))


def _circles(graph: Mapping[Node, list[Node]]) -> list[tuple[Node, ...]]:
    """The shortest way from each node back to itself, each circle once."""
    found: list[tuple[Node, ...]] = []
    told: set[Node] = set()
    for start in graph:
        before: dict[Node, Node] = {}
        waiting = [start]
        while waiting and start not in before:
            node = waiting.pop(0)
            for following in graph.get(node, ()):
                if following not in before:
                    before[following] = node
                    waiting.append(following)
        if start in before and start not in told:
            way = [before[start]]
            while way[-1] != start:
                way.append(before[way[-1]])
            found.append(tuple(reversed(way)))
            told.update(way)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
