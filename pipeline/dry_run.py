"""A dry run over the store: which cards are compared, over which conversations, read by which models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from pipeline import __version__
from pipeline.conversation import Channel, Conversation
from pipeline.errors import InputError
from pipeline.i18n import t
from pipeline.interview import Interviewer, interviewer_for, questions_of, unanswered
from pipeline.meaning import equip
from pipeline.reader_models import open_reader
from pipeline.rescoring import Comparison, Pair, Reader, Tally
from pipeline.scorecard import Scorecard
from pipeline.settings import Settings
from pipeline.store.records import Result, Stored
from pipeline.versions import counterpart, named, register

if TYPE_CHECKING:
    from pipeline.store.database import Store
    from pipeline.store.past import Period

KEPT_AT_ONCE = 200


class Progress(Protocol):
    """What is told while conversations are scored."""

    def done(self, interactions: int) -> None:
        """So many more are done."""


@dataclass(frozen=True, slots=True)
class Past:
    """Which conversations: begun from `since` on and before `until`, of one agent, the newest `limit` of them."""

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    limit: int | None = None


def moment(text: str | None, settings: Settings, *, where: str, last: bool = False) -> datetime | None:
    """The moment that a day such as `2026-01-31` or a time means, in the zone of the settings.

    Args:
        text: ISO 8601; `None` gives `None`.
        settings: with the zone, for a text without one.
        where: the option, for the error.
        last: a day alone means its end.

    Raises:
        InputError: Z121, it is no date.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        what = t(settings.language, "rescore.no_date", text=text)
        raise InputError("Z121", what, where=where, hint=t(settings.language, "rescore.no_date_hint")) from error
    if last and len(text) <= len("2026-01-31"):
        found += timedelta(days=1)
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.time_zone))


class DryRun:
    """Two cards and a store.

    Args:
        scorecard: name of the changed card (path, `ID@VERSION`, digest or id).
        against: name of the card to compare with; default the active version of the same id.
        store: the past.
        settings: which reader is in use.

    Raises:
        BadScorecardError: Z201, a card is wrong.
        ScorecardError: Z212 there is no such version, Z213 none is active.
    """

    def __init__(self, scorecard: str, against: str | None, store: Store, settings: Settings) -> None:
        language = settings.language
        self.new = equip(named(scorecard, store, language=language), settings)
        self.old = equip(
            counterpart(self.new, store, language=language)
            if against is None
            else named(against, store, language=language),
            settings,
        )
        self.kept = self.left = 0
        self._store = store
        self._settings = settings

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Channels that both cards are made for."""
        return tuple(channel for channel in Channel if self.old.applies_to(channel) and self.new.applies_to(channel))

    def count(self, past: Past) -> int:
        """How many conversations will be compared."""
        found = self._store.past_count(self._period(past))
        return found if past.limit is None else min(found, past.limit)

    def compare(self, past: Past, *, progress: Progress | None = None, keep_as: str | None = None) -> Comparison:
        """Score the past by both cards, a page in memory at a time.

        Args:
            past: which conversations.
            progress: told of each one.
            keep_as: who keeps the new evaluations in the store; `None` writes nothing. Only what this version of
                zhijian and the present reader measured and read, with every question answered, can be kept; the rest
                is counted in `left`.

        Raises:
            ScorecardError: Z211, the version of the card to keep is settled with another content.
            StoreError: the store cannot be read or written.
        """
        if keep_as is not None:
            register(self.new, self._store, who=keep_as)
        tally = Tally(self.old, self.new)
        stream = iter(self._store.past(self._period(past), limit=past.limit))
        while page := list(islice(stream, KEPT_AT_ONCE)):
            page = self._answered(page)
            pairs = [self._add(tally, stored) for stored in page]
            if keep_as is not None:
                self._keep(zip(page, pairs, strict=True))
            if progress is not None:
                progress.done(len(page))
        return tally.comparison()

    def _add(self, tally: Tally, stored: Stored) -> Pair:
        return tally.add(
            stored.conversation,
            models=self._models(stored),
            reader=self._reader_of(stored),
            engine_version=stored.engine_version,
        )

    def _answered(self, page: list[Stored]) -> list[Stored]:
        """The page with the answers to the cards' questions that are known already; nobody is asked."""
        if self._interviewer is None or not (questions_of(self.old) or questions_of(self.new)):
            return page
        conversations = [stored.conversation for stored in page]
        both = [_known(self._interviewer, conversations, card) for card in (self.old, self.new)]
        return [
            replace(stored, conversation=replace(old, answers=MappingProxyType({**old.answers, **new.answers})))
            for stored, old, new in zip(page, *both, strict=True)
        ]

    def _keep(self, some: Iterable[tuple[Stored, Pair]]) -> None:
        fresh = []
        for stored, pair in some:
            settled = stored.engine_version == __version__ and not unanswered(stored.conversation)
            if settled and self._reader_of(stored) == "present":
                fresh.append(Result(stored.conversation, pair.after, pair.review_after))
            else:
                self.left += 1
        self.kept += self._store.save(fresh)

    def _reader_of(self, stored: Stored) -> Reader:
        if not stored.conversation.readings:
            return "missing"
        return "present" if stored.models.get("tone", "").rpartition("@")[2] == self._reader else "other"

    @cached_property
    def _interviewer(self) -> Interviewer | None:
        return interviewer_for(self._settings)

    def _models(self, stored: Stored) -> Mapping[str, str]:
        if self._interviewer is None or not questions_of(self.new):
            return stored.models
        return {**stored.models, "question": self._interviewer.name}

    @cached_property
    def _reader(self) -> str:
        """Digest of the reader in use."""
        return open_reader(self._settings).digest

    def _period(self, past: Past) -> Period:
        from pipeline.store.past import Period

        return Period(past.since, past.until, past.agent, self.channels)


def _known(interviewer: Interviewer, conversations: list[Conversation], card: Scorecard) -> tuple[Conversation, ...]:
    """The conversations with the answers to the questions of a card that were given before."""
    return interviewer.answered(conversations, lambda _: card, ask=False)
