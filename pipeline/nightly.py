"""One run over an inbox: what is new in it, in batches; each batch into the store; the report at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import __version__
from pipeline.batch import Batch, Progress, evaluate, split
from pipeline.conversation import Conversation, Interaction, SetAside
from pipeline.i18n import t
from pipeline.ingest import Intake, ingest
from pipeline.night import night_of
from pipeline.settings import Settings
from pipeline.store import Result, open_store
from pipeline.versions import PROGRAM, in_use, newer_shipped, register
from pipeline.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: results of all interactions in the inbox, files set aside, new and known ones counted."""

    results: tuple[Result, ...]
    set_aside: tuple[SetAside, ...]
    evaluated: int
    known: int
    duplicates: int
    waiting: tuple[str, ...]
    notes: tuple[str, ...]
    report: Path


class Nightly:
    """One run. `batches` are what an engine works off, each by `work`, in any order; then `finish`.

    Args:
        inbox: the folder.
        settings: where to keep results, which models and cards, how large a batch is.
        workshop: with cards and models that are loaded already; default the cards that are in use.
        progress: told while batches are worked on.

    Raises:
        InputError: there is no such folder.
        ScorecardError: a scorecard is wrong.
        SettingsError: the speech model is missing or cannot be used.
        StoreError: the store cannot be opened.
    """

    def __init__(
        self, inbox: Path, settings: Settings, *, workshop: Workshop | None = None, progress: Progress | None = None
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._store = open_store(settings.store_url, media=settings.media, language=settings.language)
        try:
            self._workshop = workshop or self._own_workshop()
            for card in self._workshop.cards:
                register(card, self._store, who=PROGRAM)
            self._intake, self.batches, self._known = self._plan(inbox)
        except BaseException:
            self._store.close()
            raise
        self._run = self._store.begin_run(str(inbox.absolute()), settings.run.engine)
        self._store.set_aside(self._run, self._intake.set_aside)
        self._set_aside = list(self._intake.set_aside)
        self._evaluated = 0

    @property
    def workshop(self) -> Workshop:
        """Scorecards and models of this run."""
        return self._workshop

    @property
    def interactions(self) -> int:
        """How many interactions have to be worked on."""
        return sum(len(batch) for batch in self.batches)

    def watch(self, progress: Progress) -> None:
        """Tell `progress` from now on."""
        self._progress = progress

    def work(self, number: int) -> int:
        """Evaluate the batch of that number and keep its results; gives how many there are.

        Raises:
            StoreError: the store cannot be written.
        """
        outcomes = evaluate(self.batches[number], self._workshop, progress=self._progress)
        results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, SetAside)]
        self._evaluated += self._store.save(results)
        self._store.set_aside(self._run, failed)
        self._set_aside += failed
        return len(results)

    def finish(self) -> Outcome:
        """Close the run, write the report of this inbox to `home/report`, and say what was done.

        Raises:
            StoreError: the store cannot be read or written.
            OSError: the report cannot be written.
        """
        from pipeline.reports.html import write_report

        settings = self._settings
        taken = frozenset(interaction.digest for interaction in self._intake.interactions)
        self._store.finish_run(self._run, taken=len(taken), evaluated=self._evaluated, known=self._known)
        results = tuple(self._store.results(digests=taken))
        decisions = self._store.decisions()
        newer = (newer_shipped(card, self._store, language=settings.language) for card in self._workshop.cards)
        notes = (*self._intake.notes, *filter(None, newer))
        self._store.close()
        night = night_of(
            results,
            set_aside=self._set_aside,
            cards=self._workshop.cards,
            made_at=datetime.now(ZoneInfo(settings.time_zone)),
            decisions=decisions,
        )
        return Outcome(
            results,
            tuple(self._set_aside),
            self._evaluated,
            self._known,
            self._intake.duplicates,
            self._intake.waiting,
            notes,
            write_report(night, settings.report, language=settings.language),
        )

    def _own_workshop(self) -> Workshop:
        language = self._settings.language
        return Workshop(self._settings, find=partial(in_use, store=self._store, language=language))

    def _plan(self, inbox: Path) -> tuple[Intake, tuple[Batch, ...], int]:
        settings, language = self._settings, self._settings.language
        identities = self._store.identities()
        intake = ingest(
            inbox,
            settled_seconds=settings.run.settled_seconds,
            known=frozenset(identities.values()),
            language=language,
        )
        ours, clashes = self._without_clashes(intake.interactions, identities)
        done = _Done(self._store.evaluated, self._workshop)
        missing = [interaction for interaction in ours if interaction.digest not in done.of(interaction)]
        new: list[Interaction] = []
        heard: list[Conversation] = []
        read: list[Conversation] = []
        for interaction in missing:
            models = self._workshop.models(interaction)
            if known := self._store.conversation(interaction.digest, models=models, engine_version=__version__):
                read.append(known)
            elif known := self._store.heard(interaction.digest, models=models):
                heard.append(known)
            else:
                new.append(interaction)
        batches = split(
            new,
            calls=settings.run.calls_per_batch,
            texts=settings.run.chats_per_batch,
            heard=heard,
            read=read,
            language=language,
        )
        whole = Intake(tuple(ours), (*intake.set_aside, *clashes), intake.duplicates, intake.waiting, intake.notes)
        return whole, batches, len(ours) - len(missing)

    def _without_clashes(
        self, interactions: tuple[Interaction, ...], identities: Mapping[str, str]
    ) -> tuple[list[Interaction], list[SetAside]]:
        """Interactions, and reasons for those whose id the store has with other content."""
        language = self._settings.language
        ours: list[Interaction] = []
        clashes: list[SetAside] = []
        for interaction in interactions:
            if identities.get(interaction.id, interaction.digest) == interaction.digest:
                ours.append(interaction)
                continue
            what = t(language, "store.known_id", id=interaction.id)
            clashes.append(SetAside(interaction.source, "Z109", what, t(language, "store.known_id_hint")))
        return ours, clashes


class _Done:
    """Digests that need not be evaluated again, asked for once a scorecard and set of models."""

    def __init__(self, evaluated: Callable[..., frozenset[str]], workshop: Workshop) -> None:
        self._evaluated = evaluated
        self._workshop = workshop
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], frozenset[str]] = {}

    def of(self, interaction: Interaction) -> frozenset[str]:
        models = self._workshop.models(interaction)
        card = self._workshop.card(interaction.channel).digest
        key = (card, tuple(models.items()))
        if key not in self._known:
            self._known[key] = self._evaluated(scorecard_digest=card, models=models, engine_version=__version__)
        return self._known[key]


def run_local(nightly: Nightly) -> None:
    """Work off all batches here and now."""
    for number in range(len(nightly.batches)):
        nightly.work(number)
