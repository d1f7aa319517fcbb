"""The commands and their options. What they do is imported when they run, so that `--help` and errors are quick."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from pipeline.i18n import t
from pipeline.settings import PRIVATE, Settings, language_from_environment, load_settings

_LANGUAGE = language_from_environment()
_DAYS = ["%Y-%m-%d"]


def _(key: str) -> str:
    return t(_LANGUAGE, f"cli.{key}")


class _Command(TyperCommand):
    """A command whose help option speaks the reader's language."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("help_option")
        return option


class _Group(TyperGroup):
    """The same for a group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("help_option")
        return option


class _Folding(rich_utils.OptionHighlighter):
    """Colours of help. Chinese has no blanks between words: what is too long goes on in the next line, uncut."""

    def highlight(self, text: Text) -> None:
        super().highlight(text)
        text.overflow = "fold"


rich_utils.highlighter = _Folding()
rich_utils.DEFAULT_STRING = _("default_value")
rich_utils.REQUIRED_LONG_STRING = _("required")
rich_utils.RICH_HELP = _("see_help")
for _panel in ("ARGUMENTS", "OPTIONS", "COMMANDS", "ERRORS"):
    setattr(rich_utils, f"{_panel}_PANEL_TITLE", _(f"panel.{_panel.lower()}"))

app = typer.Typer(
    name="zhijian",
    cls=_Group,
    help=_("help"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
models = typer.Typer(cls=_Group, help=_("models.help"), no_args_is_help=True)
app.add_typer(models, name="models")
scorecard_ = typer.Typer(cls=_Group, help=_("scorecard.help"), no_args_is_help=True)
app.add_typer(scorecard_, name="scorecard")
retention_ = typer.Typer(cls=_Group, help=t(_LANGUAGE, "privacy.retention.help"), no_args_is_help=True)
app.add_typer(retention_, name="retention")
privacy_ = typer.Typer(cls=_Group, help=t(_LANGUAGE, "privacy.help"), no_args_is_help=True)
app.add_typer(privacy_, name="privacy")
alerts_ = typer.Typer(cls=_Group, help=_("alerts.help"), no_args_is_help=True)
app.add_typer(alerts_, name="alerts")
quarantine_ = typer.Typer(cls=_Group, help=t(_LANGUAGE, "quarantine.help"), no_args_is_help=True)
app.add_typer(quarantine_, name="quarantine")


class Output(StrEnum):
    """How `score` and `validate` print."""

    JSON = "json"
    TABLE = "table"


class CardOutput(StrEnum):
    """How `scorecard show` prints."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


class RescoreOutput(StrEnum):
    """How `rescore` tells what would change."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


class Lines(StrEnum):
    """How `export` prints."""

    JSONL = "jsonl"


class Judged(StrEnum):
    """What a person can decide; who has listened is not unsure."""

    MET = "met"
    PARTIAL = "partial"
    UNMET = "unmet"
    NOT_APPLICABLE = "not_applicable"


class Trainable(StrEnum):
    """What `models train` can train."""

    UTTERANCE = "utterance"


class EngineName(StrEnum):
    """How `run` works."""

    LOCAL = "local"
    PREFECT = "prefect"
    DASK = "dask"


def _settings() -> Settings:
    settings = load_settings()
    folder = settings.home / "logs"
    handler = _LateFile(folder / "zhijian.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("pipeline").addHandler(handler)
    return settings


class _LateFile(logging.Handler):
    """Writes to a file that is made with the first record, so that commands that log nothing leave nothing behind."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        from pipeline.redact import masked_text

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(masked_text(self.format(record), proved=True) + "\n")
        except OSError:
            self.handleError(record)


@app.command(cls=_Command, help=_("run.help"))
def run(
    inbox: Annotated[Path, typer.Argument(help=_("run.inbox"), show_default=False)],
    engine: Annotated[EngineName | None, typer.Option(help=_("run.engine"), show_default=False)] = None,
) -> None:
    """Evaluate an inbox."""
    settings = _settings()
    if engine is not None:
        chosen = settings.run.model_copy(update={"engine": engine.value})
        settings = settings.model_copy(update={"run": chosen})
    from pipeline.cli import runs

    raise typer.Exit(runs.run(inbox, settings))


@app.command(cls=_Command, help=t(_LANGUAGE, "flows.serve_help"))
def serve(
    inbox: Annotated[Path | None, typer.Argument(help=t(_LANGUAGE, "flows.serve_inbox"), show_default=False)] = None,
) -> None:
    """Keep the schedule."""
    settings = _settings()
    from pipeline.cli import serving

    raise typer.Exit(serving.serve(inbox, settings))


@quarantine_.command("list", cls=_Command, help=t(_LANGUAGE, "quarantine.list"))
def list_quarantine() -> None:
    """Print what is in quarantine."""
    settings = _settings()
    from pipeline.cli import quarantine

    raise typer.Exit(quarantine.show(settings))


@quarantine_.command("retry", cls=_Command, help=t(_LANGUAGE, "quarantine.retry"))
def retry_quarantine(
    names: Annotated[
        list[str] | None, typer.Argument(help=t(_LANGUAGE, "quarantine.names"), show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=t(_LANGUAGE, "quarantine.all"))] = False,
) -> None:
    """Let contents be tried again."""
    settings = _settings()
    from pipeline.cli import quarantine

    raise typer.Exit(quarantine.retry(names or (), settings, everything=everything))


@app.command(cls=_Command, help=_("score.help"))
def score(
    files: Annotated[list[Path], typer.Argument(help=_("score.files"), show_default=False)],
    scorecard: Annotated[str | None, typer.Option(help=_("score.scorecard"), show_default=False)] = None,
    output: Annotated[Output, typer.Option("--format", help=_("score.format"))] = Output.TABLE,
) -> None:
    """Score single files."""
    settings = _settings()
    from pipeline.cli import scores

    raise typer.Exit(scores.score(files, settings, scorecard=scorecard, output=output.value))


@app.command(cls=_Command, help=_("validate.help"))
def validate(
    cards: Annotated[list[Path], typer.Argument(help=_("validate.cards"), show_default=False)],
    output: Annotated[Output, typer.Option("--format", help=_("validate.format"))] = Output.TABLE,
) -> None:
    """Check scorecards."""
    settings = _settings()
    from pipeline.cli import cards as checking

    raise typer.Exit(checking.validate_cards(cards, settings, output=output.value))


@app.command(cls=_Command, help=_("rescore.help"))
def rescore(
    scorecard: Annotated[str, typer.Option(help=_("rescore.scorecard"), show_default=False)],
    since: Annotated[str | None, typer.Option(help=_("rescore.since"), show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help=_("rescore.until"), show_default=False)] = None,
    against: Annotated[str, typer.Option(help=_("rescore.against"))] = "active",
    agent: Annotated[str | None, typer.Option(metavar="ID", help=_("rescore.agent"), show_default=False)] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=_("rescore.limit"), show_default=False)] = None,
    output: Annotated[RescoreOutput, typer.Option("--format", help=_("rescore.format"))] = RescoreOutput.TABLE,
    out: Annotated[Path | None, typer.Option(help=_("rescore.out"), show_default=False)] = None,
    keep: Annotated[bool, typer.Option("--keep", help=_("rescore.keep"))] = False,
) -> None:
    """Score the stored past by another scorecard."""
    settings = _settings()
    from pipeline.cli import rescores

    wanted = rescores.Wanted(scorecard, against, since, until, agent, limit, keep=keep)
    raise typer.Exit(rescores.rescore(wanted, settings, output=output.value, out=out))


@scorecard_.command("list", cls=_Command, help=_("scorecard.list"))
def list_scorecards(
    output: Annotated[Output, typer.Option("--format", help=_("scorecard.format"))] = Output.TABLE,
) -> None:
    """Print the versions of all scorecards."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.list_versions(settings, output=output.value))


@scorecard_.command("show", cls=_Command, help=_("scorecard.show"))
def show_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    output: Annotated[CardOutput, typer.Option("--format", help=_("scorecard.show_format"))] = CardOutput.TABLE,
) -> None:
    """Print a scorecard."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.show(card, settings, output=output.value))


@scorecard_.command("diff", cls=_Command, help=_("scorecard.diff"))
def diff_scorecards(
    first: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    second: Annotated[str | None, typer.Argument(help=_("scorecard.second"), show_default=False)] = None,
    output: Annotated[Output, typer.Option("--format", help=_("scorecard.format"))] = Output.TABLE,
) -> None:
    """Print what differs between two scorecards."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.diff(first, second, settings, output=output.value))


@scorecard_.command("activate", cls=_Command, help=_("scorecard.activate"))
def activate_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    why: Annotated[str, typer.Option(help=_("scorecard.why"), show_default=False)] = "",
    by: Annotated[str | None, typer.Option(help=_("scorecard.by"), show_default=False)] = None,
) -> None:
    """Put a version of a scorecard to use."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.put_to_use(card, settings, why=why, who=by))


@scorecard_.command("retire", cls=_Command, help=_("scorecard.retire"))
def retire_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    why: Annotated[str, typer.Option(help=_("scorecard.why"), show_default=False)] = "",
    by: Annotated[str | None, typer.Option(help=_("scorecard.by"), show_default=False)] = None,
) -> None:
    """Take a version of a scorecard out of use."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.take_out_of_use(card, settings, why=why, who=by))


@app.command(cls=_Command, help=_("report.help"))
def report(out: Annotated[Path, typer.Option(help=_("report.out"), show_default=False)]) -> None:
    """Write the report of the store."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.report(out, settings))


@app.command(cls=_Command, help=_("agent.help"))
def agent(
    identifier: Annotated[str, typer.Argument(metavar="ID", help=_("agent.id"), show_default=False)],
    out: Annotated[Path | None, typer.Option(help=_("agent.out"), show_default=False)] = None,
) -> None:
    """Write the page of an agent."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.agent(identifier, out, settings))


@app.command(cls=_Command, help=_("interaction.help"))
def interaction(
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…", help=_("interaction.id"), show_default=False)],
    out: Annotated[Path | None, typer.Option(help=_("agent.out"), show_default=False)] = None,
) -> None:
    """Write the pages of interactions."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.interactions(identifiers, out, settings))


@app.command(cls=_Command, help=_("export.help"))
def export(output: Annotated[Lines, typer.Option("--format", help=_("export.format"))] = Lines.JSONL) -> None:
    """Print the store."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.export(settings))


@retention_.command("run", cls=_Command, help=t(_LANGUAGE, "privacy.retention.run"))
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=t(_LANGUAGE, "privacy.dry_run"))] = False,
) -> None:
    """Delete what is older than the settings allow."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.run_retention(settings, dry_run=dry_run))


@privacy_.command("export", cls=_Command, help=t(_LANGUAGE, "privacy.export"))
def export_customer(
    customer: Annotated[str, typer.Option(metavar="ID", help=t(_LANGUAGE, "privacy.customer"), show_default=False)],
    out: Annotated[Path, typer.Option(help=t(_LANGUAGE, "privacy.out"), show_default=False)],
) -> None:
    """Write what is kept of a customer."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.export_customer(customer, out, settings))


@privacy_.command("erase", cls=_Command, help=t(_LANGUAGE, "privacy.erase"))
def erase_customer(
    customer: Annotated[str, typer.Option(metavar="ID", help=t(_LANGUAGE, "privacy.customer"), show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=t(_LANGUAGE, "privacy.dry_run"))] = False,
) -> None:
    """Delete what is kept of a customer."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.erase_customer(customer, settings, dry_run=dry_run))


@privacy_.command("key", cls=_Command, help=t(_LANGUAGE, "privacy.new_key"))
def privacy_key() -> None:
    """Print a new key."""
    from pipeline.cli import personal

    raise typer.Exit(personal.new_key())


@app.command(cls=_Command, help=_("search.help"))
def search(
    text: Annotated[str, typer.Argument(help=_("search.text"), show_default=False)],
    agent: Annotated[str | None, typer.Option(metavar="ID", help=_("search.agent"), show_default=False)] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DAYS, help=_("search.since"), show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAYS, help=_("search.until"), show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help=_("search.limit"))] = 20,
) -> None:
    """Find what was said."""
    settings = _settings()
    from pipeline.cli import finding

    raise typer.Exit(finding.search(text, settings, agent=agent, since=since, until=until, limit=limit))


@app.command(cls=_Command, help=_("backup.help"))
def backup(file: Annotated[Path, typer.Argument(help=_("backup.file"), show_default=False)]) -> None:
    """Write the store into a file."""
    settings = _settings()
    from pipeline.cli import copies

    raise typer.Exit(copies.backup(file, settings))


@app.command(cls=_Command, help=_("restore.help"))
def restore(file: Annotated[Path, typer.Argument(help=_("restore.file"), show_default=False)]) -> None:
    """Put a backup into an empty store."""
    settings = _settings()
    from pipeline.cli import copies

    raise typer.Exit(copies.restore(file, settings))


@app.command(cls=_Command, help=_("review.help"))
def review(
    interaction: Annotated[str, typer.Argument(help=_("review.interaction"), show_default=False)],
    criterion: Annotated[str, typer.Argument(help=_("review.criterion"), show_default=False)],
    verdict: Annotated[Judged, typer.Argument(help=_("review.verdict"), show_default=False)],
    why: Annotated[str, typer.Option(help=_("review.why"), show_default=False)],
    turn: Annotated[int | None, typer.Option(min=1, help=_("review.turn"), show_default=False)] = None,
    by: Annotated[str | None, typer.Option(help=_("review.by"), show_default=False)] = None,
) -> None:
    """Keep what a person decides."""
    settings = _settings()
    from pipeline.cli import reviews

    raise typer.Exit(reviews.keep(interaction, criterion, verdict.value, settings, why=why, turn=turn, who=by))


@models.command("list", cls=_Command, help=_("models.list"))
def list_models() -> None:
    """Print the models of the manifest."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.list_models(settings))


@models.command("fetch", cls=_Command, help=_("models.fetch"))
def fetch_model(name: Annotated[str, typer.Argument(help=_("models.name"), show_default=False)]) -> None:
    """Download a model."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.fetch(name, settings))


@models.command("check", cls=_Command, help=_("models.check"))
def check_model(
    name: Annotated[str | None, typer.Argument(help=_("models.name"), show_default=False)] = None,
) -> None:
    """Check the files of a model."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.check_models(name, settings))


@models.command("train", cls=_Command, help=_("train.help"))
def train_model(
    what: Annotated[Trainable, typer.Argument(help=_("train.what"), show_default=False)],
    out: Annotated[Path, typer.Option(help=_("train.out"), show_default=False)],
    base: Annotated[str | None, typer.Option(help=_("train.base"), show_default=False)] = None,
    outside: Annotated[Path | None, typer.Option(help=_("train.outside"), show_default=False)] = None,
    data: Annotated[Path | None, typer.Option(help=_("train.data"), show_default=False)] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help=_("train.minutes"))] = 30.0,
) -> None:
    """Train a reader."""
    settings = _settings()
    from pipeline.cli import training

    raise typer.Exit(training.train(out, settings, base=base, outside=outside, data=data, minutes=minutes))


@models.command("learn", cls=_Command, help=_("learn.help"))
def learn_model(
    out: Annotated[Path | None, typer.Option(help=_("learn.out"), show_default=False)] = None,
    use: Annotated[bool, typer.Option("--use", help=_("learn.use"))] = False,
) -> None:
    """Learn from reviewed decisions."""
    settings = _settings()
    from pipeline.cli import lessons

    raise typer.Exit(lessons.lesson(out, settings, put_to_use=use))


@alerts_.command("list", cls=_Command, help=_("alerts.list"))
def list_alerts(
    limit: Annotated[int, typer.Option(min=1, help=_("alerts.limit"))] = 30,
) -> None:
    """Print the last alerts."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.show(settings, limit=limit))


@alerts_.command("test", cls=_Command, help=_("alerts.test"))
def try_alerts() -> None:
    """Send a trial message."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.trial(settings))


@alerts_.command("send", cls=_Command, help=_("alerts.send"))
def send_alerts() -> None:
    """Send what is left."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.send(settings))


@app.command(cls=_Command, help=_("doctor.help"))
def doctor() -> None:
    """Check this installation."""
    settings = _settings()
    from pipeline.cli import health

    raise typer.Exit(health.show(settings))


@app.command(cls=_Command, help=_("version.help"))
def version() -> None:
    """Print the version."""
    from pipeline import __version__

    typer.echo(__version__)
