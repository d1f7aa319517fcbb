"""The steps from interactions to results, a batch at a time. One bad item spoils only itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Protocol, TypeVar

from pipeline import __version__
from pipeline.arrivals import Arrival
from pipeline.conversation import Conversation, Interaction, SetAside
from pipeline.dialogue import build
from pipeline.errors import SettingsError, StoreError, ZhijianError, out_of_memory
from pipeline.flagging import flag
from pipeline.i18n import Language, t
from pipeline.interview import unanswered
from pipeline.reading import read
from pipeline.redact import masked_text
from pipeline.scoring import score
from pipeline.store.records import Result
from pipeline.transcribe import Heard, transcribe_many
from pipeline.workshop import Workshop

logger = logging.getLogger(__name__)
Made = TypeVar("Made")
Item = TypeVar("Item")
Piece = TypeVar("Piece", bound=Interaction | Arrival)


class Progress(Protocol):
    """What is told while a batch is worked on."""

    def heard(self, seconds: float) -> None:
        """So many more seconds of speech were transcribed."""

    def done(self, interactions: int) -> None:
        """So many more interactions have a result or were set aside."""

    def step(self, stage: str, interactions: Sequence[str]) -> None:
        """Interactions with these ids have passed a stage, and what came of it is kept; see `pipeline.nightly`."""


class Silent:
    """Tells nobody."""

    def heard(self, seconds: float) -> None:
        """Nothing."""

    def done(self, interactions: int) -> None:
        """Nothing."""

    def step(self, stage: str, interactions: Sequence[str]) -> None:
        """Nothing."""


class Keeper(Protocol):
    """What takes the work of a step as soon as it is done, so that it need not be done again."""

    def heard(self, conversation: Conversation, models: Mapping[str, str]) -> None:
        """A recording was heard by these models."""

    def read(self, conversations: Sequence[tuple[Conversation, Mapping[str, str]]]) -> None:
        """Conversations were read, each by its models."""


class Forgetful:
    """Keeps nothing."""

    def heard(self, conversation: Conversation, models: Mapping[str, str]) -> None:
        """Nothing."""

    def read(self, conversations: Sequence[tuple[Conversation, Mapping[str, str]]]) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Portion(Generic[Piece]):
    """Who is worked on together: what is new, what was heard in an earlier run, and what was read in one too."""

    name: str
    interactions: tuple[Piece, ...] = ()
    heard: tuple[Piece, ...] = ()
    read: tuple[Piece, ...] = ()

    def __len__(self) -> int:
        return len(self.interactions) + len(self.heard) + len(self.read)

    @property
    def items(self) -> tuple[Piece, ...]:
        """All of them."""
        return (*self.interactions, *self.heard, *self.read)

    def only(self, digests: Container[str]) -> Portion[Piece]:
        """Those with these digests."""
        if all(one.digest in digests for one in self.items):
            return self
        kept = (
            tuple(one for one in some if one.digest in digests) for some in (self.interactions, self.heard, self.read)
        )
        return Portion(self.name, *kept)


@dataclass(frozen=True, slots=True)
class Batch:
    """The same with all that was said: interactions, and conversations that were heard, or read too."""

    interactions: tuple[Interaction, ...] = ()
    heard: tuple[Conversation, ...] = ()
    read: tuple[Conversation, ...] = ()

    def __len__(self) -> int:
        return len(self.interactions) + len(self.heard) + len(self.read)


def evaluate(
    batch: Batch, workshop: Workshop, *, progress: Progress | None = None, keeper: Keeper | None = None
) -> tuple[Result | SetAside, ...]:
    """Hear, read, score and flag a batch: one result or reason an interaction, in order.

    Those of `batch.heard` come after the interactions and are read, scored and flagged; those of `batch.read` come last
    and are only scored and flagged. `keeper` gets what is done at every step before the next one begins.

    Raises:
        SettingsError: the speech model is missing or cannot be used.
    """
    watching, keeping = progress or Silent(), keeper or Forgetful()
    unread: list[Conversation | SetAside] = []
    for one in _conversations(batch.interactions, workshop, watching):
        if isinstance(one, Conversation) and not one.interaction.turns:
            keeping.heard(one, workshop.models(one.interaction))
        unread.append(one)
    found = tuple(_read([*unread, *(_unread(known) for known in batch.heard)], workshop))
    keeping.read([(one, workshop.models(one.interaction)) for one in found if isinstance(one, Conversation)])
    outcomes: list[Result | SetAside] = []
    for made in _asked((*found, *batch.read), workshop):
        outcomes.append(made if isinstance(made, SetAside) else _guarded(made.interaction, workshop, _judge, made))
        watching.done(1)
    return tuple(outcomes)


def split(
    interactions: Sequence[Piece],
    *,
    calls: int,
    texts: int,
    heard: Sequence[Piece] = (),
    read: Sequence[Piece] = (),
    first: int = 1,
    language: Language = "zh",
) -> tuple[Portion[Piece], ...]:
    """Portions of at most `calls` recordings to transcribe, then of at most `texts` of each kind that is text by now.

    These are interactions that came as text, those that were `heard` but have to be read again, and those that were
    `read` too and only have to be scored. The first portion has the number `first`.
    """
    recordings = [interaction for interaction in interactions if not interaction.written]
    written = [interaction for interaction in interactions if interaction.written]
    groups = [
        *(("calls", Portion("", interactions=group)) for group in _groups(recordings, calls)),
        *(("texts", Portion("", interactions=group)) for group in _groups(written, texts)),
        *(("heard", Portion("", heard=group)) for group in _groups(heard, texts)),
        *(("read", Portion("", read=group)) for group in _groups(read, texts)),
    ]
    return tuple(
        replace(portion, name=t(language, f"cli.batch.{kind}", number=number, count=len(portion)))
        for number, (kind, portion) in enumerate(groups, first)
    )


def _groups(items: Sequence[Item], size: int) -> Iterator[tuple[Item, ...]]:
    for first in range(0, len(items), size):
        yield tuple(items[first : first + size])


def _conversations(
    interactions: Sequence[Interaction], workshop: Workshop, progress: Progress
) -> Iterator[Conversation | SetAside]:
    if all(interaction.turns for interaction in interactions):
        for interaction in interactions:
            yield _guarded(interaction, workshop, _built, interaction, Heard(interaction.turns, None))
        return
    language, engine = workshop.settings.language, workshop.engine
    hear = partial(transcribe_many, engine=engine, progress=progress.heard, listen=workshop.listen, language=language)
    heard = hear(interactions)
    for number, interaction in enumerate(interactions):
        try:
            found = next(heard)
        except Exception:
            logger.exception("hearing a batch failed at %s; the rest is heard one by one", interaction.source)
            for left in interactions[number:]:
                yield _guarded(left, workshop, lambda _, one: _built(workshop, one, next(hear([one]))), left)
            return
        yield _guarded(interaction, workshop, _built, interaction, found)


def _built(workshop: Workshop, interaction: Interaction, heard: Heard | ZhijianError) -> Conversation:
    if isinstance(heard, ZhijianError):
        raise heard
    return workshop.masked(build(interaction, heard.turns, hearing=heard.hearing))


def _unread(conversation: Conversation) -> Conversation:
    return build(conversation.interaction, conversation.turns, hearing=conversation.hearing)


def _read(some: Sequence[Conversation | SetAside], workshop: Workshop) -> Iterator[Conversation | SetAside]:
    """All conversations read together; where that fails, one by one, so that a bad one spoils only itself."""
    waiting = [made for made in some if not isinstance(made, SetAside)]
    try:
        found: Iterator[Conversation] | None = iter(read(waiting, reader=workshop.reader))
    except Exception:
        logger.exception("reading a batch failed; it is read one by one")
        found = None
    for made in some:
        if isinstance(made, SetAside):
            yield made
        elif found is not None:
            yield next(found)
        else:
            yield _guarded(made.interaction, workshop, _read_one, made)


def _asked(some: Sequence[Conversation | SetAside], workshop: Workshop) -> Sequence[Conversation | SetAside]:
    """The same with the answers to the questions of their scorecards, where questions are asked at all."""
    if workshop.interviewer is None:
        return some
    waiting = [made for made in some if not isinstance(made, SetAside)]
    answered = iter(workshop.interviewer.answered(waiting, lambda one: workshop.card(one.interaction.channel)))
    return [made if isinstance(made, SetAside) else next(answered) for made in some]


def _read_one(workshop: Workshop, conversation: Conversation) -> Conversation:
    return read([conversation], reader=workshop.reader)[0]


def _judge(workshop: Workshop, conversation: Conversation) -> Result:
    interaction = conversation.interaction
    card = workshop.card(interaction.channel)
    models = dict(workshop.models(interaction))
    if unanswered(conversation):
        # Not the name that a later run looks for: it asks again.
        models["question"] = f"{workshop.settings.question.model}@unanswered"
    evaluation = score(conversation, card, engine_version=__version__, models=models)
    return Result(conversation, evaluation, flag(evaluation, conversation, card))


def _guarded(interaction: Interaction, workshop: Workshop, step: Callable[..., Made], *args: object) -> Made | SetAside:
    """What `step(workshop, *args)` makes of an interaction, or the reason why it could not."""
    try:
        return step(workshop, *args)
    except (SettingsError, StoreError):
        raise
    except ZhijianError as error:
        return SetAside.because(error, interaction.source)
    except Exception as error:
        logger.exception("%s could not be evaluated", interaction.source)
        language = workshop.settings.language
        if out_of_memory(error):
            hint = t(language, "cli.no_memory_hint")
            return SetAside(interaction.source, "Z192", t(language, "cli.no_memory", detail=str(error)), hint)
        what = t(language, "cli.unexpected", kind=type(error).__name__, detail=masked_text(str(error)))
        return SetAside(interaction.source, "Z190", what, t(language, "cli.unexpected_hint"))
