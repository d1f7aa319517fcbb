"""One run over an inbox: what is new in it, in batches; each batch into the store; the report at the end.

What a step has done is kept before the next one begins, by content, models and scorecard: a run that dies anywhere is
taken up by the next one where it stopped. Contents that a run died of are tried last, in smaller batches and in the end
alone, and go into quarantine after `run.tries` times.

Progress is told in stages: `planned` (what there is to do), `begun` (a batch), `heard`, `read` and `scored` (kept in
the store), `reporting` and `finished`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from pipeline import __version__
from pipeline.alerts.receivers import receivers
from pipeline.arrivals import Arrival
from pipeline.batch import Portion, Progress, Silent, split
from pipeline.collector import seldom
from pipeline.conversation import SetAside
from pipeline.i18n import t
from pipeline.ingest import file_of, survey
from pipeline.night import night_in
from pipeline.night_end import NightReport, RunFacts, night_report
from pipeline.patience import patiently
from pipeline.prober import COMMAND, Probers
from pipeline.recordings import DAMAGED
from pipeline.reports.material import Case
from pipeline.settings import Settings
from pipeline.shift import Shift, Worked, failure_of, workshop_of
from pipeline.store import Failure, open_store
from pipeline.versions import PROGRAM, newer_shipped, register
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    from pipeline.store.database import Store

Models: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: outlines of all interactions in the inbox, files set aside, new and known ones counted."""

    results: tuple[Case, ...]
    set_aside: tuple[SetAside, ...]
    evaluated: int
    known: int
    duplicates: int
    waiting: tuple[str, ...]
    notes: tuple[str, ...]
    report: Path
    night: NightReport


@dataclass(frozen=True, slots=True)
class _Plan:
    """What there is to do, and what planning found: digests of all that the inbox holds, counts, notes."""

    batches: tuple[Portion[Arrival], ...]
    taken: frozenset[str]
    known: int
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]
    duplicates: int
    waiting: tuple[str, ...]


class Nightly:
    """One run. `batches` are what an engine works off, each by `work`, in any order; then `finish`.

    Args:
        inbox: the folder.
        settings: where to keep results, which models and cards, how large a batch is.
        workshop: with cards and models that are loaded already; default the cards that are in use.
        progress: told while batches are worked on.
        prober: the command of the processes that look whether recordings are whole.

    Raises:
        InputError: there is no such folder.
        ScorecardError: a scorecard is wrong.
        SettingsError: the speech model is missing or cannot be used, or a receiver of alerts is none.
        StoreError: the store cannot be opened.
    """

    def __init__(
        self,
        inbox: Path,
        settings: Settings,
        *,
        workshop: Workshop | None = None,
        progress: Progress | None = None,
        prober: Sequence[str] = COMMAND,
    ) -> None:
        receivers(settings)
        self._settings = settings
        self._progress: Progress = progress or Silent()
        self._inbox = str(inbox.absolute())
        self._store = patiently(open_store, settings.store_url, media=settings.media, language=settings.language)
        try:
            self._workshop = workshop or workshop_of(settings, self._store)
            for card in self._workshop.cards:
                register(card, self._store, who=PROGRAM)
            plan = self._plan(inbox, prober)
            self._run = self._store.begin_run(self._inbox, settings.run.engine)
            self._store.set_aside(self._run, plan.set_aside)
        except BaseException:
            self._store.close()
            raise
        self._shift = Shift(
            settings, self._run, self._inbox, store=self._store, workshop=self._workshop, progress=self._progress
        )
        self.batches = plan.batches
        self._plan_made = plan
        self._set_aside = list(plan.set_aside)
        self._evaluated = 0
        self._progress.step("planned", [item.id for batch in self.batches for item in batch.items])

    @property
    def settings(self) -> Settings:
        """The settings of this run."""
        return self._settings

    @property
    def workshop(self) -> Workshop:
        """Scorecards and models of this run."""
        return self._workshop

    @property
    def store(self) -> Store:
        """Where results are kept."""
        return self._store

    @property
    def run(self) -> int:
        """The number of this run in the store."""
        return self._run

    @property
    def inbox(self) -> str:
        """The folder, as an absolute path."""
        return self._inbox

    @property
    def progress(self) -> Progress:
        """Who is told."""
        return self._progress

    @property
    def interactions(self) -> int:
        """How many interactions have to be worked on."""
        return sum(len(batch) for batch in self.batches)

    def watch(self, progress: Progress) -> None:
        """Tell `progress` from now on."""
        self._progress = progress
        self._shift.watch(progress)

    def work(self, number: int) -> int:
        """Evaluate the batch of that number and keep its results; gives how many there are.

        Raises:
            StoreError: the store cannot be written.
        """
        worked = self._shift.work(self.batches[number])
        self.add(worked)
        return worked.results

    def add(self, worked: Worked) -> None:
        """Count in what came of a batch, whoever worked on it."""
        self._evaluated += worked.evaluated
        self._set_aside += worked.set_aside

    def unfinished(self, number: int) -> tuple[Arrival, ...]:
        """Those in the batch of that number that have no evaluation yet."""
        items = self.batches[number].items
        done = self._done([one.digest for one in items])
        return tuple(one for one in items if not done(one))

    def _done(self, digests: Sequence[str]) -> Callable[[Arrival], bool]:
        """Whether one of these digests need not be evaluated again; the store is asked once a card and its models."""

        @cache
        def known(card: str, models: Models) -> frozenset[str]:
            return self._store.evaluated(
                digests, scorecard_digest=card, models=dict(models), engine_version=__version__
            )

        def done(one: Arrival) -> bool:
            card = self._workshop.card(one.channel).digest
            return one.digest in known(card, tuple(self._workshop.models(one).items()))

        return done

    def finish(self) -> Outcome:
        """Close the run, write its night report and the report of this inbox, send word, and say what was done.

        Raises:
            StoreError: the store cannot be read or written.
            OSError: the report cannot be written.
        """
        try:
            return self._finished()
        finally:
            self._store.close()

    @seldom()
    def _finished(self) -> Outcome:
        from pipeline.reports.html import write_report

        settings = self._settings
        self._workshop.close()
        # What is wrong inside of a recording is found in its batch, or was found in a run that was broken off.
        self._set_aside.sort(key=lambda item: item.source)
        self._progress.step("reporting", ())
        plan = self._plan_made
        self._store.finish_run(self._run, taken=len(plan.taken), evaluated=self._evaluated, known=plan.known)
        newer = (newer_shipped(card, self._store, language=settings.language) for card in self._workshop.cards)
        notes = (*plan.notes, *filter(None, newer))
        facts = RunFacts(
            self._run,
            self._inbox,
            known=plan.known,
            duplicates=plan.duplicates,
            waiting=len(plan.waiting),
            set_aside=tuple(self._set_aside),
        )
        told = night_report(self._store, settings, facts, self._workshop.cards)
        night = night_in(
            self._store,
            set_aside=self._set_aside,
            cards=self._workshop.cards,
            made_at=datetime.now(ZoneInfo(settings.time_zone)),
            digests=sorted(plan.taken),
        )
        page = settings.report / "index.html"
        # An inbox that holds nothing says nothing about what was scored before: that report stays.
        if plan.taken or self._set_aside or not page.exists():
            page = write_report(night, settings.report, language=settings.language, most=settings.reports.pages)
        outcome = Outcome(
            night.cases,
            tuple(self._set_aside),
            self._evaluated,
            plan.known,
            plan.duplicates,
            plan.waiting,
            notes,
            page,
            told,
        )
        self._progress.step("finished", ())
        return outcome

    @seldom()
    def _plan(self, inbox: Path, prober: Sequence[str]) -> _Plan:
        settings, language = self._settings, self._settings.language
        tries = settings.run.tries
        died = Failure("", "", "Z191", t(language, "cli.died", tries=tries), t(language, "cli.died_hint"))
        stock = patiently(self._store.take_stock, limit=tries, died=died)
        with Probers(prober) as probers:
            found = survey(
                inbox,
                settled_seconds=settings.run.settled_seconds,
                known=_Looked(self._store, stock.quarantined),
                damaged={
                    digest: SetAside(one.source, one.code, one.reason, one.hint)
                    for digest, one in stock.quarantined.items()
                    if one.code in DAMAGED
                },
                prober=probers,
                mapping=probers.map,
                language=language,
            )
        fatal = [item for item in found.set_aside if item.source in found.fatal]
        self._store.fail_work([failure_of(found.fatal[item.source], item) for item in fatal], limit=tries)
        ours, clashes = self._without_clashes(found.interactions)
        digests = [one.digest for one in ours]
        done = self._done(digests)
        closed = self._store.closed()
        missing = [one for one in ours if one.digest not in closed and not done(one)]
        quarantined = [
            SetAside(
                one.source,
                stock.quarantined[one.digest].code,
                t(language, "cli.quarantined", reason=stock.quarantined[one.digest].reason),
                t(language, "cli.quarantined_hint"),
            )
            for one in missing
            if one.digest in stock.quarantined
        ]
        busy = [t(language, "cli.busy", source=one.source) for one in missing if one.digest in stock.busy]
        waiting = [one for one in missing if one.digest not in stock.quarantined and one.digest not in stock.busy]
        return _Plan(
            batches=self._batches(waiting, stock.tries),
            taken=frozenset(digests),
            known=len(ours) - len(missing),
            set_aside=(*found.set_aside, *clashes, *quarantined),
            notes=(*found.notes, *busy),
            duplicates=found.duplicates,
            waiting=found.waiting,
        )

    def _batches(self, waiting: Sequence[Arrival], tries: Mapping[str, int]) -> tuple[Portion[Arrival], ...]:
        """Whole batches of what was never tried, then small ones of what a run died of, in the end each alone."""
        run = self._settings.run
        batches: tuple[Portion[Arrival], ...] = ()
        fresh = [one for one in waiting if one.digest not in tries]
        again = [one for one in waiting if 0 < tries.get(one.digest, 0) < run.tries - 1]
        last = [one for one in waiting if tries.get(one.digest, 0) >= max(1, run.tries - 1)]
        sizes = ((fresh, run.calls_per_batch, run.chats_per_batch), (again, 1, max(1, run.chats_per_batch // 10)))
        for some, calls, texts in (*sizes, (last, 1, 1)):
            new, heard, read = self._by_stage(some)
            batches += split(
                new,
                calls=calls,
                texts=texts,
                heard=heard,
                read=read,
                first=len(batches) + 1,
                language=self._settings.language,
            )
        return batches

    def _by_stage(self, some: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival], list[Arrival]]:
        """What is new, what was heard and what was read too."""
        new: list[Arrival] = []
        heard: list[Arrival] = []
        read: list[Arrival] = []
        digests, store = [one.digest for one in some], self._store

        @cache
        def known_heard(models: Models) -> frozenset[str]:
            return store.which_heard(digests, models=dict(models))

        @cache
        def known_read(models: Models) -> frozenset[str]:
            return store.which_read(digests, models=dict(models), engine_version=__version__)

        for one in some:
            models = tuple(self._workshop.models(one).items())
            if one.digest in known_read(models):
                read.append(one)
            elif one.digest in known_heard(models):
                heard.append(one)
            else:
                new.append(one)
        return new, heard, read

    def _without_clashes(self, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[SetAside]]:
        """Interactions, and reasons for those whose id the store has with other content, from another file.

        Other content from the same file is a new version of it.
        """
        language = self._settings.language
        known = self._store.interactions([one.id for one in arrivals])
        ours: list[Arrival] = []
        clashes: list[SetAside] = []
        for one in arrivals:
            former = known.get(one.id)
            if former is None or former.digest == one.digest:
                ours.append(one)
            elif file_of(former.source) == file_of(one.source):
                self._store.replace(one.id, one.digest)
                ours.append(one)
            else:
                what = t(language, "store.known_id", id=one.id)
                clashes.append(SetAside(one.source, "Z109", what, t(language, "store.known_id_hint")))
        return ours, clashes


class _Looked:
    """Contents whose recordings were looked at before: those in the store, and those in quarantine."""

    def __init__(self, store: Store, quarantined: Container[str]) -> None:
        self._store = store
        self._quarantined = quarantined

    def __contains__(self, digest: object) -> bool:
        return digest in self._quarantined or (isinstance(digest, str) and self._store.has(digest))


def run_local(nightly: Nightly) -> None:
    """Work off all batches here and now."""
    for number in range(len(nightly.batches)):
        nightly.work(number)
