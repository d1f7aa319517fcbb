"""The reader that the settings name: found, checked, opened, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import SHIPPED, AbsentModelError, UnknownModelError, check, find, locate
from pipeline.errors import SettingsError
from pipeline.i18n import t
from pipeline.settings import Settings
from pipeline.whole_file import write_whole

if TYPE_CHECKING:
    from models.utterance import Reader

CURRENT = "current"
_NOTE = "reader-current"
"""File in the folder of models that names the folder of the reader in use; a relative name is meant beside it."""


def reader_folder(settings: Settings) -> Path:
    """The folder of the reader that `reading.model` names, with all its files.

    Raises:
        SettingsError: Z530 it names no reader, Z531 some of its files are missing.
    """
    name, language = settings.reading.model, settings.language
    note = settings.models / _NOTE
    where = "reading.model"
    if name == CURRENT:
        name = SHIPPED
        if note.is_file():
            name, where = str(settings.models / note.read_text(encoding="utf-8").strip()), str(note)
    try:
        folder = locate(name, settings.models, "reader")
    except UnknownModelError as error:
        what = t(language, "reader.unknown", name=error.name)
        hint = "reader.note_hint" if where == str(note) else "reader.unknown_hint"
        raise SettingsError("Z530", what, where=where, hint=t(language, hint, file=note)) from error
    except AbsentModelError as error:
        what = t(language, "reader.absent", folder=error.folder)
        raise SettingsError("Z531", what, where=where, hint=t(language, "reader.absent_hint")) from error
    missing = [problem.file for problem in check(folder, kind="reader")]
    if missing:
        what = t(language, "reader.incomplete", folder=folder, files=", ".join(missing))
        raise SettingsError("Z531", what, where=where, hint=t(language, "reader.incomplete_hint"))
    return folder


def open_reader(settings: Settings) -> Reader:
    """The reader that `reading.model` names.

    Raises:
        SettingsError: Z530 it names no reader, Z531 some of its files are missing, Z532 they cannot be used.
    """
    from models.utterance import load_reader
    from models.utterance.acts import ACTS

    folder = reader_folder(settings)
    try:
        reader = load_reader(second_opinion=settings.reading.second_opinion, folder=folder)
        fitted = reader.encoder.calibration["acts"]
        for role, names in ACTS.items():
            for name in names:
                _weight, _trust, _lift = fitted[role][name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        what = t(settings.language, "reader.unusable", folder=folder, detail=detail)
        raise SettingsError(
            "Z532", what, where="reading.model", hint=t(settings.language, "reader.unusable_hint")
        ) from error
    return reader


def reader_name(settings: Settings) -> str:
    """What the reader that the settings name is called: its name in the manifest, else that of its folder."""
    shipped = find(SHIPPED, "reader")
    name = settings.reading.model
    if name in (SHIPPED, shipped.name) or (name == CURRENT and not (settings.models / _NOTE).is_file()):
        return shipped.name
    return reader_folder(settings).name


def reader_sums(settings: Settings) -> Mapping[str, str]:
    """SHA-256 that the files of the reader must have, by name; empty for one that is not shipped."""
    shipped = find(SHIPPED, "reader")
    return shipped.sha256 if reader_name(settings) == shipped.name else {}


def use(folder: Path, settings: Settings) -> None:
    """Let runs with `reading.model = "current"` read by the reader in `folder` from now on.

    Raises:
        OSError: the note cannot be written.
    """
    settings.models.mkdir(parents=True, exist_ok=True)
    inside = folder.is_relative_to(settings.models)
    name = folder.relative_to(settings.models) if inside else folder.absolute()
    write_whole(settings.models / _NOTE, f"{name}\n")
