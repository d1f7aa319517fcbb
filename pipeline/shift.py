"""Who works batches off, in whatever process: with the settings, a run and its inbox, and nothing else of the night.

What a step has done is kept before the next one begins. What cannot be worked on is counted as a try; what a process
dies of is left marked with its name, and the next run counts it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.arrivals import Arrival, fetch
from pipeline.batch import Batch, Portion, Progress, Silent, evaluate
from pipeline.collector import seldom
from pipeline.conversation import Conversation, Interaction, SetAside
from pipeline.errors import InputError, StoreError
from pipeline.night_end import after_batch
from pipeline.patience import patiently
from pipeline.recordings import DAMAGED
from pipeline.settings import Settings
from pipeline.store import Failure, Item, Result
from pipeline.store.records import BEAT
from pipeline.versions import in_use
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    from pipeline.store.database import Store

_HOPELESS = {"Z302", "Z303", "Z304", "Z306", *DAMAGED}
"""Codes of failures that the same bytes lead to every time."""
_NOT_ITS_FAULT = {"Z111", "Z192", "Z301"}
"""Codes of failures that say nothing about the content: too little memory, a file that went away or is locked."""
_OF_RECORDINGS = {"Z191", *DAMAGED}
"""Codes of failures that are told of the recording and not of the interaction, whenever they are found."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of a batch: how many results, how many evaluations that are new, and what was set aside."""

    results: int
    evaluated: int
    set_aside: tuple[SetAside, ...] = ()


class Shift:
    """Works off batches of one run.

    Args:
        settings: which models and cards.
        run: the number of the run in the store.
        inbox: what the run goes over.
        store: one that is open, and is left so.
        workshop: with cards and models that are loaded already; default the cards that are in use.
        progress: told while batches are worked on.

    Raises:
        ScorecardError: a scorecard is wrong.
        StoreError: the store cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        run: int,
        inbox: str,
        *,
        store: Store,
        workshop: Workshop | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings
        self._run = run
        self._inbox = inbox
        self._progress: Progress = progress or Silent()
        self._store = store
        self._workshop = workshop or workshop_of(settings, store)

    def watch(self, progress: Progress) -> None:
        """Tell `progress` from now on."""
        self._progress = progress

    @property
    def workshop(self) -> Workshop:
        """Its scorecards and models."""
        return self._workshop

    @seldom()
    def work(self, portion: Portion[Arrival]) -> Worked:
        """Evaluate a batch and keep its results. What was said is read from the inbox, or from the store, only now.

        What another process has begun meanwhile is left to it.

        Raises:
            SettingsError: a model is missing or cannot be used.
            StoreError: the store cannot be written.
        """
        store, items, began = self._store, portion.items, time.monotonic()
        ours = patiently(store.begin_work, [Item(one.digest, one.source) for one in items], inbox=self._inbox)
        portion = portion.only(ours)
        try:
            with _beating(store):
                self._progress.step("begun", [one.id for one in portion.items])
                keeper = _Keeper(store, self._progress)
                batch, found, failed = self._loaded(portion)
                self._progress.done(len(items) - len(portion) + len(failed))
                outcomes = evaluate(batch, self._workshop, progress=self._progress, keeper=keeper)
                results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
                failed += [
                    (one, self._told(one, out))
                    for one, out in zip(found, outcomes, strict=True)
                    if isinstance(out, SetAside)
                ]
                evaluated = patiently(store.save, results)
                failures = [failure_of(one.digest, item) for one, item in failed]
                patiently(store.fail_work, failures, limit=self._settings.run.tries)
        except BaseException:
            with suppress(StoreError):
                store.release_work()
            raise
        self._progress.step("scored", [result.evaluation.interaction for result in results])
        set_aside = tuple(item for _, item in failed)
        patiently(store.set_aside, self._run, set_aside)
        after_batch(store, self._settings, results, time.monotonic() - began, self._workshop.cards)
        return Worked(len(results), evaluated, set_aside)

    def _told(self, one: Arrival, item: SetAside) -> SetAside:
        """What is wrong with a recording by its own name, as planning tells it."""
        if item.code not in _OF_RECORDINGS or one.recording is None:
            return item
        return replace(item, source=Path(os.path.relpath(one.recording, self._inbox)).as_posix())

    def _loaded(self, portion: Portion[Arrival]) -> tuple[Batch, list[Arrival], list[tuple[Arrival, SetAside]]]:
        """All that is known of a portion, who that is in the order of results, and whose file went away."""
        store, workshop, language = self._store, self._workshop, self._settings.language
        heard = {one: store.heard(one.digest, models=workshop.models(one)) for one in portion.heard}
        read = {
            one: store.conversation(one.digest, models=workshop.models(one), engine_version=__version__)
            for one in portion.read
        }
        whole: dict[Arrival, Interaction] = {}
        gone: list[tuple[Arrival, SetAside]] = []
        lost = (one for one, kept in (*heard.items(), *read.items()) if kept is None)
        for one in (*portion.interactions, *lost):
            try:
                whole[one] = fetch(one, language=language)
            except InputError as error:
                gone.append((one, SetAside.because(error, one.source)))
        known_heard = {one: kept for one, kept in heard.items() if kept is not None}
        known_read = {one: kept for one, kept in read.items() if kept is not None}
        batch = Batch(tuple(whole.values()), tuple(known_heard.values()), tuple(known_read.values()))
        return batch, [*whole, *known_heard, *known_read], gone


@contextmanager
def _beating(store: Store) -> Iterator[None]:
    """While it is entered, this process tells now and then that it lives."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(BEAT):
            with suppress(StoreError):
                store.beat()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


class _Keeper:
    """Puts what a step has done into the store."""

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress

    def heard(self, conversation: Conversation, models: Mapping[str, str]) -> None:
        patiently(self._store.keep_heard, conversation, models=models)
        self._progress.step("heard", [conversation.interaction.id])

    def read(self, conversations: Sequence[tuple[Conversation, Mapping[str, str]]]) -> None:
        if conversations:
            patiently(self._store.keep_read, conversations, engine_version=__version__)
            self._progress.step("read", [conversation.interaction.id for conversation, _ in conversations])


def workshop_of(settings: Settings, store: Store) -> Workshop:
    """Cards and models of the settings, with the versions of cards that are in use in a store.

    Raises:
        ScorecardError: a card is missing or wrong.
    """
    return Workshop(settings, find=partial(in_use, store=store, language=settings.language))


def failure_of(digest: str, item: SetAside) -> Failure:
    """What to note about a content that was set aside."""
    return Failure(
        digest,
        item.source,
        item.code,
        item.reason,
        item.hint,
        hopeless=item.code in _HOPELESS,
        counts=item.code not in _NOT_ITS_FAULT,
    )
