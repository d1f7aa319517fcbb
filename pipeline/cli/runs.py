"""`zhijian run`: an inbox, to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from pipeline.cli.console import messages, results, set_aside_table
from pipeline.cli.progress import Bars, Lines
from pipeline.cli.tables import results_table
from pipeline.i18n import t
from pipeline.nightly import Nightly, Outcome, run_local
from pipeline.prefect_setup import check_engine, configure, local_server
from pipeline.reports.material import Case
from pipeline.reports.summary import queue
from pipeline.settings import Settings
from pipeline.workshop import Workshop

_MISFITS = 3
ROWS = 200
"""Interactions that the table lists; of more, the most urgent ones."""


def run(inbox: Path, settings: Settings) -> int:
    """Evaluate what is new in an inbox, print the table and the path of the report; gives the exit status."""
    language, console = settings.language, messages()
    check_engine(settings)
    console.print(t(language, "cli.run.reading", inbox=inbox), soft_wrap=True, markup=False)
    lines = settings.run.progress == "lines"
    nightly = Nightly(inbox, settings, progress=Lines() if lines else None)
    if lines:
        _work(nightly, settings)
    elif nightly.interactions:
        with Bars(nightly.interactions, language) as bars:
            nightly.watch(bars)
            _work(nightly, settings)
    console.print(t(language, "cli.run.reporting"))
    outcome = nightly.finish()
    _show(outcome, nightly.workshop, settings)
    return 1 if outcome.set_aside else 0


def _work(nightly: Nightly, settings: Settings) -> None:
    if settings.run.engine == "local":
        run_local(nightly)
        return
    configure(settings.home)
    with _server(settings):
        from pipeline import flows

        flows.work_off(nightly)


def _server(settings: Settings) -> AbstractContextManager[object]:
    """A server that other processes reach; work in this one brings a server of its own, which is quicker."""
    if settings.run.engine == "dask":
        return local_server(settings.home, settings.schedule.port, settings.language)
    return nullcontext()


def _show(outcome: Outcome, workshop: Workshop, settings: Settings) -> None:
    language, console = settings.language, messages()
    if outcome.results:
        some = listed(outcome.results)
        if some:
            results().print(results_table(some, workshop.cards, language))
        if len(some) < len(outcome.results):
            told = t(language, "cli.results.urgent", count=len(outcome.results), listed=len(some))
            console.print(told, markup=False, soft_wrap=True)
    else:
        console.print(t(language, "cli.run.empty"))
    if outcome.set_aside:
        console.print(set_aside_table(outcome.set_aside, language))
    waiting = (t(language, "ingest.note.waiting", source=name) for name in outcome.waiting)
    for note in (*outcome.notes, *waiting, *_misfits(outcome, workshop)):
        console.print(note, markup=False, soft_wrap=True)
    counts = {
        "evaluated": outcome.evaluated,
        "known": outcome.known,
        "set_aside": len(outcome.set_aside),
        "duplicates": outcome.duplicates,
    }
    console.print(t(language, "cli.run.counts", **counts), markup=False)
    for sentence in outcome.night.sentences:
        console.print(f"⚠ {sentence}", markup=False, soft_wrap=True)
    delivered = outcome.night.delivered
    if delivered.waiting or delivered.refused or delivered.unknown:
        counts = {"sent": delivered.sent, "waiting": delivered.waiting, "refused": delivered.refused}
        console.print(t(language, "alerts.done", **counts, unknown=delivered.unknown), markup=False, soft_wrap=True)
    console.print(t(language, "cli.run.night", path=outcome.night.page), markup=False, soft_wrap=True)
    results().print(t(language, "cli.run.report", path=outcome.report), markup=False, soft_wrap=True)


def listed(cases: Sequence[Case]) -> Sequence[Case]:
    """What the table lists: all cases, or of many the most urgent ones that wait for a person."""
    return cases if len(cases) <= ROWS else queue(cases)[:ROWS]


def _misfits(outcome: Outcome, workshop: Workshop) -> Iterator[str]:
    """Interactions scored by a card for other channels: a few, then how many more, for there may be thousands."""
    notes = [note for result in outcome.results if (note := workshop.misfit(result.conversation.interaction))]
    yield from notes[:_MISFITS]
    if len(notes) > _MISFITS:
        yield t(workshop.settings.language, "scorecard.misfit_more", count=len(notes) - _MISFITS)
