"""`validate`: everything that is wrong with a scorecard, its own examples included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from pipeline.conversation import Channel, Conversation
from pipeline.formats_out import explain
from pipeline.i18n import Language, t
from pipeline.scorecard import Criterion, Document, Fault, Place, Problem, Scorecard, dialogue, in_order, read
from pipeline.scorecard.checks import doubts
from pipeline.scoring import context_for, judge, rules_of, wants_reader

IDLE = ("idle_list", "idle_condition", "idle_section", "idle_term", "not_measurable")
"""What a card may leave unused of the files that it shares with others."""
Reader: TypeAlias = Callable[[Conversation], Conversation]
"""Adds readings, measures and classes to a conversation."""


def validate(
    path: str | Path,
    *,
    language: Language = "zh",
    reader: Reader | None = None,
    equip: Callable[[Scorecard], Scorecard] | None = None,
) -> tuple[Problem, ...]:
    """Everything that is wrong with the card at `path`; empty where all is well.

    Args:
        path: the YAML file.
        language: of the messages.
        reader: reads tone and acts of the examples, and is called only for those that need it; without one, these are
            passed over with a word of advice.
        equip: gives the card what the settings let it use, before its examples are run.
    """
    card, document, problems = read(Path(path), language=language)
    if card is None or document is None:
        return problems
    told = [
        fault.told(document.spot(fault.place), language)
        for fault in doubts(card, document.plain)
        if not (fault.rule in IDLE and document.borrowed(fault.place))
    ]
    told += _examples(card if equip is None else equip(card), document, language, reader)
    return in_order(told, path)


def _examples(card: Scorecard, document: Document, language: Language, reader: Reader | None) -> Iterator[Problem]:
    for number, criterion in enumerate(card.criteria):
        reads = wants_reader(criterion, rules_of(card))
        passed_over = 0
        for verdict in type(criterion.examples).model_fields:
            for count, text in enumerate(getattr(criterion.examples, verdict)):
                place: Place = ("criteria", number, "examples", verdict, count)
                fault = _example(card, criterion, verdict, text, place, language, reader if reads else None)
                if fault is not None and fault.rule == "example_differs" and reads and reader is None:
                    passed_over += 1
                elif fault is not None:
                    yield fault.told(document.spot(place), language)
        if passed_over:
            place = ("criteria", number, "examples")
            fault = Fault(place, "example_needs_reader", {"count": passed_over}, severity="advice")
            yield fault.told(document.spot(place), language)


def _example(
    card: Scorecard,
    criterion: Criterion,
    expected: str,
    text: str,
    place: Place,
    language: Language,
    reader: Reader | None,
) -> Fault | None:
    """What is wrong with one example; `None` where it gets the verdict that it must get."""
    channel = card.channels[0] if card.channels else Channel.CALL
    try:
        conversation = dialogue(text, channel=channel, reader=reader)
    except ValueError as error:
        return Fault(place, "example_line", {"line": str(error)})
    judgement = judge(criterion, conversation, context_for(card, conversation))
    if judgement.verdict.value == expected:
        return None
    told = {
        "expected": t(language, f"scorecard.verdict.{expected}"),
        "verdict": t(language, f"scorecard.verdict.{judgement.verdict.value}"),
        "why": explain(judgement.why, language),
    }
    return Fault(place, "example_differs", told)
