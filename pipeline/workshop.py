"""Scorecards and models, each loaded once and only when something needs it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.arrivals import Arrival
from pipeline.conversation import Channel, Conversation, Interaction
from pipeline.i18n import t
from pipeline.interview import Interviewer, interviewer_for, questions_of
from pipeline.meaning import compares, embedder, equip
from pipeline.privacy import Seal, masked, seal_of
from pipeline.prober import COMMAND, Probers
from pipeline.reader_models import open_reader, reader_name
from pipeline.scorecard import Scorecard, find_scorecard
from pipeline.settings import Settings
from pipeline.speech_models import model_folder, model_name
from pipeline.versions import Find

if TYPE_CHECKING:
    from models.asr.engine import Engine
    from models.audio import Sound
    from models.utterance import Reader


class Workshop:
    """What scoring needs besides conversations.

    Args:
        settings: which scorecards and which speech model.
        scorecard: name of one card for all channels, instead of those of the settings.
        find: from the name of a card to the card; default shipped cards by id, others by path.
        prober: the command that decodes recordings in a process of its own.

    Raises:
        ScorecardError: a card is missing or wrong.
        SettingsError: a card compares meanings, and the model for that cannot be used; or what is masked is to be kept
            encrypted, and the key for that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        scorecard: str | None = None,
        find: Find | None = None,
        prober: Sequence[str] = COMMAND,
    ) -> None:
        self.settings = settings
        self._prober = tuple(prober)
        self._seal: Seal | None = seal_of(settings)
        by_name = find or partial(find_scorecard, language=settings.language)
        cards: dict[str, Scorecard] = {}
        self._by_channel: dict[Channel, Scorecard] = {}
        for channel in Channel:
            wanted = scorecard or settings.scorecards.of(channel)
            if wanted not in cards:
                cards[wanted] = equip(by_name(wanted), settings)
            self._by_channel[channel] = cards[wanted]
        # Looking through a card takes longer than all else that naming the models of an interaction does.
        self._compares = {channel: compares(card) for channel, card in self._by_channel.items()}
        self._questions = {channel: bool(questions_of(card)) for channel, card in self._by_channel.items()}

    def card(self, channel: Channel) -> Scorecard:
        """The scorecard for conversations of `channel`."""
        return self._by_channel[channel]

    def misfit(self, interaction: Interaction) -> str | None:
        """What to tell the user where the scorecard was made for other channels; `None` where it fits."""
        card, language = self.card(interaction.channel), self.settings.language
        if card.applies_to(interaction.channel):
            return None
        return t(
            language,
            "scorecard.misfit",
            source=interaction.source,
            card=card.id,
            meant=t(language, "scorecard.joiner").join(t(language, f"criteria.channel.{c}") for c in card.channels),
            channel=t(language, f"criteria.channel.{interaction.channel}"),
        )

    @property
    def cards(self) -> tuple[Scorecard, ...]:
        """All scorecards in use, each once."""
        return tuple({card.digest: card for card in self._by_channel.values()}.values())

    def masked(self, conversation: Conversation) -> Conversation:
        """The conversation without its personal data, unless the settings say that it stays."""
        return masked(conversation, self.settings, self._seal)

    def listen(self, recording: Path) -> Sound:
        """The samples of a recording, decoded in a process of its own; any number of threads may ask.

        Raises:
            InputError: it is damaged.
            CrashError: the decoder dies of it, or does not come to an end.
            AudioError: it cannot be decoded.
        """
        return self._decoders.listen(recording, language=self.settings.language)

    @cached_property
    def _decoders(self) -> Probers:
        made = Probers(self._prober)
        weakref.finalize(self, made.close)
        return made

    def close(self) -> None:
        """End the processes that decode; where something is to be heard after that, new ones are started."""
        made: Probers | None = self.__dict__.pop("_decoders", None)
        if made is not None:
            made.close()

    @cached_property
    def engine(self) -> Engine:
        """The speech model.

        Raises:
            SettingsError: it is missing or cannot be used.
        """
        from pipeline.transcribe import open_engine

        folder = model_folder(self.settings)
        asr = self.settings.asr
        return open_engine(folder, threads=asr.threads, device=asr.device, language=self.settings.language)

    @cached_property
    def reader(self) -> Reader:
        """What reads tone and acts.

        Raises:
            SettingsError: `reading.model` names no reader, or one that cannot be used.
        """
        return open_reader(self.settings)

    @cached_property
    def interviewer(self) -> Interviewer | None:
        """What asks the questions of scorecards; `None` where that is off.

        Raises:
            SettingsError: `question.endpoint` is set without a model.
        """
        return interviewer_for(self.settings)

    def models(self, interaction: Interaction | Arrival) -> Mapping[str, str]:
        """`name@digest` of the models that an evaluation of `interaction` rests on; a text needs no ears."""
        models = {} if interaction.written else {"asr": self._ears}
        models["tone"] = f"{reader_name(self.settings)}@{self.reader.digest}"
        embed = embedder(self.settings) if self._compares[interaction.channel] else None
        if embed is not None:
            models["embedding"] = f"{embed.name}@{embed.digest}"
        if self.interviewer is not None and self._questions[interaction.channel]:
            models["question"] = self.interviewer.name
        return models

    @cached_property
    def _ears(self) -> str:
        from pipeline.transcribe import engine_digest

        digest = engine_digest(model_folder(self.settings), language=self.settings.language)
        return f"{model_name(self.settings)}@{digest}"
