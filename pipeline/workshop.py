"""Scorecards and models, each loaded once and only when something needs it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.conversation import Channel, Interaction
from pipeline.i18n import t
from pipeline.reader_models import open_reader, reader_name
from pipeline.scorecard import Scorecard, find_scorecard, load_scorecard
from pipeline.settings import Settings
from pipeline.speech_models import model_folder, model_name

if TYPE_CHECKING:
    from models.asr.engine import Engine
    from models.utterance import Reader


class Workshop:
    """What scoring needs besides conversations.

    Args:
        settings: which scorecards and which speech model.
        scorecard: id or path of one card for all channels, instead of those of the settings.

    Raises:
        ScorecardError: a card is missing or wrong.
    """

    def __init__(self, settings: Settings, *, scorecard: str | None = None) -> None:
        self.settings = settings
        cards: dict[str, Scorecard] = {}
        self._by_channel: dict[Channel, Scorecard] = {}
        for channel in Channel:
            wanted = scorecard or settings.scorecards.of(channel)
            if wanted not in cards:
                cards[wanted] = find_scorecard(wanted, language=settings.language)
            self._by_channel[channel] = cards[wanted]

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

    @cached_property
    def engine(self) -> Engine:
        """The speech model.

        Raises:
            SettingsError: it is missing or cannot be used.
        """
        from pipeline.transcribe import open_engine

        folder = model_folder(self.settings)
        return open_engine(folder, threads=self.settings.asr.threads, language=self.settings.language)

    @cached_property
    def reader(self) -> Reader:
        """What reads tone and acts.

        Raises:
            SettingsError: `reading.model` names no reader, or one that cannot be used.
        """
        return open_reader(self.settings)

    def models(self, interaction: Interaction) -> Mapping[str, str]:
        """`name@digest` of the models that an evaluation of `interaction` rests on; a text needs no ears."""
        tone = {"tone": f"{reader_name(self.settings)}@{self.reader.digest}"}
        if interaction.turns:
            return tone
        return {"asr": self._ears, **tone}

    @cached_property
    def _ears(self) -> str:
        from pipeline.transcribe import engine_digest

        digest = engine_digest(model_folder(self.settings), language=self.settings.language)
        return f"{model_name(self.settings)}@{digest}"


class CardArchive:
    """Copies of the scorecards that evaluations were made by, so that old evaluations can still be explained."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, card: Scorecard) -> None:
        """Copy a card, unless it is there.

        Raises:
            OSError: it cannot be written.
        """
        copy = self._path(card.digest)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(card.source, copy)

    def get(self, digest: str) -> Scorecard:
        """The card of a digest.

        Raises:
            ScorecardError: there is no such card, or this version of zhijian cannot read it.
        """
        return load_scorecard(self._path(digest))

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.yaml"
