"""The speech model that the settings name: found, fetched, checked, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from models.registry import (
    SHIPPED,
    AbsentModelError,
    FetchError,
    KnownModel,
    UnknownModelError,
    fetch,
    find,
    locate,
    manifest,
)
from pipeline.errors import SettingsError
from pipeline.i18n import Language, t
from pipeline.settings import Settings


def model_folder(settings: Settings) -> Path:
    """The directory of the model that `asr.model` names.

    Raises:
        SettingsError: Z520 no such name or directory, Z521 the model was not fetched yet.
    """
    name = settings.asr.model
    try:
        return locate(name, settings.models, "speech")
    except UnknownModelError as error:
        raise _unknown(error, settings.language, where="asr.model") from error
    except AbsentModelError as error:
        what = t(settings.language, "models.absent", name=error.model.name)
        raise SettingsError("Z521", what, where=str(error.folder), hint=_remedy(error.model, settings)) from error


def model_name(settings: Settings) -> str:
    """What the model that `asr.model` names is called: its name in the manifest, else that of its directory."""
    try:
        return find(settings.asr.model, "speech").name
    except UnknownModelError:
        return Path(settings.asr.model).resolve().name


def fetch_model(name: str, settings: Settings) -> Path:
    """Download a model of the manifest into `home`; gives its directory.

    Raises:
        SettingsError: Z520 no such name, Z522 it could not be downloaded.
    """
    language = settings.language
    try:
        return fetch(find(name), settings.models)
    except UnknownModelError as error:
        raise _unknown(error, language, where=name) from error
    except FetchError as error:
        what = t(language, "models.fetch_failed", name=error.model.name, detail=error.detail)
        hint = t(
            language,
            "models.by_hand",
            repo=error.model.repo,
            folder=error.folder,
            files=", ".join((*manifest().files_of[error.model.kind], "vocabulary.*")),
        )
        raise SettingsError("Z522", what, hint=hint) from error


def find_model(name: str, language: Language) -> KnownModel:
    """The manifest's entry of a name.

    Raises:
        SettingsError: Z520 no such name.
    """
    try:
        return find(name)
    except UnknownModelError as error:
        raise _unknown(error, language, where=name) from error


def _unknown(error: UnknownModelError, language: Language, *, where: str) -> SettingsError:
    what = t(language, "models.unknown", name=error.name)
    hint = t(language, "models.known", names=", ".join((SHIPPED, *error.known)))
    return SettingsError("Z520", what, where=where, hint=hint)


def _remedy(model: KnownModel, settings: Settings) -> str:
    key = "models.absent_shipped_hint" if model.repo is None else "models.absent_hint"
    return t(settings.language, key, name=model.name)
