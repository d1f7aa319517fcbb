"""One night, several processes: one plans and finishes it, the others take batches out of the store till none is left.

The store holds who is in a batch, never what was said: whoever takes one reads that from the inbox, which all of them
see under the same path. All work by the same version of the program, the same scorecards and the same models; one who
has others says so and leaves the batch to the rest. What a process dies of is said at the end, and left to the next
run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from pipeline import __version__
from pipeline.arrivals import Arrival, Place
from pipeline.batch import Portion
from pipeline.conversation import Channel, Json, SetAside
from pipeline.errors import SettingsError, StoreError
from pipeline.i18n import t
from pipeline.nightly import Nightly
from pipeline.patience import patiently
from pipeline.settings import SECRET, Settings
from pipeline.settings_tables import Scorecards
from pipeline.shift import Shift, Worked
from pipeline.store import open_store
from pipeline.store.records import BEAT, Laid, Shared
from pipeline.workshop import Workshop

_STAGES = ("interactions", "heard", "read")


class Crew:
    """The side of the one who plans: lays the batches out, sees how far the others are, and takes over what they did.

    Args:
        planned: the night; its progress is told of whole batches, for nobody sees into another process.

    Raises:
        StoreError: the store cannot be written.
    """

    def __init__(self, planned: Nightly) -> None:
        self.planned = planned
        self._seen: set[int] = set()
        self._beaten = time.monotonic()
        self.done = 0
        patiently(planned.store.lay_out, planned.run, [_laid(n, one, planned) for n, one in enumerate(planned.batches)])

    def look(self) -> bool:
        """Tell what was done since the last look; gives whether anybody works or has worked on something since."""
        if time.monotonic() - self._beaten > BEAT:
            patiently(self.planned.store.beat)
            self._beaten = time.monotonic()
        now = patiently(self.planned.store.shared, self.planned.run)
        fresh = [one for one in now if one.done and one.number not in self._seen]
        for one in fresh:
            self._seen.add(one.number)
            self.done += one.size
            self.planned.progress.done(one.size)
            gone = {item.source for item in one.set_aside}
            items = self.planned.batches[one.number].items
            self.planned.progress.step("scored", [item.id for item in items if item.source not in gone])
        return bool(fresh) or any(one.working for one in now)

    def gather(self) -> int:
        """Take over what the others did and clear the batches away; gives how many results there are.

        What was not finished is set aside for this night, a batch at a time.
        """
        self.look()
        store, run, made = self.planned.store, self.planned.run, 0
        for one in patiently(store.shared, run):
            if one.done:
                worked = Worked(one.results or 0, one.evaluated, one.set_aside)
            elif left := self.planned.unfinished(one.number):
                worked = Worked(0, 0, (self._unfinished(one, len(left)),))
            else:
                # It died after it had kept everything.
                worked = Worked(one.size, one.size)
            self.planned.add(worked)
            made += worked.results
        patiently(store.clear_batches, run)
        return made

    def _unfinished(self, one: Shared, left: int) -> SetAside:
        language = self.planned.settings.language
        if one.worker is not None:
            why = t(language, "crew.died", count=left, worker=one.worker)
        elif one.problem:
            why = t(language, "crew.given_back", count=left, problem=one.problem)
        else:
            why = t(language, "crew.nobody", count=left)
        return SetAside(self.planned.batches[one.number].name, "Z194", why, t(language, "crew.unfinished_hint"))


class Hand:
    """The side of those who work: with the settings of their machine and the number of a run, and nothing else.

    Args:
        settings: where the store is and what this machine has; scorecards are those of the run.
        run: the number of the run in the store.

    Raises:
        StoreError: the store cannot be opened.
    """

    def __init__(self, settings: Settings, run: int) -> None:
        self._settings = settings
        self._run = run
        self._store = patiently(open_store, settings.store_url, media=settings.media, language=settings.language)
        self._shift: Shift | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store, and of the processes that decode."""
        if self._shift is not None:
            self._shift.workshop.close()
        self._store.close()

    def work_off(self) -> int:
        """Take batch after batch until there is none; gives how many results were made.

        Raises:
            SettingsError: Z581 this machine has another version, card or model than the run; or a model is missing.
            StoreError: the store cannot be written.
        """
        made = 0
        while (laid := patiently(self._store.take_batch, self._run)) is not None:
            made += self._work(laid)
        return made

    def work(self, number: int) -> int:
        """Work on the batch of that number, unless another has taken it; gives how many results were made.

        Raises:
            SettingsError: as `work_off`.
            StoreError: the store cannot be written.
        """
        laid = patiently(self._store.take_batch, self._run, number)
        return 0 if laid is None else self._work(laid)

    def _work(self, laid: Laid) -> int:
        try:
            portion = _portion(laid)
            worked = self._ready(laid.content, portion.items).work(portion)
        except BaseException as error:
            with suppress(StoreError):
                self._store.give_back(self._run, laid.number, str(error))
            raise
        patiently(
            self._store.end_batch,
            self._run,
            laid.number,
            results=worked.results,
            evaluated=worked.evaluated,
            set_aside=worked.set_aside,
        )
        return worked.results

    def _ready(self, content: Any, items: Sequence[Arrival]) -> Shift:
        """Who works these off, by the cards of the run, once it is clear that this machine has what the run has."""
        if self._shift is None:
            of_the_run = {"scorecards": Scorecards(**content["cards"])}
            settings = self._settings.model_copy(update=of_the_run)
            self._shift = Shift(settings, self._run, content["inbox"], store=self._store)
        ours = _names(__version__, _models(items, self._shift.workshop))
        theirs = _names(content["engine"], content["models"])
        if ours != theirs:
            language = self._settings.language
            joiner = t(language, "cli.results.and")
            here, there = (joiner.join(sorted(names)) for names in (ours - theirs, theirs - ours))
            what = t(language, "crew.other_models", ours=here, theirs=there)
            raise SettingsError("Z581", what, hint=t(language, "crew.other_models_hint"))
        return self._shift


_HANDS: list[tuple[Mapping[str, Any], int, Hand]] = []
"""The one of this process, which works on one run at a time."""


def hand_of(settings: Mapping[str, Any], run: int) -> Hand:
    """The one who works for a run in this process, made once, from what `travelling` gave.

    The environment of this process wins over what came, as it wins over a file; secrets come from nowhere else.
    """
    if _HANDS and _HANDS[0][:2] != (settings, run):
        _HANDS.pop()[2].close()
    if not _HANDS:
        _HANDS.append((settings, run, Hand(Settings(**settings), run)))
    return _HANDS[0][2]


def travelling(settings: Settings) -> Mapping[str, Any]:
    """Settings as they may be sent to other processes: without secrets, which each takes from its own environment."""
    told = settings.model_dump(mode="json")
    for key in SECRET:
        area, name = key.split(".")
        del told[area][name]
    return told


def _laid(number: int, portion: Portion[Arrival], planned: Nightly) -> Laid:
    workshop = planned.workshop
    content: dict[str, Any] = {
        "inbox": planned.inbox,
        "engine": __version__,
        "cards": {channel.value: workshop.card(channel).digest for channel in Channel},
        "models": _models(portion.items, workshop),
    }
    content |= {stage: [_told(one) for one in getattr(portion, stage)] for stage in _STAGES}
    return Laid(number, portion.name, len(portion), content)


def _portion(laid: Laid) -> Portion[Arrival]:
    content: Any = laid.content
    new, heard, read = (tuple(_arrival(*one) for one in content[stage]) for stage in _STAGES)
    return Portion(laid.name, new, heard, read)


def _told(one: Arrival) -> list[Json]:
    place = one.place
    about: list[Json] = [one.id, one.channel.value, one.digest, one.source, one.written, one.recording]
    return [*about, place.file, place.line, place.offset, place.size, place.mark.hex()]


def _arrival(
    identifier: str,
    channel: str,
    digest: str,
    source: str,
    written: bool,
    recording: str | None,
    file: str,
    line: int | None,
    offset: int,
    size: int,
    mark: str,
) -> Arrival:
    place = Place(file, line, offset, size, bytes.fromhex(mark))
    return Arrival(identifier, Channel(channel), digest, source, written, recording, place)


def _models(items: Sequence[Arrival], workshop: Workshop) -> list[Json]:
    """The models that these rest on, each kind of interaction once."""
    kinds = {(one.channel.value, one.written): one for one in items}
    return [[*kind, dict(workshop.models(kinds[kind]))] for kind in sorted(kinds)]


def _names(engine: str, models: Sequence[Any]) -> frozenset[str]:
    """What `_models` gave, with the version of the program, as names."""
    used = {f"{part} {name}" for *_, kind in models for part, name in kind.items()}
    return frozenset({f"zhijian {engine}", *used})
