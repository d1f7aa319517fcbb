"""What stands in a card and does nothing: unused names, wording that stands there twice, criteria without examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.scorecard.consistency import repeated
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Fault


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Idle parts of `card`."""
    used = {criterion.section for criterion in card.criteria}
    for section in card.sections:
        if section not in used:
            yield Fault(("sections", section), "idle_section", {"name": section}, severity="warning")
    for part in ("lists", "conditions", "criteria"):
        for place, text in repeated(plain.get(part), (part,)):
            if "examples" not in place:
                yield Fault(place, "twice", {"text": text}, severity="warning")
    for number, criterion in enumerate(card.criteria):
        examples = criterion.examples
        if not (examples.met or examples.unmet or examples.not_applicable):
            yield Fault(("criteria", number), "no_examples", {"id": criterion.id}, severity="advice")
