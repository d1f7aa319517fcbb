"""The steps from interactions to results, a batch at a time. One bad item spoils only itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from pipeline import __version__
from pipeline.conversation import Conversation, Interaction, SetAside
from pipeline.dialogue import build
from pipeline.errors import SettingsError, StoreError, ZhijianError
from pipeline.flagging import flag
from pipeline.i18n import Language, t
from pipeline.reading import read
from pipeline.scoring import score
from pipeline.store.records import Result
from pipeline.transcribe import Heard, transcribe_many
from pipeline.workshop import Workshop

logger = logging.getLogger(__name__)
Made = TypeVar("Made")


class Progress(Protocol):
    """What is told while a batch is worked on."""

    def heard(self, seconds: float) -> None:
        """So many more seconds of speech were transcribed."""

    def done(self, interactions: int) -> None:
        """So many more interactions have a result or were set aside."""


class Silent:
    """Tells nobody."""

    def heard(self, seconds: float) -> None:
        """Nothing."""

    def done(self, interactions: int) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Interactions that one task works on, and conversations that were heard and read in an earlier run."""

    name: str
    interactions: tuple[Interaction, ...] = ()
    heard: tuple[Conversation, ...] = ()

    def __len__(self) -> int:
        return len(self.interactions) + len(self.heard)


def evaluate(batch: Batch, workshop: Workshop, *, progress: Progress | None = None) -> tuple[Result | SetAside, ...]:
    """Hear, read, score and flag a batch: one result or reason an interaction, in order, those of `batch.heard` last.

    Raises:
        SettingsError: the speech model is missing or cannot be used.
    """
    watching = progress or Silent()
    outcomes: list[Result | SetAside] = []
    for made in _conversations(batch.interactions, workshop, watching):
        outcomes.append(made if isinstance(made, SetAside) else _guarded(made.interaction, workshop, _judge, made))
        watching.done(1)
    for known in batch.heard:
        outcomes.append(_guarded(known.interaction, workshop, _judge, known))
        watching.done(1)
    return tuple(outcomes)


def split(
    interactions: Sequence[Interaction], *, calls: int, texts: int, language: Language = "zh"
) -> tuple[Batch, ...]:
    """Batches of at most `calls` recordings to transcribe, then of at most `texts` interactions that are text."""
    recordings = [interaction for interaction in interactions if not interaction.turns]
    written = [interaction for interaction in interactions if interaction.turns]
    groups = [("calls", group) for group in _groups(recordings, calls)]
    groups += [("texts", group) for group in _groups(written, texts)]
    return tuple(
        Batch(t(language, f"cli.batch.{kind}", number=number, count=len(group)), tuple(group))
        for number, (kind, group) in enumerate(groups, 1)
    )


def _groups(items: Sequence[Interaction], size: int) -> Iterator[Sequence[Interaction]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _conversations(
    interactions: Sequence[Interaction], workshop: Workshop, progress: Progress
) -> Iterator[Conversation | SetAside]:
    if all(interaction.turns for interaction in interactions):
        for interaction in interactions:
            yield _guarded(interaction, workshop, _read, interaction, Heard(interaction.turns, None))
        return
    language, engine = workshop.settings.language, workshop.engine
    hear = partial(transcribe_many, engine=engine, progress=progress.heard, language=language)
    heard = hear(interactions)
    for number, interaction in enumerate(interactions):
        try:
            found = next(heard)
        except Exception:
            logger.exception("hearing a batch failed at %s; the rest is heard one by one", interaction.source)
            for left in interactions[number:]:
                yield _guarded(left, workshop, lambda _, one: _read_heard(workshop, one, next(hear([one]))), left)
            return
        yield _guarded(interaction, workshop, _read_heard, interaction, found)


def _read_heard(workshop: Workshop, interaction: Interaction, heard: Heard | ZhijianError) -> Conversation:
    if isinstance(heard, ZhijianError):
        raise heard
    return _read(workshop, interaction, heard)


def _read(workshop: Workshop, interaction: Interaction, heard: Heard) -> Conversation:
    (conversation,) = read([build(interaction, heard.turns, hearing=heard.hearing)], reader=workshop.reader)
    return conversation


def _judge(workshop: Workshop, conversation: Conversation) -> Result:
    interaction = conversation.interaction
    card = workshop.card(interaction.channel)
    evaluation = score(conversation, card, engine_version=__version__, models=workshop.models(interaction))
    return Result(conversation, evaluation, flag(evaluation, conversation, card))


def _guarded(interaction: Interaction, workshop: Workshop, step: Callable[..., Made], *args: object) -> Made | SetAside:
    """What `step(workshop, *args)` makes of an interaction, or the reason why it could not."""
    try:
        return step(workshop, *args)
    except (SettingsError, StoreError):
        raise
    except ZhijianError as error:
        return SetAside(interaction.source, error.code, error.what, error.hint)
    except Exception as error:
        logger.exception("%s could not be evaluated", interaction.source)
        language = workshop.settings.language
        what = t(language, "cli.unexpected", kind=type(error).__name__, detail=str(error))
        return SetAside(interaction.source, "Z190", what, t(language, "cli.unexpected_hint"))
