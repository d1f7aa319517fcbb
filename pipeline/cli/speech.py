"""`zhijian models`: list, fetch, check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from models.registry import Kind, check, folder_of, is_here, manifest
from pipeline.cli.console import messages, results
from pipeline.i18n import Language, t
from pipeline.reader_models import reader_folder, reader_name, reader_sums
from pipeline.settings import Settings
from pipeline.speech_models import fetch_model, find_model, model_folder

_TABLE: Mapping[Kind, str] = {"speech": "asr", "reader": "reading"}


def list_models(settings: Settings) -> int:
    """Print the models of the manifest; gives the exit status."""
    language = settings.language
    table = Table(box=None, pad_edge=False)
    for name in ("name", "here", "size", "licence", "telephone", "read", "about"):
        table.add_column(t(language, f"models.column.{name}"), overflow="fold", no_wrap=name != "about")
    for model in manifest().models.values():
        here = "models.here" if is_here(model, settings.models) else "models.not_here"
        table.add_row(
            escape(model.name),
            t(language, here),
            _size(model.megabytes),
            model.licence,
            _percent(model.telephone_cer),
            _percent(model.read_cer),
            escape(model.title[language]),
        )
    results().print(table)
    messages().print(t(language, "models.note"))
    return 0


def fetch(name: str, settings: Settings) -> int:
    """Download a model; gives the exit status."""
    model = find_model(name, settings.language)
    messages().print(
        t(settings.language, "models.fetching", name=model.name, size=_size(model.megabytes)), markup=False
    )
    folder = fetch_model(name, settings)
    results().print(
        t(settings.language, "models.fetched", name=model.name, folder=folder, table=_TABLE[model.kind]),
        markup=False,
        soft_wrap=True,
    )
    return 0


def check_models(name: str | None, settings: Settings) -> int:
    """Check the files of one model, or of those that the settings name; 1 if something is wrong."""
    language = settings.language
    if name is not None:
        model = find_model(name, language)
        return _check(model.name, folder_of(model, settings.models), model.sha256, model.kind, language)
    ears = settings.asr.model
    sums = find_model(ears, language).sha256 if ears == "shipped" or ears in manifest().models else {}
    heard = _check(ears, model_folder(settings), sums, "speech", language)
    read = _check(reader_name(settings), reader_folder(settings), reader_sums(settings), "reader", language)
    return max(heard, read)


def _check(name: str, folder: Path, sums: Mapping[str, str], kind: Kind, language: Language) -> int:
    problems = check(folder, sums, kind)
    for problem in problems:
        key = "models.file_missing" if problem.missing else "models.file_changed"
        results().print(t(language, key, name=name, file=folder / problem.file), markup=False, soft_wrap=True)
    if not problems:
        results().print(t(language, "models.whole", name=name), markup=False)
    return 1 if problems else 0


def _size(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


def _percent(rate: float | None) -> str:
    return "—" if rate is None else f"{rate:g}%"
