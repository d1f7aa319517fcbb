"""What follows a batch and a night: grave cases are told at once; at the end the report is written and sent word of."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.alerts import wording
from pipeline.alerts.deliver import Delivered, deliver
from pipeline.alerts.receivers import Receiver, receivers
from pipeline.alerts.thresholds import Warned, warnings
from pipeline.conversation import SetAside
from pipeline.errors import StoreError
from pipeline.i18n import Language, t
from pipeline.night import card_text
from pipeline.night_figures import (
    Circumstances,
    Judged,
    NightFigures,
    from_json,
    night_figures,
    shared_seconds,
    to_json,
)
from pipeline.reports.night_page import file_name, write_night
from pipeline.reports.words import UNKNOWN, Words
from pipeline.scorecard import Scorecard
from pipeline.settings import Settings
from pipeline.store.records import Result

if TYPE_CHECKING:
    from pipeline.store.database import Store

logger = logging.getLogger(__name__)
MOST_SET_ASIDE = 50
"""Files that the summary in Prefect names; the report names them all."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run did besides evaluating: what was known already, delivered twice, still being written, set aside."""

    run: int
    inbox: str
    known: int = 0
    duplicates: int = 0
    waiting: int = 0
    set_aside: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class NightReport:
    """A night that was told of: its figures, what is out of the ordinary, the page and the JSON, and who was told."""

    figures: NightFigures
    warned: tuple[Warned, ...]
    sentences: tuple[str, ...]
    page: Path
    json: Path
    delivered: Delivered

    def markdown(self, language: Language) -> str:
        """The night in short, as Markdown, for an artifact of Prefect."""
        night = self.figures
        lines = [f"# {t(language, 'nights.title')}", ""]
        lines += [f"- **{sentence}**" for sentence in self.sentences]
        lines.append(
            "- "
            + t(
                language,
                "nights.markdown.counts",
                count=night.interactions,
                mean=UNKNOWN if night.mean is None else f"{night.mean:.1f}",
                passed=f"{night.passed.share:.0%}" if night.passed.judged else UNKNOWN,
                flagged=night.flagged,
                fatal=night.fatal,
            )
        )
        if night.cost.seconds_per_audio_hour is not None:
            minutes = f"{night.cost.seconds_per_audio_hour / 60:.1f}"
            lines.append("- " + t(language, "nights.markdown.cost", minutes=minutes))
        if night.set_aside:
            lines += ["", t(language, "nights.markdown.set_aside"), ""]
            lines += [f"- `{item.source}`: [{item.code}] {item.reason}" for item in night.set_aside[:MOST_SET_ASIDE]]
        return "\n".join([*lines, "", t(language, "nights.markdown.page", path=self.page), ""])


def after_batch(
    store: Store, settings: Settings, results: Sequence[Result], seconds: float, cards: Sequence[Scorecard]
) -> None:
    """Note how long a batch took, and tell grave cases in it at once.

    Neither a receiver that cannot be reached nor a store that cannot be written is an error: the results are kept by
    now, the time is then unknown, and grave cases are told at the end of the night.

    Args:
        store: where the results are kept already.
        settings: whom to tell.
        results: of the batch.
        seconds: that a worker took for it.
        cards: scorecards, for the titles of what went wrong.

    Raises:
        SettingsError: a receiver in the settings is none.
    """
    if not results:
        return
    shares = shared_seconds([_weight(result) for result in results], seconds)
    digests = (result.conversation.interaction.digest for result in results)
    try:
        store.note_timings(dict(zip(digests, shares, strict=True)))
        if settings.alerts.grave:
            grave = [case for result in results if (case := wording.grave_result(result)) is not None]
            _tell_grave(store, settings, grave, cards, attempts=1)
    except StoreError:
        logger.warning("the time of a batch or its grave cases could not be noted", exc_info=True)


def night_report(store: Store, settings: Settings, facts: RunFacts, cards: Sequence[Scorecard]) -> NightReport:
    """Count the night, keep it, write its page and JSON, and send word of it.

    It tells of the interactions that were evaluated for the first time since the night before, by whatever run: what a
    run evaluated that was killed is told of by the one that took over. Figures and messages are kept in one
    transaction, so that neither is without the other; what could not be sent is sent by a later run. Called again for
    the same run, it writes the same report again and sends nothing twice.

    Args:
        store: with the results of the night.
        settings: where to write, whom to tell, what computing costs.
        facts: what the run knows of itself.
        cards: scorecards, for the titles of what went wrong.

    Raises:
        StoreError: the store cannot be read or written.
        SettingsError: a receiver in the settings is none.
        OSError: the report cannot be written.
    """
    language = settings.language
    before = tuple(filter(None, map(from_json, store.nights(settings.alerts.nights, before=facts.run))))
    grave: list[wording.Grave] = []
    run = next(run for run in store.runs() if run.id == facts.run)
    circumstances = Circumstances(
        run.id,
        facts.inbox,
        run.engine,
        run.started_at,
        datetime.now(UTC).replace(microsecond=0),
        known=facts.known,
        duplicates=facts.duplicates,
        waiting=facts.waiting,
        set_aside=facts.set_aside,
        worker_hour=settings.cost.worker_hour,
        currency=settings.cost.currency,
    )

    def watched() -> Iterator[Judged]:
        for one in store.untold():
            if (case := wording.grave_case(one)) is not None:
                grave.append(case)
            yield one

    figures = _kept(store, run.id) or night_figures(watched(), circumstances)
    warned = warnings(figures, before, settings.alerts)
    titles = _titles(cards, language)
    to = receivers(settings)
    message = wording.night_message(
        figures, warned, titles, report=_where(settings, run.id), zone=settings.time_zone, language=language
    )
    wanted = message if to and (settings.alerts.nightly or warned) else None
    store.keep_night(figures, to_json(figures), wanted, [receiver.name for receiver in to])
    sentences = wording.warning_sentences(warned, titles, language)
    page = write_night(
        figures,
        before,
        sentences,
        settings.nights,
        [card_text(card) for card in cards],
        zone=settings.time_zone,
        words=Words(language),
    )
    if settings.alerts.grave:
        _tell_grave(store, settings, grave, cards, attempts=None)
    delivered = deliver(store, to, settings) if to else Delivered()
    return NightReport(figures, warned, sentences, page, settings.nights / file_name(run.id, "json"), delivered)


def _kept(store: Store, run: int) -> NightFigures | None:
    """The figures of a run that was told of before."""
    last = store.nights(1, before=run + 1)
    figures = from_json(last[0]) if last else None
    return figures if figures is not None and figures.run == run else None


def _tell_grave(
    store: Store,
    settings: Settings,
    grave: Sequence[wording.Grave],
    cards: Sequence[Scorecard],
    *,
    attempts: int | None,
) -> None:
    to: tuple[Receiver, ...] = receivers(settings)
    if not grave or not to:
        return
    fresh = store.untold_subjects({case.digest for case in grave})
    cases = [case for case in grave if case.digest in fresh]
    if not cases:
        return
    language = settings.language
    message = wording.grave_message(
        cases,
        _titles(cards, language),
        made_at=datetime.now(UTC),
        report=settings.alerts.report_url or str(settings.report / "index.html"),
        language=language,
    )
    store.put_message(message, [receiver.name for receiver in to])
    deliver(store, to, settings, attempts=attempts)


def _titles(cards: Sequence[Scorecard], language: Language) -> dict[str, str]:
    """Titles of criteria by id and by `SCORECARD/CRITERION`, and of scorecards by id."""
    titles: dict[str, str] = {}
    for card in cards:
        for criterion in card.criteria:
            titles[criterion.id] = titles[f"{card.id}/{criterion.id}"] = criterion.title.text(language)
        titles[card.id] = card.title.text(language)
    return titles


def _where(settings: Settings, run: int) -> str:
    name = file_name(run, "html")
    return (
        f"{settings.alerts.report_url.rstrip('/')}/{name}"
        if settings.alerts.report_url
        else str(settings.nights / name)
    )


def _weight(result: Result) -> float:
    """How much there was to work on: seconds of speech where there was any to hear, else characters."""
    hearing = result.conversation.hearing
    if hearing is not None:
        return max(1.0, hearing.speech_seconds)
    return float(1 + sum(len(turn.text) for turn in result.conversation.turns))
