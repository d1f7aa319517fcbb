"""What is done by the clock besides the night, each a plain function that needs no orchestrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from pipeline.dry_run import DryRun, Past, moment
from pipeline.errors import StoreError
from pipeline.learning import Lesson, learn
from pipeline.night import card_text, night_in
from pipeline.reader_models import use
from pipeline.reports.dry_run import write_dry_run
from pipeline.reports.html import write_report
from pipeline.retention import Deletion, retain
from pipeline.scorecard.difference import differences
from pipeline.settings import Settings
from pipeline.store import Result, open_store
from pipeline.versions import CardArchive

Period: TypeAlias = Literal["week", "month"]


@dataclass(frozen=True, slots=True)
class Written:
    """A folder of pages: the page to begin with, how many interactions and agents it is about."""

    page: Path
    interactions: int
    agents: int


def last_period(period: Period, today: date) -> tuple[str, date, date]:
    """The last week (from Monday) or month that is over: its name, its first day, and the day after its last one."""
    if period == "week":
        end = today - timedelta(days=today.weekday())
        begin = end - timedelta(days=7)
        year, week, _ = begin.isocalendar()
        return f"{year}-W{week:02}", begin, end
    end = today.replace(day=1)
    begin = (end - timedelta(days=1)).replace(day=1)
    return f"{begin:%Y-%m}", begin, end


def agent_scorecards(settings: Settings, *, period: Period, today: date | None = None) -> Written:
    """Write the scorecards of all agents over the last week or month that is over, below `home/agents/PERIOD`.

    An interaction of which nobody knows when it began counts by when it was evaluated.

    Raises:
        StoreError: the store cannot be read.
        OSError: the folder cannot be written.
    """
    zone = ZoneInfo(settings.time_zone)
    name, begin, end = last_period(period, today or datetime.now(zone).date())
    since, until = (datetime.combine(day, time(), zone) for day in (begin, end))
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        archive = CardArchive(store, settings.cards)
        used = dict.fromkeys(
            one.result.evaluation.scorecard_digest for one in store.outlines() if _between(one.result, since, until)
        )
        night = night_in(
            store,
            set_aside=(),
            cards=tuple(map(archive.get, used)),
            made_at=datetime.now(zone),
            wanted=lambda result: _between(result, since, until),
        )
        out = settings.home / "agents" / name
        page = write_report(night, out, language=settings.language, most=settings.reports.pages)
    agents = {case.agent.id for case in night.cases if case.agent}
    return Written(page, len(night.cases), len(agents))


def rescore(
    scorecard: str,
    settings: Settings,
    *,
    since: str | None = None,
    until: str | None = None,
    keep_as: str | None = None,
) -> Written:
    """Score the stored past by another scorecard, and write the page of what would change.

    Args:
        scorecard: as `zhijian rescore --scorecard` takes it.
        settings: with the store.
        since: from this day or time on.
        until: up to and with this day, or up to this time.
        keep_as: keep the new evaluations in this person's name.

    Raises:
        ScorecardError: there is no such scorecard, or it is wrong.
        InputError: Z121 `since` or `until` is no day or time.
        StoreError: the store cannot be read.
    """
    language = settings.language
    past = Past(since=moment(since, settings, where="since"), until=moment(until, settings, where="until", last=True))
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        run = DryRun(scorecard, None, store, settings)
        compared = run.compare(past, keep_as=keep_as)
    page = write_dry_run(
        compared,
        settings.report,
        (card_text(run.old), card_text(run.new)),
        datetime.now(ZoneInfo(settings.time_zone)),
        changes=differences(run.old, run.new, language=language),
        language=language,
    )
    return Written(page, compared.interactions, len(compared.agents))


def retention(settings: Settings) -> Deletion:
    """Delete what is older than the settings allow.

    Raises:
        StoreError: the store cannot be written, or something is still found after the deletion.
    """
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        return retain(store, settings)


def lesson(settings: Settings, *, put_to_use: bool = False) -> Lesson | None:
    """Learn from the decisions that people made; `None` where there are none.

    The new reader is put to use only if that is asked for and it proved fit.

    Raises:
        SettingsError: the reader in use cannot be used.
        StoreError: the store cannot be read.
    """
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        try:
            learned = learn(store.reviewed(), CardArchive(store, settings.cards), settings, fresh_reader(settings))
        except StoreError as error:
            if error.code == "Z413":
                return None
            raise
    if put_to_use and learned.comparison.enough and learned.comparison.fit_for_use:
        use(learned.folder, settings)
    return learned


def fresh_reader(settings: Settings) -> Path:
    """A new folder below the models, named by the day."""
    day = datetime.now(ZoneInfo(settings.time_zone)).date().isoformat()
    name, number = f"reader-{day}", 2
    while (settings.models / name).exists():
        name, number = f"reader-{day}-{number}", number + 1
    return settings.models / name


def _between(result: Result, since: datetime, until: datetime) -> bool:
    at = result.conversation.interaction.started_at or result.evaluated_at
    return at is not None and since <= at < until
