"""`zhijian score`: single files, no store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pipeline.batch import Batch, evaluate
from pipeline.cli.console import messages, results, set_aside_table
from pipeline.cli.progress import Bars
from pipeline.conversation import SetAside
from pipeline.formats_out import evaluation_record, heard_warnings
from pipeline.i18n import Language, t
from pipeline.ingest import ingest_files
from pipeline.settings import Settings
from pipeline.store.records import Result
from pipeline.versions import finder
from pipeline.workshop import Workshop


def score(files: Sequence[Path], settings: Settings, *, scorecard: str | None, output: Literal["json", "table"]) -> int:
    """Score files in their order and print one JSON object a line, or a table; gives the exit status."""
    language, console = settings.language, messages()
    with finder(settings) as find:
        workshop = Workshop(settings, scorecard=scorecard, find=find)
    intake = ingest_files(files, language=language)
    batch = Batch(intake.interactions)
    with Bars(len(batch), language) as bars:
        outcomes = evaluate(batch, workshop, progress=bars)
    scored = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    aside = [*intake.set_aside, *(outcome for outcome in outcomes if isinstance(outcome, SetAside))]
    if output == "json":
        for result in scored:
            card = workshop.card(result.conversation.interaction.channel)
            turns = result.conversation.turns
            record = evaluation_record(result.evaluation, result.review, card, language, turns)
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    elif scored:
        results().print(results_table_of(scored, workshop, settings))
    misfits = filter(None, map(workshop.misfit, intake.interactions))
    for note in (*intake.notes, *misfits, *_heard(scored, language)):
        console.print(note, markup=False, soft_wrap=True)
    if aside:
        console.print(set_aside_table(aside, language))
    return 1 if aside else 0


def _heard(scored: Iterable[Result], language: Language) -> Iterator[str]:
    """What is worth knowing about how each recording was heard."""
    for result in scored:
        hearing = result.conversation.hearing
        if hearing is not None and hearing.warnings:
            told = t(language, "cli.results.joiner").join(heard_warnings(hearing, language))
            yield t(language, "cli.score.heard", source=result.conversation.interaction.source, told=told)


def results_table_of(scored: Sequence[Result], workshop: Workshop, settings: Settings) -> object:
    """The table of results, made by reports' words."""
    from pipeline.cli.tables import results_table

    return results_table(scored, workshop.cards, settings.language)
