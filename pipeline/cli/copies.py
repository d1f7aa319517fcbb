"""`zhijian backup` and `restore`: everything in the store, in one file."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli.console import results
from pipeline.errors import InputError
from pipeline.i18n import t
from pipeline.settings import Settings
from pipeline.store import open_store


def backup(file: Path, settings: Settings) -> int:
    """Write the store into a file; gives the exit status."""
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        made = store.backup(file)
    _tell("backup", file, made.rows["interactions"], made.digest, settings)
    return 0


def restore(file: Path, settings: Settings) -> int:
    """Put a backup into the store, which must be empty; gives the exit status.

    Raises:
        InputError: Z113, there is no such file; no store is made then.
    """
    if not file.exists():
        hint = t(settings.language, "ingest.no_file_hint")
        raise InputError("Z113", t(settings.language, "ingest.no_file", path=file), hint=hint)
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        made = store.restore(file)
    _tell("restore", file, made.rows["interactions"], made.digest, settings)
    return 0


def _tell(what: str, file: Path, count: int, digest: str, settings: Settings) -> None:
    told = t(settings.language, f"cli.{what}.done", file=file, count=count, digest=digest)
    results().print(told, markup=False, soft_wrap=True)
    results().print(t(settings.language, f"cli.{what}.media", media=settings.media), markup=False, soft_wrap=True)
