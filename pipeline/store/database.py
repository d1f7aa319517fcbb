"""The store itself: what the other parts ask of it, each question in a session of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.conversation import Agent, Conversation, SetAside
from pipeline.errors import ScorecardError
from pipeline.i18n import Language, t
from pipeline.night_figures import Judged, NightFigures
from pipeline.remote import NoDriverError, RemotePath, place
from pipeline.store import (
    backup,
    cards,
    decisions,
    erasing,
    keeping,
    known,
    listing,
    media,
    nights,
    outbox,
    outlines,
    past,
    runs,
    searching,
    sharing,
    work,
)
from pipeline.store.backup import Backup
from pipeline.store.failures import failed, refused, told
from pipeline.store.portions import portions
from pipeline.store.records import (
    CardState,
    CardVersion,
    Decision,
    Failure,
    Hit,
    Item,
    Laid,
    Letter,
    LetterState,
    Listed,
    Message,
    Outline,
    Quarantined,
    Result,
    Reviewed,
    Run,
    Shared,
    Stored,
)
from pipeline.store.sessions import Sessions


class Store:
    """Results of all nights. Safe to share between threads; every method is one transaction.

    Args:
        url: a SQLAlchemy URL.
        media: the folder that copies of recordings go to: a path, or an address such as `s3://bucket/folder`.
        language: of errors.

    Raises:
        StoreError: Z401 no such kind of database, Z402 it cannot be opened, Z403 it was made by a newer zhijian, Z407
            no such kind of folder for recordings.
    """

    def __init__(self, url: str, *, media: str | Path, language: Language = "zh") -> None:
        self._language = language
        try:
            self._media = place(media)
        except NoDriverError as error:
            raise refused(language, "Z407", "no_driver", str(media), detail=str(error)) from error
        self._sessions = Sessions(url, language)
        self._reading, self._writing = self._sessions.reading, self._sessions.writing

    def close(self) -> None:
        """Let go of the database."""
        self._sessions.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def identities(self) -> Mapping[str, str]:
        """Digest of every interaction in the store, by its id."""
        return {identifier: item.digest for identifier, item in self.interactions().items()}

    def interactions(self, ids: Sequence[str] | None = None) -> Mapping[str, Item]:
        """Digest and file of interactions, by their id; one that was replaced has another id.

        Args:
            ids: only these; default all in the store.
        """
        with self._reading() as session:
            return known.interactions(session, ids)

    def has(self, digest: str) -> bool:
        """Whether an interaction is in the store."""
        with self._reading() as session:
            return known.has(session, digest)

    def replace(self, identifier: str, digest: str) -> None:
        """Let the interaction of that digest, if it is in the store, be the one with that id, whoever was until now."""
        with self._writing() as session:
            keeping.replace(session, identifier, digest)

    def evaluated(
        self, digests: Sequence[str], *, scorecard_digest: str, models: Mapping[str, str], engine_version: str
    ) -> frozenset[str]:
        """Those digests whose interactions have an evaluation by this scorecard, these models and this engine."""
        with self._reading() as session:
            return known.evaluated(session, digests, scorecard_digest, models, engine_version)

    def conversation(self, digest: str, *, models: Mapping[str, str], engine_version: str) -> Conversation | None:
        """What these models and this engine heard, measured and read in an interaction, if they did."""
        with self._reading() as session:
            return known.read(session, digest, models, engine_version, self._media)

    def heard(self, digest: str, *, models: Mapping[str, str]) -> Conversation | None:
        """What the speech model among these models heard in an interaction, if it did: turns, not measured or read."""
        with self._reading() as session:
            return known.heard(session, digest, models, self._media)

    def which_heard(self, digests: Sequence[str], *, models: Mapping[str, str]) -> frozenset[str]:
        """Those digests whose interactions the speech model among these models heard."""
        with self._reading() as session:
            return known.which_heard(session, digests, models)

    def which_read(self, digests: Sequence[str], *, models: Mapping[str, str], engine_version: str) -> frozenset[str]:
        """Those digests whose interactions these models and this engine heard and read."""
        with self._reading() as session:
            return known.which_read(session, digests, models, engine_version)

    def keep_heard(self, conversation: Conversation, *, models: Mapping[str, str]) -> None:
        """Keep what was heard in an interaction, with a copy of its recording; it need not be heard again.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        copies = self._copies([conversation])
        with self._writing() as session:
            keeping.heard(session, [(conversation, models)], copies, datetime.now(UTC))

    def keep_read(
        self, conversations: Iterable[tuple[Conversation, Mapping[str, str]]], *, engine_version: str
    ) -> None:
        """Keep what was heard and read in interactions, each by its models; it need not be read again.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        some = tuple(conversations)
        copies = self._copies([conversation for conversation, _ in some])
        with self._writing() as session:
            keeping.read(session, some, engine_version, copies, datetime.now(UTC))

    def save(self, results: Iterable[Result], *, at: datetime | None = None) -> int:
        """Keep results with copies of their recordings. What is in the store already is left as it is.

        What stood in the list of work about them is forgotten.

        Returns:
            How many evaluations are new.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        results = tuple(results)
        moment = at or datetime.now(UTC)
        copies = self._copies([result.conversation for result in results])
        with self._writing() as session:
            new = keeping.scored(session, results, copies, moment)
            work.done(session, [result.conversation.interaction.digest for result in results])
            return new

    def take_stock(self, *, limit: int, died: Failure) -> work.Stock:
        """What earlier runs left undone; contents at which a process died have one try more.

        Args:
            limit: tries after which a content goes into quarantine.
            died: what to note about those at which a process died.
        """
        with self._writing() as session:
            return work.take_stock(session, limit=limit, died=died, now=datetime.now(UTC))

    def begin_work(self, items: Iterable[Item], *, inbox: str) -> frozenset[str]:
        """Note that this process works on these contents, in case it dies of them; gives the digests that it has got.

        The others are worked on by another process.
        """
        with self._writing() as session:
            return work.begin(session, items, inbox=inbox)

    def beat(self) -> None:
        """Note that this process lives, for those who look from other machines (`pipeline.store.work`)."""
        with self._writing() as session:
            work.beat(session)

    def lay_out(self, run: int, batches: Iterable[Laid]) -> None:
        """Put the batches of a run where other processes find them."""
        with self._writing() as session:
            sharing.lay_out(session, run, batches)

    def take_batch(self, run: int, number: int | None = None) -> Laid | None:
        """Take a batch of a run that nobody has, that of a number or the next one; `None` where there is none."""
        with self._writing() as session:
            return sharing.take(session, run, number)

    def end_batch(
        self, run: int, number: int, *, results: int, evaluated: int, set_aside: Iterable[SetAside] = ()
    ) -> None:
        """Note what came of a batch that this process has taken."""
        with self._writing() as session:
            sharing.end(session, run, number, results=results, evaluated=evaluated, set_aside=set_aside)

    def give_back(self, run: int, number: int, problem: str) -> None:
        """Let others take a batch that this process has taken and cannot work on."""
        with self._writing() as session:
            sharing.give_back(session, run, number, problem)

    def shared(self, run: int) -> tuple[Shared, ...]:
        """How the batches stand that were laid out for a run."""
        with self._reading() as session:
            return sharing.shared(session, run)

    def clear_batches(self, run: int) -> None:
        """Forget the batches that were laid out for a run."""
        with self._writing() as session:
            sharing.clear(session, run)

    def fail_work(self, failures: Iterable[Failure], *, limit: int) -> None:
        """Count tries that failed; a content that had `limit` of them goes into quarantine."""
        with self._writing() as session:
            work.fail(session, failures, limit=limit, now=datetime.now(UTC))

    def release_work(self) -> None:
        """Note that this process works on nothing any more."""
        with self._writing() as session:
            work.release(session)

    def quarantined(self) -> tuple[Quarantined, ...]:
        """All contents in quarantine, by file."""
        with self._reading() as session:
            return work.quarantined(session)

    def leave_quarantine(self, digests: Iterable[str]) -> None:
        """Let these contents be tried again, as if for the first time."""
        with self._writing() as session:
            work.done(session, digests)

    def results(self, *, digests: Collection[str] | None = None, newest: bool = True) -> Iterator[Result]:
        """Results by interaction id and time of evaluation, read as a stream: nothing is held but a hundred.

        Args:
            digests: only these interactions.
            newest: only the last evaluation of each interaction.
        """
        with self._reading() as pages:
            for page in past.evaluations(pages, digests, newest=newest):
                with self._reading() as session:
                    yield from past.results(session, page, self._media)

    def outlines(self, digests: Sequence[str] | None = None) -> Iterator[Outline]:
        """Outlines of the newest results by interaction id, of some interactions or of all, read as a stream."""
        with self._reading() as session:
            numbers = outlines.newest(session, digests)
        reader = outlines.Outlines(self._media)
        for some in portions(numbers):
            with self._reading() as session:
                yield from reader.load(session, some)

    def queue(self, *, limit: int = 50, after: Listed | None = None) -> tuple[Listed, ...]:
        """What waits for a person: flagged and not decided on, the most urgent first; a page, that behind `after`."""
        with self._reading() as session:
            return tuple(listing.stream(session, listing.queue(limit, after)))

    def waiting(self) -> int:
        """How many interactions wait for a person."""
        with self._reading() as session:
            return listing.waiting(session)

    def listed(
        self, *, agent: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Listed]:
        """Interactions from `since` on and before `until`, of an agent or of all, newest first, read as a stream."""
        with self._reading() as session:
            yield from listing.stream(session, listing.period(agent, since, until))

    def agents(self) -> tuple[Agent, ...]:
        """All agents by id, each as their newest interaction names them."""
        with self._reading() as session:
            return listing.agents(session)

    def search(
        self, text: str, *, agent: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Hit]:
        """Interactions in which a text was said, the last one taken in first, read a page at a time.

        Args:
            text: two characters at least; of parts with blanks between, all must have been said, wherever.
            agent: only interactions of the agent with this id.
            since: only those that began from then on.
            until: only those that began before.

        Raises:
            StoreError: Z414, a part of the text has fewer than two characters.
        """
        try:
            parts = searching.asked(text)
        except ValueError as error:
            raise refused(self._language, "Z414", "too_short", text=text) from error
        return self._search(parts, agent, since, until)

    def _search(
        self, parts: tuple[str, ...], agent: str | None, since: datetime | None, until: datetime | None
    ) -> Iterator[Hit]:
        with self._reading() as session:
            yield from searching.search(session, parts, agent=agent, since=since, until=until)

    def decide(self, decision: Decision) -> None:
        """Keep what a person decided; earlier decisions on the same criterion stay beside it.

        It belongs to the newest evaluation of the interaction by that scorecard.

        Raises:
            KeyError: the interaction has no evaluation by that scorecard.
        """
        with self._writing() as session:
            decisions.add(session, decision)

    def decisions(self) -> tuple[Decision, ...]:
        """Everything that people decided, in the order of time, decisions that a later one replaced included."""
        with self._reading() as session:
            return tuple(decisions.every(session))

    def reviewed(self) -> Iterator[Reviewed]:
        """Evaluations that people decided on, by interaction id, with the last decision on each criterion."""
        with self._reading() as session:
            numbers = decisions.decided(session)
        for number in numbers:
            with self._reading() as session:
                found = decisions.reviewed(session, number, self._media)
            yield found

    def keep_card(
        self, scorecard_id: str, version: str, digest: str, text: str, *, who: str, why: str = ""
    ) -> CardVersion:
        """Keep the YAML text of a scorecard. A version that is new becomes a draft, a draft takes the new content.

        Raises:
            ScorecardError: Z211, that version is or was active with another content.
        """
        now = datetime.now(UTC)
        try:
            with self._writing() as session:
                return cards.keep(session, scorecard_id, version, digest, text, who=who, why=why, at=now)
        except cards.LockedVersionError as locked:
            state = t(self._language, f"versions.state.{locked.version.state}")
            what = t(self._language, "versions.locked", name=locked.version.name, state=state)
            hint = t(self._language, "versions.locked_hint", id=scorecard_id, version=version)
            raise ScorecardError("Z211", what, hint=hint) from locked

    def change_card(self, scorecard_id: str, version: str, state: CardState, *, who: str, why: str = "") -> CardVersion:
        """Give a version of a scorecard a state; the one that was active until then is retired.

        Raises:
            KeyError: there is no such version.
        """
        with self._writing() as session:
            return cards.change(session, scorecard_id, version, state, who=who, why=why, at=datetime.now(UTC))

    def card_versions(self, scorecard_id: str | None = None) -> tuple[CardVersion, ...]:
        """Versions of all scorecards, or of one, by card and in the order they were first kept."""
        with self._reading() as session:
            return cards.versions(session, scorecard_id)

    def card_texts(self, digest: str) -> Mapping[str, str]:
        """YAML texts of the kept scorecards whose digest begins so (with or without `sha256:`), by digest."""
        with self._reading() as session:
            return cards.texts(session, digest)

    def past_count(self, period: past.Period) -> int:
        """How many evaluated interactions belong to a period."""
        with self._reading() as session:
            return past.count(session, period)

    def past(self, period: past.Period, *, limit: int | None = None) -> Iterator[Stored]:
        """Evaluated interactions of a period as they were heard and read, newest first, a page in memory at a time."""
        with self._reading() as pages:
            for page in past.rows(pages, period, limit):
                with self._reading() as session:
                    yield from past.load(session, page, self._media)

    def backup(self, file: Path) -> Backup:
        """Write everything in the store into one file, while others go on; the recordings are not in it.

        Raises:
            StoreError: Z402, Z404, Z405, Z406 the store cannot be read or the file not written.
        """
        with self._filed(file), self._sessions.guarded():
            return backup.write(self._sessions.engine, file, self._make)

    def restore(self, file: Path) -> Backup:
        """Put everything in a backup into this store, which must be empty: all of it, or nothing.

        Raises:
            StoreError: Z402–Z406 the store cannot be written; Z420 no backup, or a damaged one, Z421 the store is not
                empty, Z422 what arrived differs from what is in the backup.
        """
        try:
            with self._filed(file), self._sessions.guarded(), self._sessions.writer.begin() as connection:
                return backup.restore(file, connection, self._make)
        except backup.DamagedError as error:
            raise refused(self._language, "Z420", "no_backup", str(file), detail=str(error)) from error
        except backup.NotEmptyError as error:
            raise refused(self._language, "Z421", "not_empty", self._sessions.name) from error
        except backup.DifferentError as error:
            raise refused(self._language, "Z422", "different", str(file), detail=str(error)) from error

    def kept(self, *, before: datetime | None = None, customer: str | None = None) -> tuple[erasing.Kept, ...]:
        """Interactions that began before a moment, or those of a customer, by the order of time."""
        with self._reading() as session:
            return tuple(erasing.kept(session, before=before, customer=customer))

    def drop_media(self, digests: Collection[str]) -> tuple[Path | RemotePath, ...]:
        """Delete the copies of recordings of interactions that no other one needs; gives what was deleted.

        Raises:
            StoreError: Z402 the database cannot be written, or a copy not deleted.
        """
        with self._reading() as session:
            copies = tuple(self._media / name for name in erasing.lone_media(session, digests))
        # The files first: a copy that cannot be deleted stays known, and the next try finds it.
        try:
            for copy in copies:
                copy.unlink(missing_ok=True)
        except OSError as error:
            raise failed(self._language, str(self._media), told(error)) from error
        with self._writing() as session:
            erasing.drop_media(session, digests)
        return copies

    def drop_text(self, digests: Collection[str]) -> None:
        """Delete what was said in interactions, and quotes of it; verdicts and points stay."""
        with self._writing() as session:
            erasing.drop_text(session, digests, at=datetime.now(UTC))

    def drop_all(self, items: Collection[erasing.Kept], *, why: str) -> None:
        """Delete interactions with all that hangs on them, people's decisions and messages about them included."""
        with self._writing() as session:
            erasing.drop_all(session, items, why=why, at=datetime.now(UTC))

    def closed(self) -> frozenset[str]:
        """Digests of contents that are not to be taken in again, because they or their texts were deleted."""
        with self._reading() as session:
            return erasing.closed(session)

    def own_texts(self, digests: Collection[str], *, least: int, most: int) -> tuple[str, ...]:
        """The longest texts that were said in these interactions and in no other, of at least so many characters."""
        with self._reading() as session:
            return erasing.own_texts(session, digests, least=least, most=most)

    def remaining(self, digests: Collection[str]) -> tuple[str, ...]:
        """Columns (`table.column`) of any table that still name one of these digests, but for the list of deleted."""
        with self._reading() as session:
            return erasing.remaining(session, digests)

    def traces(self, words: Iterable[str]) -> tuple[str, ...]:
        """Columns (`table.column`) of any table that hold one of these words."""
        with self._reading() as session:
            return erasing.traces(session, words)

    def overwrite(self) -> None:
        """See to it that what was deleted cannot be read in the files of a SQLite database either."""
        with self._sessions.guarded():
            erasing.overwrite(self._sessions.engine)

    def begin_run(self, inbox: str, engine: str) -> int:
        """Note that a run over an inbox begins; gives its number."""
        with self._writing() as session:
            return runs.begin(session, inbox, engine, at=datetime.now(UTC))

    def set_aside(self, run: int, items: Iterable[SetAside]) -> None:
        """Note files that a run set aside; one seen before keeps its first run."""
        with self._writing() as session:
            runs.set_aside(session, run, items)

    def finish_run(self, run: int, *, taken: int, evaluated: int, known: int) -> None:
        """Note that a run is done, and what it did."""
        with self._writing() as session:
            runs.finish(session, run, taken=taken, evaluated=evaluated, known=known, at=datetime.now(UTC))

    def last_set_aside(self) -> tuple[SetAside, ...]:
        """Files that the last run set aside, in the order of their names."""
        with self._reading() as session:
            return runs.last_set_aside(session)

    def note_timings(self, seconds: Mapping[str, float]) -> None:
        """Keep how many seconds of a worker interactions took, by digest."""
        with self._writing() as session:
            nights.note_timings(session, seconds)

    def untold(self) -> Iterator[Judged]:
        """What a night counts of the interactions that no night has told of yet, a page in memory at a time."""
        with self._reading() as session:
            yield from nights.judged(session, nights.untold(session))

    def keep_night(
        self, figures: NightFigures, content: Mapping[str, Any], message: Message | None, to: Iterable[str]
    ) -> bool:
        """Keep what a night came to together with its message, or neither; false where the run has a night already.

        Args:
            figures: the night.
            content: the same as JSON.
            message: what receivers are told of it, if anything.
            to: names of the receivers.
        """
        with self._writing() as session:
            kept = nights.keep(session, figures, content)
            if kept and message is not None:
                outbox.put(session, message, to, at=datetime.now(UTC))
            return kept

    def nights(self, count: int, *, before: int | None = None) -> tuple[Mapping[str, Any], ...]:
        """Figures of the last nights as JSON, the newest first; only of runs before one, where it is named."""
        with self._reading() as session:
            return nights.latest(session, count, before)

    def put_message(self, message: Message, to: Iterable[str]) -> tuple[str, ...]:
        """Put a message into the outbox, once for each receiver; gives the subjects it is the first to tell of."""
        with self._writing() as session:
            return outbox.put(session, message, to, at=datetime.now(UTC))

    def untold_subjects(self, subjects: Collection[str]) -> frozenset[str]:
        """Those subjects that no message was about."""
        with self._reading() as session:
            return outbox.untold(session, subjects)

    def letters_due(self, receivers: Collection[str], *, again: bool = False) -> tuple[Letter, ...]:
        """Messages that wait for these receivers, oldest first; `again`: those that they refused too."""
        with self._reading() as session:
            return outbox.due(session, receivers, again=again)

    def claim_letter(self, letter: int) -> Letter | None:
        """Take a message for sending; `None` where another process has it, or it must not be sent any more."""
        with self._writing() as session:
            return outbox.claim(session, letter)

    def settle_letter(
        self, letter: int, state: LetterState, problem: str = "", *, doubtful: bool = False
    ) -> LetterState:
        """Note how a try ended; `doubtful`: nobody knows whether the message arrived. Gives what it comes to."""
        with self._writing() as session:
            return outbox.settle(session, letter, state, problem, doubtful=doubtful)

    def letters(self, limit: int = 100) -> tuple[Letter, ...]:
        """The last messages with their receivers, newest first."""
        with self._reading() as session:
            return outbox.letters(session, limit)

    def runs(self) -> tuple[Run, ...]:
        """All runs, the last one first."""
        with self._reading() as session:
            return runs.every(session)

    def _copies(self, conversations: Iterable[Conversation]) -> dict[str, str | None]:
        try:
            return media.copies(conversations, self._media)
        except OSError as error:
            where = str(self._media)
            if isinstance(self._media, RemotePath):
                raise refused(self._language, "Z408", "media_gone", where, detail=told(error)) from error
            raise failed(self._language, where, told(error), error) from error

    def _make(self, file: Path) -> None:
        """Make the tables of a store in a SQLite file, or bring them up to date."""
        Sessions(f"sqlite:///{file}", self._language).close()

    @contextmanager
    def _filed(self, file: Path) -> Iterator[None]:
        """Let what a file refuses be a `StoreError`."""
        try:
            yield
        except OSError as error:
            raise failed(self._language, str(file), told(error), error) from error
        except sqlite3.Error as error:
            raise failed(self._language, str(file), str(error), error) from error
