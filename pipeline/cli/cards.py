"""`zhijian validate`: what is wrong with scorecards, by file, line and key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from pipeline.check import validate
from pipeline.cli.console import results
from pipeline.conversation import Conversation
from pipeline.i18n import t
from pipeline.meaning import equip
from pipeline.scorecard import Problem
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.reading import TurnReader

_COLOUR = {"error": "red", "warning": "yellow", "advice": "dim"}


def validate_cards(paths: Sequence[Path], settings: Settings, *, output: str = "table") -> int:
    """Check each card, its examples read as conversations will be, and print what is wrong; 1 if one cannot be used.

    The reader is opened for the first example that needs one.
    """

    @cache
    def reader() -> TurnReader:
        from pipeline.reader_models import open_reader

        return open_reader(settings)

    def with_readings(conversation: Conversation) -> Conversation:
        from pipeline.reading import read

        return read([conversation], reader=reader())[0]

    bad = 0
    for path in paths:
        problems = validate(
            path, language=settings.language, reader=with_readings, equip=lambda card: equip(card, settings)
        )
        usable = not any(problem.severity == "error" for problem in problems)
        bad += not usable
        if output == "json":
            results().print(
                json.dumps(_plain(path, problems, usable), ensure_ascii=False), markup=False, soft_wrap=True
            )
        else:
            _tell(path, problems, usable, settings)
    return 1 if bad else 0


def _plain(path: Path, problems: Sequence[Problem], usable: bool) -> dict[str, object]:
    """One card as docs/formats.md describes it."""
    findings = [
        {
            "severity": problem.severity,
            "rule": problem.rule,
            "file": problem.spot.file,
            "line": problem.spot.line,
            "column": problem.spot.column,
            "path": problem.spot.path,
            "message": problem.message,
            "fix": problem.fix,
        }
        for problem in problems
    ]
    return {"card": str(path), "usable": usable, "findings": findings}


def _tell(path: Path, problems: Sequence[Problem], usable: bool, settings: Settings) -> None:
    console, language = results(), settings.language
    for problem in problems:
        kind = t(language, f"cli.validate.{problem.severity}")
        console.print(f"[{_COLOUR[problem.severity]}]{kind}[/] {escape(str(problem))}", soft_wrap=True)
    if usable:
        console.print(t(language, "cli.validate.good", path=path), markup=False, soft_wrap=True)
