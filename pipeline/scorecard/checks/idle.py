"""What stands in a card and does nothing: unused names, wording that stands there twice, criteria without examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.scorecard.checks.walk import expressions, parts
from pipeline.scorecard.consistency import repeated
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault

_SLOT = re.compile(r"<([^<>]+)>")


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Idle parts of `card`."""
    used = {criterion.section for criterion in card.criteria}
    for section in card.sections:
        if section not in used:
            yield Fault(("sections", section), "idle_section", {"name": section}, severity="warning")
    slots = set(_slots(plain))
    for name in card.lists:
        if name not in slots:
            yield Fault(("lists", name), "idle_list", {"name": name}, severity="advice")
    asked = set(_conditions(card))
    for name in card.conditions:
        if name not in asked:
            yield Fault(("conditions", name), "idle_condition", {"name": name}, severity="advice")
    for part in ("lists", "conditions", "criteria"):
        for place, text in repeated(plain.get(part), (part,)):
            if "examples" not in place:
                yield Fault(place, "twice", {"text": text}, severity="warning")
    for number, criterion in enumerate(card.criteria):
        examples = criterion.examples
        if not (examples.met or examples.unmet or examples.not_applicable):
            yield Fault(("criteria", number), "no_examples", {"id": criterion.id}, severity="advice")


def _slots(value: Any) -> Iterator[str]:
    """Names of lists in any text of `value`."""
    if isinstance(value, str):
        yield from (name.strip() for name in _SLOT.findall(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key != "examples":
                yield from _slots(item)
    elif isinstance(value, list):
        for item in value:
            yield from _slots(item)


def _conditions(card: Scorecard) -> Iterator[str]:
    """Names of the conditions that something asks about; those of windows have a field `condition` too."""
    for _, expression in expressions(card):
        if expression.operator == "condition":
            yield str(expression.params)
    for _, part in parts(card):
        name = getattr(part, "condition", None)
        if isinstance(name, str):
            yield name
