"""The flows: what `pipeline.nightly` and `pipeline.jobs` do, under Prefect, with schedules, progress and a last word.

A night is one task a batch, a few dozen tasks and not tens of thousands: what happens to one interaction is kept in our
own store. Only this module imports Prefect. `pipeline.prefect_setup.configure` should come before it is imported.

Called by a schedule or a work pool, a flow takes the settings of the working directory and of the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from prefect import Flow, flow, serve, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from pipeline.i18n import t
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.jobs import Written
    from pipeline.nightly import Nightly, Outcome


@task(name="process_batch", task_run_name="{name}", cache_policy=NO_CACHE)
def process_batch(planned: Nightly, number: int, name: str) -> int:
    """Work off one batch; gives the number of its results."""
    return planned.work(number)


@flow(name="run", validate_parameters=False)
def run(planned: Nightly) -> int:
    """Work off a night that is planned already, for `zhijian run`; the caller finishes it. Gives how many results."""
    return _work_off(planned)


@flow(name="nightly")
def nightly(inbox: str = "") -> int:
    """Take in an inbox, evaluate what is new in it and write the report; gives the number of new results.

    Args:
        inbox: the folder; default the setting `schedule.inbox`.
    """
    from pipeline.nightly import Nightly

    settings = load_settings()
    planned = Nightly(Path(inbox or settings.schedule.inbox), settings)
    made = _work_off(planned)
    _last_word("night", _of_night(planned.finish(), settings))
    return made


@flow(name="rescore")
def rescore(scorecard: str, since: str = "", until: str = "", keep_as: str = "") -> int:
    """Score the stored past by another scorecard and write the page of what would change; gives how many were scored.

    Args:
        scorecard: the changed card: path, `ID@VERSION`, digest or id.
        since: from this day on.
        until: up to and with this day.
        keep_as: keep the new evaluations in the name of this person.
    """
    from pipeline import jobs

    settings = load_settings()
    written = jobs.rescore(scorecard, settings, since=since or None, until=until or None, keep_as=keep_as or None)
    _last_word("rescore", _of_pages(written, settings))
    return written.interactions


@flow(name="agent_scorecards")
def agent_scorecards(period: Literal["week", "month"] = "week") -> int:
    """Write the scorecards of all agents over the last week or month; gives how many agents there are."""
    from pipeline import jobs

    settings = load_settings()
    written = jobs.agent_scorecards(settings, period=period)
    _last_word("agents", _of_pages(written, settings))
    return written.agents


@flow(name="retention")
def retention() -> int:
    """Delete what is older than the settings allow; gives of how many interactions something was deleted."""
    from pipeline import jobs

    settings = load_settings()
    deletion = jobs.retention(settings)
    gone = {digest for dropped in deletion.dropped for digest in dropped.digests}
    _last_word("retention", t(settings.language, "flows.deleted", count=len(gone), files=deletion.files))
    return len(gone)


@flow(name="learn")
def learn(use: bool = False) -> bool:
    """Learn from the decisions that people made; gives whether the new reader is better than the old one.

    Args:
        use: put it to use if it is.
    """
    from pipeline import jobs

    settings = load_settings()
    learned = jobs.lesson(settings, put_to_use=use)
    if learned is None:
        return False
    compared = learned.comparison
    told = {"decisions": compared.decisions, "old": compared.old_right, "new": compared.new_right}
    _last_word("learn", t(settings.language, "flows.learnt", folder=learned.folder, **told))
    return compared.enough and compared.fit_for_use


def deployments(settings: Settings, inbox: Path) -> tuple[RunnerDeployment, ...]:
    """What `zhijian serve` keeps: each flow by the cron expression of the settings, in their time zone."""
    times = settings.schedule
    wanted: tuple[tuple[str, str, Mapping[str, object]], ...] = (
        ("nightly", times.nightly, {"inbox": str(inbox.absolute())}),
        ("weekly", times.weekly, {"period": "week"}),
        ("monthly", times.monthly, {"period": "month"}),
        ("retention", times.retention, {}),
        ("learn", times.learn, {"use": False}),
    )
    flows: Mapping[str, Flow[Any, Any]] = {
        "nightly": nightly,
        "weekly": agent_scorecards,
        "monthly": agent_scorecards,
        "retention": retention,
        "learn": learn,
    }
    made = [
        flows[name].to_deployment(
            name,
            schedules=[Cron(cron, timezone=settings.time_zone)] if cron.strip() else None,
            parameters=dict(parameters),
        )
        for name, cron, parameters in wanted
    ]
    some = (*made, rescore.to_deployment("rescore"))
    return tuple(one for one in some if isinstance(one, RunnerDeployment))


def keep(settings: Settings, inbox: Path) -> None:
    """Do by the clock what the settings say, until the process is told to end."""
    serve(*deployments(settings, inbox), limit=2, pause_on_shutdown=False, print_starting_message=False)


def _work_off(planned: Nightly) -> int:
    """One task a batch; the artifact tells how far it is."""
    language = planned.workshop.settings.language
    whole = planned.interactions
    if not whole:
        return 0
    bar = create_progress_artifact(0.0, key="progress", description=t(language, "flows.progress", count=whole))
    made = done = 0
    for number, batch in enumerate(planned.batches):
        made += process_batch(planned, number, batch.name)
        done += len(batch)
        if isinstance(bar, UUID):
            update_progress_artifact(bar, progress=100 * done / whole)
    return made


def _last_word(key: str, text: str) -> None:
    create_markdown_artifact(text, key=key)


def _of_night(outcome: Outcome, settings: Settings) -> str:
    language = settings.language
    rows = [
        f"| {name} | {count} |"
        for name, count in (
            (t(language, "flows.evaluated"), outcome.evaluated),
            (t(language, "flows.known"), outcome.known),
            (t(language, "flows.flagged"), sum(result.review.flagged for result in outcome.results)),
            (t(language, "flows.set_aside"), len(outcome.set_aside)),
            (t(language, "flows.duplicates"), outcome.duplicates),
            (t(language, "flows.waiting"), len(outcome.waiting)),
        )
    ]
    head = f"| {t(language, 'flows.what')} | {t(language, 'flows.count')} |\n| --- | ---: |"
    report = t(language, "cli.run.report", path=outcome.report)
    return "\n".join([outcome.night.markdown(language), head, *rows, "", report])


def _of_pages(written: Written, settings: Settings) -> str:
    counts = {"interactions": written.interactions, "agents": written.agents}
    return t(settings.language, "flows.pages", path=written.page, **counts)
