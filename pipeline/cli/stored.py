"""`zhijian report`, `agent`, `interaction` and `export`: what the store holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.formats_out import evaluation_record
from pipeline.i18n import t
from pipeline.night import night_in
from pipeline.reports import agents
from pipeline.reports.html import write_agent_page, write_pages, write_report
from pipeline.reports.material import Night
from pipeline.reports.words import Words
from pipeline.reviewing import digest_of
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.versions import CardArchive

if TYPE_CHECKING:
    from pipeline.store.database import Store

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def report(out: Path, settings: Settings) -> int:
    """Write the report of everything in the store; gives the exit status."""
    with _store(settings) as store:
        night = _night(store, settings)
        path = write_report(night, out, language=settings.language, most=settings.reports.pages)
    results().print(t(settings.language, "cli.run.report", path=path), markup=False, soft_wrap=True)
    return 0


def agent(identifier: str, out: Path | None, settings: Settings) -> int:
    """Write the scorecard page of an agent and print the figures; gives the exit status."""
    language = settings.language
    with _store(settings) as store:
        night = _night(store, settings)
        path = write_agent_page(night, identifier, out or settings.report, language=language)
    summary = agents.summarise(night, identifier)
    if summary is not None:
        results().print(_figures(summary, night, Words(language), settings))
    results().print(t(language, "cli.agent.page", path=path), markup=False, soft_wrap=True)
    return 0


def interactions(identifiers: Sequence[str], out: Path | None, settings: Settings) -> int:
    """Write the pages of interactions and print where they are; gives the exit status.

    Raises:
        StoreError: Z410, the store has no such interaction.
    """
    language = settings.language
    with _store(settings) as store:
        digests = [digest_of(store, identifier, language=language) for identifier in identifiers]
        night = _night(store, settings, digests)
        for path in write_pages(night, out or settings.report, language=language):
            results().print(t(language, "cli.interaction.page", path=path), markup=False, soft_wrap=True)
    return 0


def export(settings: Settings) -> int:
    """Print every evaluation in the store, one JSON object a line, by interaction id; gives the exit status."""
    with _store(settings) as store:
        archive = CardArchive(store, settings.cards)
        for result in store.results(newest=False):
            card = archive.get(result.evaluation.scorecard_digest)
            turns = result.conversation.turns
            record = evaluation_record(result.evaluation, result.review, card, settings.language, turns)
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    return 0


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        yield store


def _night(store: Store, settings: Settings, digests: Sequence[str] | None = None) -> Night:
    archive = CardArchive(store, settings.cards)
    first: dict[str, datetime] = {}
    for outline in store.outlines(digests):
        digest, at = outline.result.evaluation.scorecard_digest, outline.result.evaluated_at or _LONG_AGO
        first[digest] = min(at, first.get(digest, at))
    if not first:
        messages().print(t(settings.language, "cli.report.empty"))
    return night_in(
        store,
        set_aside=store.last_set_aside(),
        cards=tuple(archive.get(digest) for digest in sorted(first, key=first.__getitem__)),
        made_at=datetime.now(ZoneInfo(settings.time_zone)),
        digests=digests,
    )


def _figures(summary: agents.AgentSummary, night: Night, words: Words, settings: Settings) -> Table:
    language = settings.language
    table = Table(title=t(language, "cli.agent.title", name=summary.name), title_justify="left", show_header=False)
    average = summary.average
    mean = words.score(average.mean if average else None)
    if average and average.low is not None and average.high is not None:
        mean += t(language, "cli.agent.interval", low=words.score(average.low), high=words.score(average.high))
    weak = ((night.criterion(rate.key), rate) for rate in summary.weaknesses)
    shares = [
        f"{words.title(text.title if text else None, rate.key)} {words.percent(rate.share)}" for text, rate in weak
    ]
    for key, value in {
        "count": str(len(summary.cases)),
        "average": mean,
        "pass_rate": words.percent(summary.pass_rate),
        "flagged": str(summary.flagged),
        "weak": t(language, "cli.results.joiner").join(shares) or "—",
    }.items():
        table.add_row(t(language, f"cli.agent.{key}"), value)
    return table
