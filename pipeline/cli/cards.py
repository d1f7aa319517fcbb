"""`zhijian validate`: what is wrong with scorecards, by file, line and key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from pipeline.check import validate
from pipeline.cli.console import results
from pipeline.conversation import Conversation
from pipeline.i18n import t
from pipeline.reader_models import open_reader
from pipeline.reading import read
from pipeline.settings import Settings

_COLOUR = {"error": "red", "warning": "yellow", "note": "dim"}


def validate_cards(paths: Sequence[Path], settings: Settings) -> int:
    """Check each card, its examples read as conversations will be, and print what is wrong; 1 if one cannot be used."""
    bad, language = 0, settings.language
    console, reader = results(), open_reader(settings)

    def with_readings(conversation: Conversation) -> Conversation:
        return read([conversation], reader=reader)[0]

    for path in paths:
        problems = validate(path, language=language, reader=with_readings)
        for problem in problems:
            kind = t(language, f"cli.validate.{problem.severity}")
            console.print(f"[{_COLOUR[problem.severity]}]{kind}[/] {escape(str(problem))}", soft_wrap=True)
        if any(problem.severity == "error" for problem in problems):
            bad += 1
        else:
            console.print(t(language, "cli.validate.good", path=path), markup=False, soft_wrap=True)
    return 1 if bad else 0
