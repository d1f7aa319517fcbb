"""Where words go: results to standard output, messages and progress to standard error."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.conversation import SetAside
from pipeline.errors import ZhijianError
from pipeline.i18n import Language, t

_PLAIN_WIDTH = 120
"""Columns where the output is no terminal: wide enough that no table loses words."""


def results() -> Console:
    """Standard output."""
    return _console(stderr=False)


def messages() -> Console:
    """Standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_WIDTH)
    return console


def tell_error(error: ZhijianError) -> None:
    """An error as code, place, what happened and what to do."""
    place = f"{error.where}: " if error.where else ""
    console = messages()
    console.print(f"[bold red]{escape(f'[{error.code}]')}[/] {escape(place + error.what)}", soft_wrap=True)
    if error.hint:
        console.print(f"  → {escape(error.hint)}", soft_wrap=True)


def set_aside_table(items: Iterable[SetAside], language: Language) -> Table:
    """Files that were set aside, each with its reason and what to do."""
    table = Table(title=t(language, "cli.set_aside.title"), title_justify="left", box=None, pad_edge=False)
    for name in ("file", "reason", "hint"):
        table.add_column(t(language, f"cli.set_aside.{name}"), overflow="fold")
    for item in items:
        table.add_row(escape(item.source), escape(f"[{item.code}] {item.reason}"), escape(item.hint))
    return table
