"""The commands and their options. What they do is imported when they run, so that `--help` and errors are quick."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.choices import CardOutput, EngineName, Judged, Lines, Output, RescoreOutput, Trainable
from pipeline.cli.logs import keep_log
from pipeline.cli.usage import LANGUAGE, Command, Group, settle
from pipeline.i18n import t
from pipeline.settings import Settings, load_settings

_DAYS = ["%Y-%m-%d"]


def _(key: str) -> str:
    return t(LANGUAGE, f"cli.{key}")


settle()
app = typer.Typer(
    name="zhijian",
    cls=Group,
    help=_("help"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
models = typer.Typer(cls=Group, help=_("models.help"), no_args_is_help=True)
app.add_typer(models, name="models")
scorecard_ = typer.Typer(cls=Group, help=_("scorecard.help"), no_args_is_help=True)
app.add_typer(scorecard_, name="scorecard")
retention_ = typer.Typer(cls=Group, help=t(LANGUAGE, "privacy.retention.help"), no_args_is_help=True)
app.add_typer(retention_, name="retention")
privacy_ = typer.Typer(cls=Group, help=t(LANGUAGE, "privacy.help"), no_args_is_help=True)
app.add_typer(privacy_, name="privacy")
alerts_ = typer.Typer(cls=Group, help=_("alerts.help"), no_args_is_help=True)
app.add_typer(alerts_, name="alerts")
quarantine_ = typer.Typer(cls=Group, help=t(LANGUAGE, "quarantine.help"), no_args_is_help=True)
app.add_typer(quarantine_, name="quarantine")


def _settings() -> Settings:
    settings = load_settings()
    keep_log(settings.home / "logs" / "zhijian.log")
    return settings


@app.command(cls=Command, help=_("run.help"))
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


@app.command(cls=Command, help=t(LANGUAGE, "flows.serve_help"))
def serve(
    inbox: Annotated[Path | None, typer.Argument(help=t(LANGUAGE, "flows.serve_inbox"), show_default=False)] = None,
) -> None:
    """Keep the schedule."""
    settings = _settings()
    from pipeline.cli import serving

    raise typer.Exit(serving.serve(inbox, settings))


@quarantine_.command("list", cls=Command, help=t(LANGUAGE, "quarantine.list"))
def list_quarantine() -> None:
    """Print what is in quarantine."""
    settings = _settings()
    from pipeline.cli import quarantine

    raise typer.Exit(quarantine.show(settings))


@quarantine_.command("retry", cls=Command, help=t(LANGUAGE, "quarantine.retry"))
def retry_quarantine(
    names: Annotated[list[str] | None, typer.Argument(help=t(LANGUAGE, "quarantine.names"), show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help=t(LANGUAGE, "quarantine.all"))] = False,
) -> None:
    """Let contents be tried again."""
    settings = _settings()
    from pipeline.cli import quarantine

    raise typer.Exit(quarantine.retry(names or (), settings, everything=everything))


@app.command(cls=Command, help=_("score.help"))
def score(
    files: Annotated[list[Path], typer.Argument(help=_("score.files"), show_default=False)],
    scorecard: Annotated[str | None, typer.Option(help=_("score.scorecard"), show_default=False)] = None,
    output: Annotated[Output, typer.Option("--format", help=_("score.format"))] = Output.TABLE,
) -> None:
    """Score single files."""
    settings = _settings()
    from pipeline.cli import scores

    raise typer.Exit(scores.score(files, settings, scorecard=scorecard, output=output.value))


@app.command(cls=Command, help=_("validate.help"))
def validate(
    cards: Annotated[list[Path], typer.Argument(help=_("validate.cards"), show_default=False)],
    output: Annotated[Output, typer.Option("--format", help=_("validate.format"))] = Output.TABLE,
) -> None:
    """Check scorecards."""
    settings = _settings()
    from pipeline.cli import cards as checking

    raise typer.Exit(checking.validate_cards(cards, settings, output=output.value))


@app.command(cls=Command, help=_("rescore.help"))
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


@scorecard_.command("list", cls=Command, help=_("scorecard.list"))
def list_scorecards(
    output: Annotated[Output, typer.Option("--format", help=_("scorecard.format"))] = Output.TABLE,
) -> None:
    """Print the versions of all scorecards."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.list_versions(settings, output=output.value))


@scorecard_.command("show", cls=Command, help=_("scorecard.show"))
def show_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    output: Annotated[CardOutput, typer.Option("--format", help=_("scorecard.show_format"))] = CardOutput.TABLE,
) -> None:
    """Print a scorecard."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.show(card, settings, output=output.value))


@scorecard_.command("diff", cls=Command, help=_("scorecard.diff"))
def diff_scorecards(
    first: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    second: Annotated[str | None, typer.Argument(help=_("scorecard.second"), show_default=False)] = None,
    output: Annotated[Output, typer.Option("--format", help=_("scorecard.format"))] = Output.TABLE,
) -> None:
    """Print what differs between two scorecards."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.diff(first, second, settings, output=output.value))


@scorecard_.command("activate", cls=Command, help=_("scorecard.activate"))
def activate_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    why: Annotated[str, typer.Option(help=_("scorecard.why"), show_default=False)] = "",
    by: Annotated[str | None, typer.Option(help=_("scorecard.by"), show_default=False)] = None,
) -> None:
    """Put a version of a scorecard to use."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.put_to_use(card, settings, why=why, who=by))


@scorecard_.command("retire", cls=Command, help=_("scorecard.retire"))
def retire_scorecard(
    card: Annotated[str, typer.Argument(help=_("scorecard.card"), show_default=False)],
    why: Annotated[str, typer.Option(help=_("scorecard.why"), show_default=False)] = "",
    by: Annotated[str | None, typer.Option(help=_("scorecard.by"), show_default=False)] = None,
) -> None:
    """Take a version of a scorecard out of use."""
    settings = _settings()
    from pipeline.cli import scorecards

    raise typer.Exit(scorecards.take_out_of_use(card, settings, why=why, who=by))


@app.command(cls=Command, help=_("report.help"))
def report(out: Annotated[Path, typer.Option(help=_("report.out"), show_default=False)]) -> None:
    """Write the report of the store."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.report(out, settings))


@app.command(cls=Command, help=_("agent.help"))
def agent(
    identifier: Annotated[str, typer.Argument(metavar="ID", help=_("agent.id"), show_default=False)],
    out: Annotated[Path | None, typer.Option(help=_("agent.out"), show_default=False)] = None,
) -> None:
    """Write the page of an agent."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.agent(identifier, out, settings))


@app.command(cls=Command, help=_("interaction.help"))
def interaction(
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…", help=_("interaction.id"), show_default=False)],
    out: Annotated[Path | None, typer.Option(help=_("agent.out"), show_default=False)] = None,
) -> None:
    """Write the pages of interactions."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.interactions(identifiers, out, settings))


@app.command(cls=Command, help=_("export.help"))
def export(output: Annotated[Lines, typer.Option("--format", help=_("export.format"))] = Lines.JSONL) -> None:
    """Print the store."""
    settings = _settings()
    from pipeline.cli import stored

    raise typer.Exit(stored.export(settings))


@retention_.command("run", cls=Command, help=t(LANGUAGE, "privacy.retention.run"))
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=t(LANGUAGE, "privacy.dry_run"))] = False,
) -> None:
    """Delete what is older than the settings allow."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.run_retention(settings, dry_run=dry_run))


@privacy_.command("export", cls=Command, help=t(LANGUAGE, "privacy.export"))
def export_customer(
    customer: Annotated[str, typer.Option(metavar="ID", help=t(LANGUAGE, "privacy.customer"), show_default=False)],
    out: Annotated[Path, typer.Option(help=t(LANGUAGE, "privacy.out"), show_default=False)],
) -> None:
    """Write what is kept of a customer."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.export_customer(customer, out, settings))


@privacy_.command("erase", cls=Command, help=t(LANGUAGE, "privacy.erase"))
def erase_customer(
    customer: Annotated[str, typer.Option(metavar="ID", help=t(LANGUAGE, "privacy.customer"), show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=t(LANGUAGE, "privacy.dry_run"))] = False,
) -> None:
    """Delete what is kept of a customer."""
    settings = _settings()
    from pipeline.cli import personal

    raise typer.Exit(personal.erase_customer(customer, settings, dry_run=dry_run))


@privacy_.command("key", cls=Command, help=t(LANGUAGE, "privacy.new_key"))
def privacy_key() -> None:
    """Print a new key."""
    from pipeline.cli import personal

    raise typer.Exit(personal.new_key())


@app.command(cls=Command, help=_("search.help"))
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


@app.command(cls=Command, help=_("backup.help"))
def backup(file: Annotated[Path, typer.Argument(help=_("backup.file"), show_default=False)]) -> None:
    """Write the store into a file."""
    settings = _settings()
    from pipeline.cli import copies

    raise typer.Exit(copies.backup(file, settings))


@app.command(cls=Command, help=_("restore.help"))
def restore(file: Annotated[Path, typer.Argument(help=_("restore.file"), show_default=False)]) -> None:
    """Put a backup into an empty store."""
    settings = _settings()
    from pipeline.cli import copies

    raise typer.Exit(copies.restore(file, settings))


@app.command(cls=Command, help=_("review.help"))
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


@models.command("list", cls=Command, help=_("models.list"))
def list_models() -> None:
    """Print the models of the manifest."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.list_models(settings))


@models.command("fetch", cls=Command, help=_("models.fetch"))
def fetch_model(name: Annotated[str, typer.Argument(help=_("models.name"), show_default=False)]) -> None:
    """Download a model."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.fetch(name, settings))


@models.command("check", cls=Command, help=_("models.check"))
def check_model(
    name: Annotated[str | None, typer.Argument(help=_("models.name"), show_default=False)] = None,
) -> None:
    """Check the files of a model."""
    settings = _settings()
    from pipeline.cli import speech

    raise typer.Exit(speech.check_models(name, settings))


@models.command("train", cls=Command, help=_("train.help"))
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


@models.command("learn", cls=Command, help=_("learn.help"))
def learn_model(
    out: Annotated[Path | None, typer.Option(help=_("learn.out"), show_default=False)] = None,
    use: Annotated[bool, typer.Option("--use", help=_("learn.use"))] = False,
) -> None:
    """Learn from reviewed decisions."""
    settings = _settings()
    from pipeline.cli import lessons

    raise typer.Exit(lessons.lesson(out, settings, put_to_use=use))


@alerts_.command("list", cls=Command, help=_("alerts.list"))
def list_alerts(
    limit: Annotated[int, typer.Option(min=1, help=_("alerts.limit"))] = 30,
) -> None:
    """Print the last alerts."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.show(settings, limit=limit))


@alerts_.command("test", cls=Command, help=_("alerts.test"))
def try_alerts() -> None:
    """Send a trial message."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.trial(settings))


@alerts_.command("send", cls=Command, help=_("alerts.send"))
def send_alerts() -> None:
    """Send what is left."""
    settings = _settings()
    from pipeline.cli import alerts

    raise typer.Exit(alerts.send(settings))


@app.command(cls=Command, help=_("doctor.help"))
def doctor() -> None:
    """Check this installation."""
    settings = _settings()
    from pipeline.cli import health

    raise typer.Exit(health.show(settings))


@app.command(cls=Command, help=_("version.help"))
def version() -> None:
    """Print the version."""
    from pipeline import __version__

    typer.echo(__version__)
