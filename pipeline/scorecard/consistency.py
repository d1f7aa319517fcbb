"""What no single value of a card shows: double ids, names that lead nowhere, conditions that go in a circle.

Works on the plain values, so that these faults are told together with those of the schema.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the top of the file to a value."""

_EXPRESSION_KEYS = ("condition", "not", "after", "before", "expect", "applies_when", "partial", "when", "unless")
_LIST_KEYS = ("any_of", "all_of", "unless")
_CHOICE = re.compile(r"[(\[]([^()\[\]]*\|[^()\[\]]*)[)\]]")
"""The branches of a choice in a phrase, as far as none is nested in it."""
_NO_EXPRESSIONS_BELOW = ("window", "attribute", "phrase", "examples", "title")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where, the sentence `scorecard.error.KEY` with the name it is about, and the names that would have been right."""

    place: Place
    key: str
    name: str
    allowed: tuple[str, ...] = ()


def faults(plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of the card `plain`; parts that are not even of the right shape are passed over."""
    criteria = [c if isinstance(c, Mapping) else {} for c in _list(plain.get("criteria"))]
    sections, conditions = _mapping(plain.get("sections")), _mapping(plain.get("conditions"))
    ids = [str(criterion.get("id")) for criterion in criteria]
    for number, criterion in enumerate(criteria):
        if ids[number] in ids[:number]:
            yield Fault(("criteria", number, "id"), "double_id", ids[number])
        section = criterion.get("section")
        if sections and isinstance(section, str) and section not in sections:
            yield Fault(("criteria", number, "section"), "unknown_section", section, tuple(sections))
    for top in ("criteria", "conditions", "flag"):
        for place, name in _references(plain.get(top), (top,)):
            if name not in conditions:
                yield Fault(place, "unknown_condition", name, tuple(conditions))
    for name in conditions:
        if _leads_to(name, name, conditions, set()):
            yield Fault(("conditions", name), "circle", name)
    for number, rule in enumerate(_list(plain.get("flag"))):
        for key in ("unmet", "unsure", "of"):
            names = _mapping(rule).get(key)
            for name in [names] if isinstance(names, str) else _list(names):
                if name not in ids:
                    yield Fault(("flag", number, key), "unknown_criterion", str(name), tuple(ids))


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


def _references(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every place in `value` where a condition is named."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, str) and place[-1] in _LIST_KEYS:
                yield (*place, number), item
            else:
                yield from _references(item, (*place, number))
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        if isinstance(item, str) and (key in _EXPRESSION_KEYS or place == ("conditions",)):
            yield (*place, key), item
        elif key not in _NO_EXPRESSIONS_BELOW:
            yield from _references(item, (*place, key))


def _leads_to(start: str, goal: str, conditions: Mapping[str, Any], seen: set[str]) -> bool:
    if start in seen or start not in conditions:
        return False
    seen.add(start)
    value = conditions[start]
    named = [value] if isinstance(value, str) else [name for _, name in _references(value, ("",))]
    return any(name == goal or _leads_to(name, goal, conditions, seen) for name in named)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
