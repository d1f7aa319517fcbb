"""`validate`: everything that is wrong with a scorecard, its own examples included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from pipeline.conversation import Channel, Conversation
from pipeline.criteria.base import Context
from pipeline.formats_out import explain
from pipeline.i18n import Language, t
from pipeline.scorecard import Criterion, Document, Problem, Scorecard, dialogue, read
from pipeline.scorecard.consistency import repeated
from pipeline.scoring import context_for, judge, wants_reader

Reader: TypeAlias = Callable[[Conversation], Conversation]
"""Adds readings, measures and classes to a conversation."""


def validate(path: str | Path, *, language: Language = "zh", reader: Reader | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with the card at `path`; empty where all is well.

    Args:
        path: the YAML file.
        language: of the messages.
        reader: reads tone and acts of the examples; without one, examples that need it are noted and passed over.
    """
    card, document, problems = read(Path(path), language=language)
    if card is None or document is None:
        return problems
    return (*problems, *_examples(card, document, language, reader), *_advice(card, document, language))


def _examples(card: Scorecard, document: Document, language: Language, reader: Reader | None) -> Iterator[Problem]:
    channel = card.channels[0] if card.channels else Channel.CALL
    for number, criterion in enumerate(card.criteria):
        passed_over = 0
        for verdict in ("met", "partial", "unmet", "not_applicable", "unsure"):
            for place, text in enumerate(getattr(criterion.examples, verdict)):
                where = document.where(("criteria", number, "examples", verdict, place))
                problem = _example(criterion, verdict, text, where, channel, context_for(card), language, reader)
                if problem is not None and problem.severity == "note":
                    passed_over += 1
                elif problem is not None:
                    yield problem
        if passed_over:
            where = document.where(("criteria", number, "examples"))
            yield Problem("note", where, t(language, "scorecard.example_needs_reader", count=passed_over))


def _example(
    criterion: Criterion,
    expected: str,
    text: str,
    where: str,
    channel: Channel,
    context: Context,
    language: Language,
    reader: Reader | None,
) -> Problem | None:
    try:
        conversation = dialogue(text, channel=channel, reader=reader)
    except ValueError as error:
        message = t(language, "scorecard.example_line", line=str(error))
        return Problem("error", where, message, t(language, "scorecard.example_line_fix"))
    judgement = judge(criterion, conversation, context)
    if judgement.verdict.value == expected:
        return None
    if reader is None and wants_reader(criterion, context):
        return Problem("note", where, "")
    message = t(
        language,
        "scorecard.example_differs",
        expected=t(language, f"scorecard.verdict.{expected}"),
        verdict=t(language, f"scorecard.verdict.{judgement.verdict.value}"),
        why=explain(judgement.why, language),
    )
    return Problem("error", where, message)


def _advice(card: Scorecard, document: Document, language: Language) -> Iterator[Problem]:
    """Warnings about what is allowed but hardly meant."""
    if not any(criterion.points for criterion in card.criteria):
        yield Problem("warning", document.where(("criteria",)), t(language, "scorecard.warning.no_duty"))
    used = {criterion.section for criterion in card.criteria}
    for section in card.sections:
        if section not in used:
            message = t(language, "scorecard.warning.idle_section", name=section)
            yield Problem("warning", document.where(("sections", section)), message)
    for part in ("lists", "conditions", "criteria"):
        for where, text in repeated(document.plain.get(part), (part,)):
            if "examples" not in where:
                yield Problem("warning", document.where(where), t(language, "scorecard.warning.twice", text=text))
    for number, criterion in enumerate(card.criteria):
        examples = criterion.examples
        if not (examples.met or examples.unmet or examples.not_applicable):
            place = document.where(("criteria", number))
            yield Problem("note", place, t(language, "scorecard.warning.no_examples", id=criterion.id))
