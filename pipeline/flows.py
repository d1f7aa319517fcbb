"""The flows: what `pipeline.nightly` and `pipeline.jobs` do, under Prefect, with schedules, progress and a last word.

A night is one task a batch, a few dozen tasks and not tens of thousands: what happens to one interaction is kept in our
own store. Only this module imports Prefect and Dask. `pipeline.prefect_setup.configure` should come before it is
imported.

Past one process there are two ways, both over `pipeline.crew`: tasks of the same flow on a Dask cluster
(`run.engine = "dask"`), or one run of the deployment `shard` for each of so many workers of a work pool (`shards`).

Called by a schedule or a work pool, a flow takes the settings of the working directory and of the environment.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import httpx
from prefect import Flow, State, flow, serve, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.deployments import run_deployment
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron
from prefect.states import Failed

from pipeline.crew import Crew, Hand, hand_of, travelling
from pipeline.errors import SettingsError, ZhijianError
from pipeline.i18n import t
from pipeline.prefect_setup import check_engine
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.jobs import Written
    from pipeline.nightly import Nightly, Outcome

SHARD = "shard/shard"
"""The deployment that works off batches of a night, as flow and name."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two looks at how far others are: few at first, so that a short night is short."""
PATIENCE = 1800.0
"""Seconds without anybody at work after which the one who planned a night ends it."""
_CREW: ContextVar[Crew] = ContextVar("crew")


@task(name="process_batch", task_run_name="{name}", cache_policy=NO_CACHE)
def process_batch(planned: Nightly, number: int, name: str) -> int:
    """Work off one batch; gives the number of its results."""
    return planned.work(number)


@task(name="take_batch", task_run_name="{name}", cache_policy=NO_CACHE)
def take_batch(settings: Mapping[str, Any], run: int, number: int, name: str) -> int | State[Any]:
    """Work off one batch of a night that another process planned; gives the number of its results."""
    try:
        return hand_of(settings, run).work(number)
    except ZhijianError as error:
        # The one who planned the night tells of it; a trace would only scroll by.
        return Failed(message=str(error))


@flow(name="run", validate_parameters=False)
def run(planned: Nightly) -> int:
    """Work off a night that is planned already, for `zhijian run`; the caller finishes it. Gives how many results."""
    settings = planned.settings
    if settings.run.shards:
        return _by_shards(planned, settings.run.shards)
    return _work_off(planned)


@flow(name="run")
def spread(run: int) -> int:
    """Work off a night that is planned already on a cluster; gives how many results there are."""
    # The flow travels with every task, parameters and all: the night itself must not be among them.
    crew = _crew()
    planned = crew.planned
    settings = travelling(_for_workers(planned.settings))
    futures = [take_batch.submit(settings, run, number, batch.name) for number, batch in enumerate(planned.batches)]
    _follow(crew, lambda: all(future.wrapped_future.done() for future in futures))  # type: ignore[attr-defined]
    for future in futures:
        if future.wrapped_future.done():  # type: ignore[attr-defined]
            future.wait()
    return crew.gather()


def work_off(planned: Nightly) -> int:
    """Work off a night by the engine of its settings; the caller finishes it. Gives how many results there are.

    Raises:
        SettingsError: Z580 a package for Dask is missing, Z582 the cluster cannot be reached, Z583 nobody has deployed
            `shard`.
    """
    if planned.settings.run.engine != "dask":
        return run(planned)
    return _on_dask(planned)


@flow(name="nightly")
def nightly(inbox: str = "", shards: int = 0) -> int:
    """Take in an inbox, evaluate what is new in it and write the report; gives the number of new results.

    Args:
        inbox: the folder; default the setting `schedule.inbox`.
        shards: share the work out to so many runs of the deployment `shard`; default the setting `run.shards`.
    """
    from pipeline.nightly import Nightly

    settings = load_settings()
    check_engine(settings)
    planned = Nightly(Path(inbox or settings.schedule.inbox), settings)
    if count := shards or settings.run.shards:
        made = _by_shards(planned, count)
    elif settings.run.engine == "dask":
        made = _on_dask(planned)
    else:
        made = _work_off(planned)
    _last_word("night", _of_night(planned.finish(), settings))
    return made


@flow(name="shard")
def shard(run: int) -> int:
    """Work off batches of a night that another process planned, until none is left; gives how many results were made.

    Args:
        run: the number of the run in the store, which this machine's settings name too.
    """
    settings = load_settings()
    with Hand(settings, run) as hand:
        return hand.work_off()


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
    some = (*made, rescore.to_deployment("rescore"), shard.to_deployment("shard"))
    return tuple(one for one in some if isinstance(one, RunnerDeployment))


def keep(settings: Settings, inbox: Path) -> None:
    """Do by the clock what the settings say, until the process is told to end."""
    # The one who plans a night waits while others work: it must not take the place of one of them.
    limit = 2 + settings.run.shards
    serve(*deployments(settings, inbox), limit=limit, pause_on_shutdown=False, print_starting_message=False)


def _work_off(planned: Nightly) -> int:
    """One task a batch, one after the other; the artifact tells how far it is."""
    if not planned.interactions:
        return 0
    tell = _bar(planned)
    made = done = 0
    for number, batch in enumerate(planned.batches):
        made += process_batch(planned, number, batch.name)
        done += len(batch)
        tell(done)
    return made


def _on_dask(planned: Nightly) -> int:
    """The same tasks, as many at a time as the cluster has workers."""
    check_engine(planned.settings)
    if not planned.interactions:
        return 0
    token = _CREW.set(Crew(planned))
    try:
        with _dask(planned) as runner:
            return spread.with_options(task_runner=runner)(planned.run)
    finally:
        _CREW.reset(token)


def _crew() -> Crew:
    return _CREW.get()


@contextmanager
def _dask(planned: Nightly) -> Iterator[Any]:
    """What runs tasks on the cluster of the settings, or on one of this machine that lives as long as the context."""
    import dask
    import distributed
    from prefect_dask.task_runners import DaskTaskRunner

    settings = planned.settings
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if address := settings.run.cluster:
        try:
            client: Any = distributed.Client
            client(address, timeout=30, set_as_default=False).close()
        except (OSError, ValueError) as error:
            language = settings.language
            what = t(language, "crew.no_cluster", address=address, detail=str(error))
            hint = t(language, "crew.no_cluster_hint")
            raise SettingsError("Z582", what, where="run.cluster", hint=hint) from error
        yield DaskTaskRunner(address=address)
        return
    count = min(_workers(settings), len(planned.batches))
    # A worker that died takes nothing along but what it was at; a large model may need all the memory there is.
    quiet = {"distributed.scheduler.worker-saturation": 1.0, "distributed.comm.timeouts.connect": "120s"}
    with dask.config.set(quiet):
        local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        size = {"n_workers": count, "threads_per_worker": 1, "processes": True, "memory_limit": 0}
        yield DaskTaskRunner(cluster_kwargs={**local, **size})


def _workers(settings: Settings) -> int:
    return settings.run.workers or len(os.sched_getaffinity(0))


def _for_workers(settings: Settings) -> Settings:
    """The settings with the cores of this machine shared among its workers, unless a person has done so."""
    if settings.run.cluster or settings.asr.threads:
        return settings
    threads = max(1, len(os.sched_getaffinity(0)) // _workers(settings))
    return settings.model_copy(update={"asr": settings.asr.model_copy(update={"threads": threads})})


def _by_shards(planned: Nightly, count: int) -> int:
    """So many runs of the deployment `shard`, which take batches until none is left."""
    if not planned.interactions:
        return 0
    language = planned.settings.language
    with get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name(SHARD)
        except ObjectNotFound as error:
            what, hint = t(language, "crew.no_deployment", name=SHARD), t(language, "crew.no_deployment_hint")
            raise SettingsError("Z583", what, where="run.shards", hint=hint) from error
        crew = Crew(planned)
        names = [t(language, "crew.shard", number=n) for n in range(1, 1 + min(count, len(planned.batches)))]
        runs = [_started(planned.run, name) for name in names]
        _follow(crew, lambda: _ended(client, runs))
    return crew.gather()


def _started(run: int, name: str) -> UUID:
    made: Any = run_deployment(SHARD, parameters={"run": run}, flow_run_name=name, timeout=0)
    identity: UUID = made.id
    return identity


def _ended(client: SyncPrefectClient, runs: Sequence[UUID]) -> bool:
    """Whether all these runs have come to an end, good or bad; a server that does not answer is asked again later."""
    try:
        found = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(runs))))
    except httpx.HTTPError:
        return False
    return all(one.state is not None and one.state.is_final() for one in found)


def _follow(crew: Crew, over: Callable[[], bool]) -> None:
    """Look again and again how far the others are, until it is over, or nobody has worked for `PATIENCE`."""
    tell, pause, last = _bar(crew.planned), FIRST_PAUSE, time.monotonic()
    while True:
        ended = over()
        before, busy = crew.done, crew.look()
        if crew.done != before:
            tell(crew.done)
        if busy:
            last = time.monotonic()
        if ended or time.monotonic() - last > PATIENCE:
            return
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, 1.3 * pause)


def _bar(planned: Nightly) -> Callable[[int], None]:
    """A progress artifact over the interactions of a night; gives what to call with how many are done."""
    whole = planned.interactions
    description = t(planned.settings.language, "flows.progress", count=whole)
    bar = create_progress_artifact(0.0, key="progress", description=description)

    def tell(done: int) -> None:
        if isinstance(bar, UUID):
            update_progress_artifact(bar, progress=100 * done / whole)

    return tell


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
