"""The store itself: an engine, its migrations, and the questions that the other parts ask."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipeline.conversation import Agent, Conversation, SetAside
from pipeline.errors import ScorecardError, StoreError
from pipeline.i18n import Language, t
from pipeline.night_figures import Judged, NightFigures
from pipeline.remote import NoDriverError, RemotePath, place
from pipeline.store import (
    backup,
    cards,
    codec,
    decisions,
    erasing,
    keeping,
    listing,
    nights,
    outbox,
    past,
    searching,
    sharing,
    work,
)
from pipeline.store.backup import Backup
from pipeline.store.media import keep
from pipeline.store.outlines import Outlines
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
    ears,
    models_digest,
)
from pipeline.store.tables import (
    AttemptRow,
    CaseRow,
    ConversationRow,
    DecisionRow,
    EvaluationRow,
    HearingRow,
    InteractionRow,
    RunRow,
    ScorecardRow,
    SetAsideRow,
)
from pipeline.store.types import from_json, to_json

BUSY_SECONDS = 30
_READ_AT_ONCE = 100
_ASKED_AT_ONCE = 500


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
        self._media = self._place(media)
        self._engine = self._connect(url)
        self._writer = self._engine.execution_options(immediate=True)
        self._upgrade(url)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

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
        query = select(InteractionRow.id, InteractionRow.digest, InteractionRow.source)
        with self._reading() as session:
            some = session.execute(query) if ids is None else _among(session, query, InteractionRow.id, ids)
            return {name: Item(digest, source) for name, digest, source in some}

    def has(self, digest: str) -> bool:
        """Whether an interaction is in the store."""
        query = select(InteractionRow.digest).where(InteractionRow.digest == digest)
        with self._reading() as session:
            return session.scalar(query) is not None

    def replace(self, identifier: str, digest: str) -> None:
        """Let the interaction of that digest, if it is in the store, be the one with that id, whoever was until now."""
        with self._writing() as session:
            row = session.get(InteractionRow, digest)
            if row is not None and row.id != identifier:
                keeping.make_way(session, identifier, digest)
                row.id, row.replaced_by = identifier, None

    def evaluated(
        self, digests: Sequence[str], *, scorecard_digest: str, models: Mapping[str, str], engine_version: str
    ) -> frozenset[str]:
        """Those digests whose interactions have an evaluation by this scorecard, these models and this engine."""
        query = select(EvaluationRow.interaction_digest).where(
            EvaluationRow.scorecard_digest == scorecard_digest,
            EvaluationRow.models_digest == models_digest(models),
            EvaluationRow.engine_version == engine_version,
        )
        with self._reading() as session:
            return frozenset(digest for (digest,) in _among(session, query, _DIGEST, digests))

    def conversation(self, digest: str, *, models: Mapping[str, str], engine_version: str) -> Conversation | None:
        """What these models and this engine heard, measured and read in an interaction, if they did."""
        query = (
            select(ConversationRow)
            .join(ConversationRow.hearing)
            .where(
                HearingRow.interaction_digest == digest,
                HearingRow.asr_digest == ears(models),
                ConversationRow.models_digest == models_digest(models),
                ConversationRow.engine_version == engine_version,
            )
        )
        with self._reading() as session:
            row = session.scalars(query).one_or_none()
            return None if row is None else codec.conversation_of(row, self._media)

    def heard(self, digest: str, *, models: Mapping[str, str]) -> Conversation | None:
        """What the speech model among these models heard in an interaction, if it did: turns, not measured or read."""
        with self._reading() as session:
            row = session.scalars(_hearing(digest, models)).one_or_none()
            return None if row is None else codec.heard_of(row, self._media)

    def which_heard(self, digests: Sequence[str], *, models: Mapping[str, str]) -> frozenset[str]:
        """Those digests whose interactions the speech model among these models heard."""
        query = select(HearingRow.interaction_digest).where(HearingRow.asr_digest == ears(models))
        with self._reading() as session:
            found = _among(session, query, HearingRow.interaction_digest, digests)
            return frozenset(digest for (digest,) in found)

    def which_read(self, digests: Sequence[str], *, models: Mapping[str, str], engine_version: str) -> frozenset[str]:
        """Those digests whose interactions these models and this engine heard and read."""
        query = (
            select(HearingRow.interaction_digest)
            .join(ConversationRow, ConversationRow.hearing_id == HearingRow.id)
            .where(
                HearingRow.asr_digest == ears(models),
                ConversationRow.models_digest == models_digest(models),
                ConversationRow.engine_version == engine_version,
            )
        )
        with self._reading() as session:
            found = _among(session, query, HearingRow.interaction_digest, digests)
            return frozenset(digest for (digest,) in found)

    def keep_heard(self, conversation: Conversation, *, models: Mapping[str, str]) -> None:
        """Keep what was heard in an interaction, with a copy of its recording; it need not be heard again.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        media = self._copied([conversation])
        with self._writing() as session:
            keeping.heard(session, [(conversation, models)], media, datetime.now(UTC))

    def keep_read(
        self, conversations: Iterable[tuple[Conversation, Mapping[str, str]]], *, engine_version: str
    ) -> None:
        """Keep what was heard and read in interactions, each by its models; it need not be read again.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        some = tuple(conversations)
        media = self._copied([conversation for conversation, _ in some])
        moment = datetime.now(UTC)
        with self._writing() as session:
            keeping.read(session, some, engine_version, media, moment)

    def save(self, results: Iterable[Result], *, at: datetime | None = None) -> int:
        """Keep results with copies of their recordings. What is in the store already is left as it is.

        What stood in the list of work about them is forgotten.

        Returns:
            How many evaluations are new.

        Raises:
            StoreError: Z402, Z404, Z405 the database or the folder of recordings cannot be written.
        """
        moment = at or datetime.now(UTC)
        results = tuple(results)
        media = self._copied([result.conversation for result in results])
        with self._writing() as session:
            new = keeping.scored(session, results, media, moment)
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
        query = select(AttemptRow).where(AttemptRow.quarantined_at.is_not(None))
        with self._reading() as session:
            rows = session.scalars(query.order_by(AttemptRow.source, AttemptRow.digest))
            return tuple(work.quarantined_of(row) for row in rows)

    def leave_quarantine(self, digests: Iterable[str]) -> None:
        """Let these contents be tried again, as if for the first time."""
        with self._writing() as session:
            work.done(session, digests)

    def results(
        self,
        *,
        agent: str | None = None,
        digests: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: bool = True,
    ) -> Iterator[Result]:
        """Results by interaction id and time of evaluation, read as a stream: nothing is held but a hundred.

        Args:
            agent: only interactions of the agent with this id.
            digests: only these interactions.
            since: only interactions that began from then on.
            until: only interactions that began before.
            newest: only the last evaluation of each interaction.
        """
        query = select(EvaluationRow.id, _DIGEST).join(InteractionRow).order_by(InteractionRow.id, EvaluationRow.id)
        query = query.where(InteractionRow.replaced_by.is_(None))
        if newest:
            query = query.join(CaseRow, CaseRow.evaluation_id == EvaluationRow.id)
        else:
            query = query.join(CaseRow, CaseRow.interaction_digest == _DIGEST)
        query = query.where(listing.within(agent, since, until)).execution_options(yield_per=_READ_AT_ONCE)
        if digests is not None and len(digests) <= _ASKED_AT_ONCE:
            query = query.where(_DIGEST.in_(digests))
        with self._reading() as pages:
            for page in pages.execute(query).tuples().partitions():
                some = [identifier for identifier, digest in page if digests is None or digest in digests]
                with self._reading() as session:
                    found = past.results(session, some, self._media)
                yield from (found[identifier] for identifier in some)

    def outlines(self, digests: Sequence[str] | None = None) -> Iterator[Outline]:
        """Outlines of the newest results by interaction id, of some interactions or of all, read as a stream."""
        query = (
            select(InteractionRow.id, CaseRow.evaluation_id)
            .join(CaseRow, CaseRow.interaction_digest == InteractionRow.digest)
            .where(InteractionRow.replaced_by.is_(None))
        )
        with self._reading() as session:
            rows = session.execute(query) if digests is None else _among(session, query, InteractionRow.digest, digests)
            numbers = [number for _, number in sorted(map(tuple, rows))]
        outlines = Outlines(self._media)
        for first in range(0, len(numbers), _ASKED_AT_ONCE):
            with self._reading() as session:
                yield from outlines.load(session, numbers[first : first + _ASKED_AT_ONCE])

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
            hint = t(self._language, "store.too_short_hint")
            raise StoreError("Z414", t(self._language, "store.too_short", text=text), hint=hint) from error
        return self._search(parts, agent, since, until)

    def reindex(self, digests: Collection[str]) -> None:
        """Let the turns of these interactions be searched as they are now, after they were changed."""
        with self._writing() as session:
            searching.reindex(session, tuple(digests))

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
        query = (
            select(EvaluationRow.id)
            .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
            .where(
                InteractionRow.id == decision.interaction, EvaluationRow.scorecard_digest == decision.scorecard_digest
            )
            .order_by(EvaluationRow.id.desc())
            .limit(1)
        )
        with self._writing() as session:
            evaluation = session.scalar(query)
            if evaluation is None:
                raise KeyError(decision.interaction)
            session.add(codec.decision_row(decision, evaluation))

    def decisions(self) -> tuple[Decision, ...]:
        """Everything that people decided, in the order of time, decisions that a later one replaced included."""
        with self._reading() as session:
            return tuple(decisions.every(session))

    def reviewed(self) -> Iterator[Reviewed]:
        """Evaluations that people decided on, by interaction id, with the last decision on each criterion."""
        with self._reading() as session:
            rows = session.execute(
                select(DecisionRow.evaluation_id, InteractionRow.id)
                .join(EvaluationRow, EvaluationRow.id == DecisionRow.evaluation_id)
                .join(InteractionRow, InteractionRow.digest == EvaluationRow.interaction_digest)
                .distinct()
            )
            wanted = [number for _, number in sorted((name, number) for number, name in rows.tuples())]
        for number in wanted:
            with self._reading() as session:
                rows_of = session.scalars(
                    select(DecisionRow).where(DecisionRow.evaluation_id == number).order_by(DecisionRow.id)
                )
                last = {row.criterion: codec.decision_of(row) for row in rows_of}
                result = codec.result_of(session.get_one(EvaluationRow, number), self._media)
            yield Reviewed(result, tuple(last.values()))

    def keep_card(
        self, scorecard_id: str, version: str, digest: str, text: str, *, who: str, why: str = ""
    ) -> CardVersion:
        """Keep the YAML text of a scorecard. A version that is new becomes a draft, a draft takes the new content.

        Raises:
            ScorecardError: Z211, that version is or was active with another content.
        """
        row = ScorecardRow(digest=digest, id=scorecard_id, version=version, yaml=text, kept_at=datetime.now(UTC))
        try:
            with self._writing() as session:
                return cards.keep(session, row, who=who, why=why)
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
            row = cards.find(session, scorecard_id, version)
            if row is None:
                raise KeyError(f"{scorecard_id}@{version}")
            cards.change(session, row, state, who=who, why=why, at=datetime.now(UTC))
            return cards.version_of(session, row)

    def card_versions(self, scorecard_id: str | None = None) -> tuple[CardVersion, ...]:
        """Versions of all scorecards, or of one, by card and in the order they were first kept."""
        with self._reading() as session:
            return cards.versions(session, scorecard_id)

    def card_texts(self, digest: str) -> Mapping[str, str]:
        """YAML texts of the kept scorecards whose digest begins so (with or without `sha256:`), by digest."""
        start = f"sha256:{digest.removeprefix('sha256:')}"
        query = select(ScorecardRow.digest, ScorecardRow.yaml).where(
            ScorecardRow.digest.startswith(start, autoescape=True)
        )
        with self._reading() as session:
            return dict(session.execute(query.order_by(ScorecardRow.digest)).tuples().all())

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
        try:
            with self._guarded():
                return backup.write(self._engine, file, self._make)
        except (OSError, sqlite3.Error) as error:
            raise self._failed(str(file), getattr(error, "strerror", None) or str(error), error) from error

    def restore(self, file: Path) -> Backup:
        """Put everything in a backup into this store, which must be empty: all of it, or nothing.

        Raises:
            StoreError: Z402–Z406 the store cannot be written; Z420 no backup, or a damaged one, Z421 the store is not
                empty, Z422 what arrived differs from what is in the backup.
        """
        try:
            with self._guarded(), self._writer.begin() as connection:
                return backup.restore(file, connection, self._make)
        except backup.DamagedError as error:
            raise self._refused("Z420", "no_backup", str(file), detail=str(error)) from error
        except backup.NotEmptyError as error:
            raise self._refused("Z421", "not_empty", self._engine.url.render_as_string()) from error
        except backup.DifferentError as error:
            raise self._refused("Z422", "different", str(file), detail=str(error)) from error
        except (OSError, sqlite3.Error) as error:
            raise self._failed(str(file), getattr(error, "strerror", None) or str(error), error) from error

    def kept(self, *, before: datetime | None = None, customer: str | None = None) -> tuple[erasing.Kept, ...]:
        """Interactions that began before a moment, or those of a customer, by the order of time."""
        with self._reading() as session:
            return tuple(erasing.kept(session, before=before, customer=customer))

    def drop_media(self, digests: Collection[str]) -> tuple[Path | RemotePath, ...]:
        """Delete the copies of recordings of interactions that no other one needs; gives what was deleted.

        Raises:
            StoreError: Z402 the database cannot be written, or a copy not deleted.
        """
        with self._writing() as session:
            names = erasing.drop_media(session, digests)
        copies = tuple(self._media / name for name in names)
        try:
            for copy in copies:
                copy.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(str(self._media), error.strerror or str(error)) from error
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
        if self._engine.dialect.name != "sqlite":
            return
        with self._guarded():
            connection = self._engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("INSERT INTO spoken_index (spoken_index) VALUES ('optimize')")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
            finally:
                connection.close()

    def begin_run(self, inbox: str, engine: str) -> int:
        """Note that a run over an inbox begins; gives its number."""
        with self._writing() as session:
            row = RunRow(inbox=inbox, engine=engine, started_at=datetime.now(UTC))
            session.add(row)
            session.flush()
            return row.id

    def set_aside(self, run: int, items: Iterable[SetAside]) -> None:
        """Note files that a run set aside; one seen before keeps its first run."""
        with self._writing() as session:
            inbox = session.get_one(RunRow, run).inbox
            for item in items:
                same = (SetAsideRow.inbox == inbox, SetAsideRow.source == item.source, SetAsideRow.code == item.code)
                row = session.scalars(select(SetAsideRow).where(*same)).one_or_none()
                if row is None:
                    row = SetAsideRow(inbox=inbox, source=item.source, code=item.code, first_run=run)
                    session.add(row)
                row.reason, row.hint, row.last_run = item.reason, item.hint, run
                session.flush()

    def finish_run(self, run: int, *, taken: int, evaluated: int, known: int) -> None:
        """Note that a run is done, and what it did."""
        with self._writing() as session:
            row = session.get_one(RunRow, run)
            row.taken, row.evaluated, row.known = taken, evaluated, known
            row.finished_at = datetime.now(UTC)

    def last_set_aside(self) -> tuple[SetAside, ...]:
        """Files that the last run set aside, in the order of their names."""
        query = (
            select(SetAsideRow)
            .where(SetAsideRow.last_run == select(func.max(RunRow.id)).scalar_subquery())
            .order_by(SetAsideRow.source, SetAsideRow.id)
        )
        with self._reading() as session:
            return tuple(SetAside(row.source, row.code, row.reason, row.hint) for row in session.scalars(query))

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
            counts = dict(
                session.execute(select(SetAsideRow.last_run, func.count()).group_by(SetAsideRow.last_run))
                .tuples()
                .all()
            )
            return tuple(
                Run(
                    row.id,
                    row.inbox,
                    row.engine,
                    row.started_at,
                    row.finished_at,
                    row.taken,
                    row.evaluated,
                    row.known,
                    counts.get(row.id, 0),
                )
                for row in session.scalars(select(RunRow).order_by(RunRow.id.desc()))
            )

    def _copied(self, conversations: Iterable[Conversation]) -> dict[str, str | None]:
        """Names of the copies of recordings, by digest of their interactions."""
        try:
            return {
                interaction.digest: None if (file := interaction.recording) is None else keep(file, self._media)
                for interaction in (conversation.interaction for conversation in conversations)
            }
        except OSError as error:
            if isinstance(self._media, RemotePath):
                detail = error.strerror or str(error)
                raise self._refused("Z408", "media_gone", str(self._media), detail=detail) from error
            raise self._failed(str(self._media), error.strerror or str(error), error) from error

    def _make(self, file: Path) -> None:
        """Make the tables of a store in a SQLite file, or bring them up to date."""
        Store(f"sqlite:///{file}", media=str(self._media), language=self._language).close()

    def _refused(self, code: str, key: str, where: str, **args: str) -> StoreError:
        language = self._language
        return StoreError(code, t(language, f"store.{key}", **args), where=where, hint=t(language, f"store.{key}_hint"))

    def _place(self, media: str | Path) -> Path | RemotePath:
        try:
            return place(media)
        except NoDriverError as error:
            raise self._refused("Z407", "no_driver", str(media), detail=str(error)) from error

    def _connect(self, url: str) -> Engine:
        try:
            parsed = make_url(url)
            is_sqlite = parsed.get_backend_name() == "sqlite"
            if is_sqlite and parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(
                parsed,
                json_serializer=to_json,
                json_deserializer=from_json,
                connect_args=_connect_args(parsed),
                pool_pre_ping=not is_sqlite,
            )
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            what = t(self._language, "store.unknown_url", detail=str(error).splitlines()[0])
            raise StoreError(
                "Z401", what, where="store.url", hint=t(self._language, "store.unknown_url_hint")
            ) from error
        except OSError as error:
            raise self._failed(url, error.strerror or str(error), error) from error
        if is_sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _upgrade(self, url: str) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.migration import MigrationContext
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(files("pipeline.store") / "migrations"))
        newest = ScriptDirectory.from_config(config).get_current_head()
        try:
            with self._engine.begin() as connection:
                if MigrationContext.configure(connection).get_current_revision() == newest:
                    return
            with self._writer.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("zhijian.migrations"))))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            what = t(self._language, "store.too_new", url=make_url(url).render_as_string())
            raise StoreError("Z403", what, hint=t(self._language, "store.too_new_hint")) from error
        except DatabaseError as error:
            raise self._failed(make_url(url).render_as_string(), str(error.orig), error.orig) from error

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._guarded(), Session(self._engine) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._guarded(), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        url = self._engine.url
        # SQLite would go on writing into a file that has no name any more.
        if url.get_backend_name() == "sqlite" and url.database not in _IN_MEMORY and not Path(url.database).exists():
            raise self._failed(url.render_as_string(), os.strerror(errno.ENOENT), ConnectionError())
        try:
            yield
        except DatabaseError as error:
            raise self._failed(self._engine.url.render_as_string(), str(error.orig), error.orig) from error

    def _failed(self, where: str, detail: str, cause: BaseException | None = None) -> StoreError:
        code, key = _kind(detail, cause)
        return StoreError(
            code,
            t(self._language, f"store.{key}", detail=detail),
            where=where,
            hint=t(self._language, f"store.{key}_hint"),
        )


_IN_MEMORY = (None, "", ":memory:")
_BUSY = ("database is locked", "database table is locked", "deadlock detected", "could not serialize", "lock timeout")
_GONE = (
    "server closed the connection", "connection refused", "connection is closed", "terminating connection",
    "the database system is", "could not connect",
)  # fmt: skip
_FULL = ("disk is full", "no space left", "file too large", "disk i/o error")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _kind(detail: str, cause: BaseException | None) -> tuple[str, str]:
    """Code and sentence of a failure: another one holds the database, no space, no server, or something else."""
    told = detail.lower()
    if any(words in told for words in _FULL) or (isinstance(cause, OSError) and cause.errno in _NO_SPACE):
        return "Z405", "full"
    if any(words in told for words in _BUSY):
        return "Z404", "busy"
    if any(words in told for words in _GONE) or isinstance(cause, ConnectionError):
        return "Z406", "gone"
    return "Z402", "failed"


_DIGEST = EvaluationRow.interaction_digest


def _among(
    session: Session, query: Select[Any], column: InstrumentedAttribute[Any], values: Sequence[str]
) -> Iterator[Any]:
    """The rows of a query where a column has one of many values, asked for by a few hundred at a time."""
    for first in range(0, len(values), _ASKED_AT_ONCE):
        yield from session.execute(query.where(column.in_(values[first : first + _ASKED_AT_ONCE])))


def _hearing(digest: str, models: Mapping[str, str]) -> Select[tuple[HearingRow]]:
    return select(HearingRow).where(HearingRow.interaction_digest == digest, HearingRow.asr_digest == ears(models))


def _connect_args(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
    # Compiling a query costs more than any of ours takes.
    return {} if "options" in url.query else {"options": "-c jit=off"}


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver's own transactions would leave the schema changes of a migration outside of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
