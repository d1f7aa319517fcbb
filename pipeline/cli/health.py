"""`zhijian doctor`: every check on a line."""

from __future__ import annotations

from rich.markup import escape

from pipeline.cli.console import results
from pipeline.doctor import examine
from pipeline.i18n import t
from pipeline.settings import Settings


def show(settings: Settings) -> int:
    """Print all checks; 1 if one is not sound."""
    console = results()
    checks = examine(settings)
    for check in checks:
        console.print(f"{'[green]✓[/]' if check.sound else '[red]✗[/]'} {escape(check.text)}", soft_wrap=True)
        if check.hint and not check.sound:
            console.print(f"    → {escape(check.hint)}", soft_wrap=True)
    bad = sum(not check.sound for check in checks)
    verdict = t(settings.language, "cli.doctor.bad", count=bad) if bad else t(settings.language, "cli.doctor.good")
    console.print(verdict, markup=False)
    return 1 if bad else 0
