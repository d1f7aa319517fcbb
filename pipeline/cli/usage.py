"""What Typer says of its own accord (usage, help, wrong use), in the reader's language.

Typer knows English alone. Its words for the panels of help are settings of `rich_utils`; its sentences about a wrong
use stand in the catalogue as `usage.says.…`, are known by their English there, and told anew. A sentence that is not
there is told as Typer has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from rich.text import Text
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from pipeline.i18n import Language, area, t
from pipeline.settings import language_from_environment

LANGUAGE: Language = language_from_environment()
_SAYS = "usage.says."
_WrongUse: type[Exception] = typer.BadParameter.__mro__[1]
"""`UsageError`: every wrong use, for which Typer has no public name."""


class _ToldError(typer.BadParameter):
    """A wrong use in the reader's words."""

    def format_message(self) -> str:
        return str(self.message)


def told(sentence: str, language: Language = LANGUAGE) -> str:
    """A sentence of Typer in `language`; as it is where the catalogue does not have it."""
    if language == "en":
        return sentence
    for key, wordings in area("usage").items():
        found = re.fullmatch(_expression(wordings["en"]), sentence, re.DOTALL) if key.startswith(_SAYS) else None
        if found:
            return t(language, key, **{name: _part(name, text, language) for name, text in found.groupdict().items()})
    return sentence


def _expression(template: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(template))


def _part(name: str, text: str, language: Language) -> str:
    """What stands in a sentence for `{name}`: `problem` is a sentence itself, `names` are several."""
    if name == "problem":
        return told(text, language)
    if name == "names":
        return t(language, "usage.joiner").join(one.strip("'") for one in re.split(r",?\s+", text.strip()))
    return text


@contextmanager
def _retold(ctx: Any) -> Iterator[None]:
    try:
        yield
    except _WrongUse as error:
        raise _ToldError(told(error.format_message()), ctx) from error  # type: ignore[attr-defined]


if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object


class _Worded(_Base):
    """Usage, help option and wrong use in the reader's language."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.options_metavar = t(LANGUAGE, "usage.options")

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = t(LANGUAGE, "cli.help_option")
        return option

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), t(LANGUAGE, "usage.prefix"))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.no_args_is_help and args in ([], ["--"]):
            return super().parse_args(ctx, [])
        with _retold(ctx):
            return super().parse_args(ctx, args)


class Command(_Worded, TyperCommand):
    """A command in the reader's language."""


class Group(_Worded, TyperGroup):
    """A group of commands in the reader's language."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.subcommand_metavar = t(LANGUAGE, "usage.command")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant."""
        with _retold(ctx):
            return super().resolve_command(ctx, args)


class _Folding(rich_utils.OptionHighlighter):
    """Colours of help. Chinese has no blanks between words: what is too long goes on in the next line, uncut."""

    highlights: ClassVar[list[str]] = [
        *rich_utils.OptionHighlighter.highlights,
        f"(?P<usage>{t(LANGUAGE, 'usage.prefix')})",
    ]

    def highlight(self, text: Text) -> None:
        super().highlight(text)
        text.overflow = "fold"


def settle() -> None:
    """Give Typer the words of the reader's language for the panels of help."""
    rich_utils.highlighter = _Folding()
    rich_utils.DEFAULT_STRING = t(LANGUAGE, "cli.default_value")
    rich_utils.REQUIRED_LONG_STRING = t(LANGUAGE, "cli.required")
    rich_utils.RICH_HELP = t(LANGUAGE, "cli.see_help")
    rich_utils.ABORTED_TEXT = t(LANGUAGE, "usage.aborted")
    for panel in ("ARGUMENTS", "OPTIONS", "COMMANDS", "ERRORS"):
        setattr(rich_utils, f"{panel}_PANEL_TITLE", t(LANGUAGE, f"cli.panel.{panel.lower()}"))
