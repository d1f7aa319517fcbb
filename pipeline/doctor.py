"""Is this installation sound: packages, versions, folder, disk, store, models. Each check says what to do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pipeline.errors import ZhijianError
from pipeline.i18n import Language, t
from pipeline.settings import PRIVATE, Settings

OURS = ("pipeline", "models", "scorecards")
"""Import packages of zhijian. The names are common, so another distribution could bring packages of the same name."""

DISTRIBUTION = "zhijian"
LEAST_FREE = 2_000_000_000
"""Bytes below which the disk is too full for a night of recordings."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in the reader's language."""

    sound: bool
    text: str
    hint: str = ""


def examine(settings: Settings) -> tuple[Check, ...]:
    """All checks, in the order in which one would repair."""
    language = settings.language
    return (
        *packages(metadata.packages_distributions(), language),
        *_own_versions(language),
        home(settings.home, language),
        disk(settings.home, language),
        store(settings),
        *key(settings),
        speech_model(settings),
        reader(settings),
    )


def packages(distributions: Mapping[str, Sequence[str]], language: Language) -> Iterator[Check]:
    """Whether nobody else claims our packages.

    Args:
        distributions: names of the distributions that bring each import package.
        language: of the checks.
    """
    strangers = {name: sorted({*distributions.get(name, ())} - {DISTRIBUTION}) for name in OURS}
    for name, others in strangers.items():
        if others:
            text = t(language, "cli.doctor.claimed", package=name, others=", ".join(others))
            yield Check(False, text, t(language, "cli.doctor.claimed_hint"))
    if not any(strangers.values()):
        yield Check(True, t(language, "cli.doctor.packages"))


def _own_versions(language: Language) -> Iterator[Check]:
    try:
        requirements = metadata.requires(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        yield Check(False, t(language, "cli.doctor.not_installed"), t(language, "cli.doctor.version_hint"))
        return
    yield from versions(requirements, language)


def versions(requirements: Sequence[str], language: Language) -> Iterator[Check]:
    """Whether every requirement is installed in a version that works.

    Args:
        requirements: as a distribution states them; those of extras are passed over.
        language: of the checks.
    """
    from packaging.requirements import Requirement

    wrong = 0
    needed = [Requirement(text) for text in requirements]
    for requirement in needed:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found = "—"
        if found == "—" or not requirement.specifier.contains(found, prereleases=True):
            wrong += 1
            text = t(language, "cli.doctor.version", name=requirement.name, found=found, wanted=requirement.specifier)
            yield Check(False, text, t(language, "cli.doctor.version_hint"))
    if not wrong:
        yield Check(True, t(language, "cli.doctor.versions"))


def home(folder: Path, language: Language) -> Check:
    """Whether the folder of the product can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"zhijian")
    except OSError as error:
        text = t(language, "cli.doctor.home_bad", folder=folder, detail=error.strerror or error)
        return Check(False, text, t(language, "cli.doctor.home_hint"))
    return Check(True, t(language, "cli.doctor.home", folder=folder))


def disk(folder: Path, language: Language, *, least: int = LEAST_FREE) -> Check:
    """Whether there is room for recordings."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    size = f"{free / 1e9:.1f} GB"
    if free < least:
        return Check(False, t(language, "cli.doctor.disk_full", size=size), t(language, "cli.doctor.disk_hint"))
    return Check(True, t(language, "cli.doctor.disk", size=size))


def store(settings: Settings) -> Check:
    """Whether the store can be opened."""
    from pipeline.store import open_store

    try:
        with open_store(settings.store_url, media=settings.media, language=settings.language) as opened:
            count = len(opened.identities())
    except ZhijianError as error:
        return Check(False, f"[{error.code}] {error.what}", error.hint)
    return Check(True, t(settings.language, "cli.doctor.store", count=count))


def key(settings: Settings) -> Iterator[Check]:
    """Whether masked data can be encrypted, where the settings ask for that."""
    from pipeline.privacy import seal_of

    try:
        if seal_of(settings) is not None:
            yield Check(True, t(settings.language, "cli.doctor.key"))
    except ZhijianError as error:
        yield Check(False, f"[{error.code}] {error.what}", error.hint)


def speech_model(settings: Settings) -> Check:
    """Whether the speech model is here, whole, and can be loaded."""
    from models.registry import SHIPPED, check, find, manifest
    from pipeline.speech_models import model_folder
    from pipeline.transcribe import open_engine

    language, name = settings.language, settings.asr.model
    try:
        folder = model_folder(settings)
        known = name == SHIPPED or name in manifest().models
        for problem in check(folder, find(name).sha256 if known else {}):
            key = "models.file_missing" if problem.missing else "models.file_changed"
            text = t(language, key, name=name, file=problem.file)
            return Check(False, text, t(language, "cli.doctor.model_hint"))
        open_engine(folder, threads=1, device=settings.asr.device, language=language)
    except ZhijianError as error:
        return Check(False, f"[{error.code}] {error.what}", error.hint)
    return Check(True, t(language, "cli.doctor.model", name=name, folder=folder))


def reader(settings: Settings) -> Check:
    """Whether the reader is here, whole, and reads."""
    from models.registry import check
    from models.utterance import Utterance
    from pipeline.reader_models import open_reader, reader_folder, reader_name, reader_sums

    language = settings.language
    try:
        folder, name = reader_folder(settings), reader_name(settings)
        for problem in check(folder, reader_sums(settings), "reader"):
            text = t(language, "models.file_changed", name=name, file=problem.file)
            return Check(False, text, t(language, "cli.doctor.model_hint"))
        open_reader(settings).read((Utterance("agent", "您好，请问有什么可以帮您？"),))
    except ZhijianError as error:
        return Check(False, f"[{error.code}] {error.what}", error.hint)
    except (RuntimeError, ValueError) as error:
        text = t(language, "reader.unusable", folder=folder, detail=str(error))
        return Check(False, text, t(language, "reader.unusable_hint"))
    return Check(True, t(language, "cli.doctor.reader", name=name, folder=folder))
