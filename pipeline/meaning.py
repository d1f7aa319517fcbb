"""The model that compares meanings, where the setting `embedding.model` names one, and the cards that use it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.criteria.expression import ExpressionBase
from pipeline.errors import SettingsError
from pipeline.i18n import t
from pipeline.scorecard import Scorecard
from pipeline.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.embedding import Embedder, EmbeddingError


def embedder(settings: Settings) -> Embedder | None:
    """The model that `embedding.model` names; `None` where it names none. It is loaded when it is first used.

    Raises:
        SettingsError: Z550, there is no such model, or it is of a kind that cannot be used.
    """
    if not settings.embedding.model:
        return None
    from models.embedding import EmbeddingError

    folder = Path(settings.embedding.model).expanduser()
    try:
        return _opened(folder.absolute())
    except EmbeddingError as error:
        raise _unusable(error, settings) from error


@lru_cache(maxsize=2)
def _opened(folder: Path) -> Embedder:
    from models.embedding import Embedder

    return Embedder(folder)


def _unusable(error: EmbeddingError, settings: Settings) -> SettingsError:
    key = f"settings.embedding.{error.fault}"
    what = t(settings.language, key, folder=settings.embedding.model, detail=error.detail)
    return SettingsError("Z550", what, where="embedding.model", hint=t(settings.language, f"{key}_hint"))


def equip(card: Scorecard, settings: Settings) -> Scorecard:
    """The same card, comparing meanings from now on if it looks for what is `similar` and a model is configured.

    Raises:
        SettingsError: Z550, the model cannot be used.
    """
    model = embedder(settings) if compares(card) else None
    if model is not None:
        from models.embedding import EmbeddingError

        def embed(texts: tuple[str, ...]) -> NDArray[np.float32]:
            try:
                return model(texts)
            except EmbeddingError as error:
                raise _unusable(error, settings) from error

        card.compare_meanings(embed)
    return card


def compares(card: Scorecard) -> bool:
    """Whether the card looks for what is `similar` anywhere."""
    waiting: list[ExpressionBase] = [part for criterion in card.criteria for part in criterion.expressions]
    waiting += [condition.operator for condition in card.conditions.values()]
    triggers: list[ExpressionBase | None] = [rule.when for rule in card.flag]
    waiting += [trigger for trigger in triggers if trigger is not None]
    while waiting:
        part = waiting.pop()
        if part.operator == "similar":
            return True
        waiting.extend(part.children())
    return False
