"""Past one process: a Dask cluster, and a work pool with two workers; the same bytes as one process, whoever dies."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from pathlib import Path
from sqlite3 import connect

import httpx
import psycopg
import pytest

from pipeline.cli.stored import export
from pipeline.nightly import Nightly, run_local
from pipeline.settings import load_settings
from tests.children import ROOT, zhijian
from tests.loopback import free_port, until
from tests.material import GREETED, RUDE, dialogue
from tests.postgres import Server, fresh

SAMPLES = ROOT / "samples" / "inbox"
CALL = "C20251014-0004"
SMALL = {"ZHIJIAN_RUN_CHATS_PER_BATCH": "2", "ZHIJIAN_RUN_SETTLED_SECONDS": "0"}


@contextmanager
def running(
    *words: str, env: Mapping[str, str], log: Path, module: str = "prefect"
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of Prefect or of another module, as long as the context lasts."""
    with (
        log.open("ab") as file,
        subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, env=env, stdout=file, stderr=file) as one,
    ):
        try:
            yield one
        finally:
            one.send_signal(signal.SIGTERM)
            try:
                one.wait(timeout=60)
            except subprocess.TimeoutExpired:
                one.kill()


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What processes need in their environment to reach a Prefect server that is there for these tests."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    api = f"http://127.0.0.1:{port}/api"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ZHIJIAN_"))}
    env = plain | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }
    words = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with running(*words, env=env, log=home / "server.log") as server:
        until(lambda: server.poll() is None and httpx.get(f"{api}/health", timeout=5).is_success)
        yield env


def fill(folder: Path, names: str) -> Path:
    folder.mkdir()
    for number, name in enumerate(names):
        content = json.dumps(dialogue(name, RUDE if number % 2 else GREETED), ensure_ascii=False)
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def inboxes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Seven chats, a recording and a broken one; seven other chats."""
    top = tmp_path_factory.mktemp("inboxes")
    first, second = fill(top / "first", "abcdefg"), fill(top / "second", "tuvwxyz")
    for suffix in (".json", ".ogg"):
        shutil.copyfile(SAMPLES / f"{CALL}{suffix}", first / f"{CALL}{suffix}")
    (first / "broken.wav").write_bytes(b"no sound at all")
    return first, second


def exported(inbox: Path | None = None, /, **settings: str) -> str:
    """What `zhijian export` prints of a store, after a night in this process over an inbox."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as there:
        for name, value in (SMALL | settings).items():
            there.setenv(name, value)
        loaded = load_settings()
        if inbox is not None:
            planned = Nightly(inbox, loaded)
            run_local(planned)
            planned.finish()
        with redirect_stdout(printed):
            assert export(loaded) == 0
    return printed.getvalue()


@pytest.fixture(scope="module")
def calm(inboxes: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What one process gives: after the first inbox, and after both."""
    home = {"ZHIJIAN_HOME": str(tmp_path_factory.mktemp("calm"))}
    return exported(inboxes[0], **home), exported(inboxes[1], **home)


def test_on_a_dask_cluster_two_processes_give_the_bytes_of_one(
    inboxes: tuple[Path, Path], calm: tuple[str, str], tmp_path: Path, prefect: dict[str, str]
) -> None:
    home = tmp_path / "home"
    dask = {"ZHIJIAN_RUN_ENGINE": "dask", "ZHIJIAN_RUN_WORKERS": "2"}
    night = zhijian("run", inboxes[0], home=home, settings={**prefect, **SMALL, **dask})
    assert (night.status, CALL in night.out) == (1, True), night.said
    scored = sorted(name for stage, names in night.steps if stage == "scored" for name in names)
    assert scored == [CALL, *"abcdefg"]
    assert calm[0].count("\n") == 8
    assert exported(ZHIJIAN_HOME=str(home)) == calm[0]
    with closing(connect(home / "zhijian.sqlite")) as database:
        # The one who planned, and the two who worked.
        assert database.execute("SELECT count(*) FROM workers").fetchone() == (3,)
        assert database.execute("SELECT count(*) FROM batches").fetchone() == (0,)


def test_workers_of_a_running_cluster_hear_as_the_process_that_planned_does(
    inboxes: tuple[Path, Path], calm: tuple[str, str], tmp_path: Path, prefect: dict[str, str]
) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    home, log = tmp_path / "home", tmp_path / "dask.log"
    env = prefect | {"OMP_NUM_THREADS": "2" if os.environ.get("OMP_NUM_THREADS") == "1" else "1"}
    scheduler = ("--host", address, "--no-dashboard")
    worker = (address, "--nworkers", "1", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard")
    with (
        running(*scheduler, env=env, log=log, module="distributed.cli.dask_scheduler"),
        running(*worker, "--local-directory", str(tmp_path), env=env, log=log, module="distributed.cli.dask_worker"),
    ):
        dask = {"ZHIJIAN_RUN_ENGINE": "dask", "ZHIJIAN_RUN_CLUSTER": address}
        night = zhijian("run", inboxes[0], home=home, settings={**prefect, **SMALL, **dask})
    assert (night.status, CALL in night.out) == (1, True), (night.said, log.read_text(encoding="utf-8"))
    assert exported(ZHIJIAN_HOME=str(home)) == calm[0]


@contextmanager
def nothing_heard(url: str) -> Iterator[Callable[[], None]]:
    """Nobody can keep what was heard, so that whoever takes a batch stays at it until told to go on."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE hearings IN SHARE MODE")
        yield connection.commit


def at_work(url: str) -> list[str]:
    """Processes that have taken a batch and not finished it, as host:number:start."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        query = "SELECT DISTINCT worker FROM batches WHERE worker IS NOT NULL AND results IS NULL"
        return [str(worker) for (worker,) in connection.execute(query)]


def deployed(client: httpx.Client) -> str:
    """The id of the deployment of nights."""
    path = "/deployments/name/nightly/nightly"
    identity: str = until(lambda: client.get(path).raise_for_status().json()["id"])
    return identity


@pytest.fixture
def pool(prefect: dict[str, str], postgres: Server, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A work pool with the deployments of the repository and two workers; the store's URL and their environment."""
    url, home = fresh(postgres), tmp_path / "home"
    env = prefect | SMALL | {"ZHIJIAN_STORE_URL": url, "ZHIJIAN_HOME": str(home)}
    log = tmp_path / "workers.log"
    with httpx.Client(base_url=prefect["PREFECT_API_URL"], timeout=60) as client, ExitStack() as stack:
        until(
            lambda: client.post("/work_pools/", json={"name": "zhijian", "type": "process"}).status_code in (201, 409)
        )
        with running("--no-prompt", "deploy", "-n", "nightly", "-n", "shard", env=env, log=log) as deploying:
            assert deploying.wait() == 0, log.read_text(encoding="utf-8")
        nightly = deployed(client)
        # A night that the clock begins while the test runs would be one too many.
        until(lambda: client.patch(f"/deployments/{nightly}", json={"paused": True}).is_success)
        for name, limit in (("one", "2"), ("two", "1")):
            words = ("worker", "start", "--pool", "zhijian", "--name", name, "--limit", limit)
            stack.enter_context(running(*words, env=env, log=log))
        yield url, env


def test_two_workers_of_a_pool_share_a_night_and_survive_one_that_is_killed(
    inboxes: tuple[Path, Path], calm: tuple[str, str], pool: tuple[str, dict[str, str]]
) -> None:
    (first, second), (url, env) = inboxes, pool
    here = {name: env[name] for name in ("ZHIJIAN_STORE_URL", "ZHIJIAN_HOME")}
    assert exported(**here) == ""
    with httpx.Client(base_url=env["PREFECT_API_URL"], timeout=60) as client:
        nightly = deployed(client)
        with nothing_heard(url) as go_on:
            asked = {"parameters": {"inbox": str(first), "shards": 2}, "idempotency_key": "once"}
            path = f"/deployments/{nightly}/create_flow_run"
            run = until(lambda: client.post(path, json=asked).raise_for_status().json()["id"])
            assert len(until(lambda: len(found := at_work(url)) == 2 and found)) == 2
            go_on()
        done = until(lambda: (told := client.get(f"/flow_runs/{run}").raise_for_status().json())["end_time"] and told)
        assert done["state_type"] == "COMPLETED", done
        artifacts = until(lambda: client.post("/artifacts/filter", json={}).raise_for_status().json())
        words = next(one["data"] for one in artifacts if one["key"] == "night")
        assert "| 新评分 | 8 |" in words
        assert "broken.wav" in words
    assert exported(**here) == calm[0]

    with nothing_heard(url) as go_on, ThreadPoolExecutor(1) as away:
        shards = {"ZHIJIAN_RUN_ENGINE": "prefect", "ZHIJIAN_RUN_SHARDS": "2"}
        night = away.submit(zhijian, "run", second, home=Path(env["ZHIJIAN_HOME"]), settings={**env, **shards})
        victim, _ = until(lambda: len(found := at_work(url)) == 2 and found)
        os.kill(int(victim.split(":")[1]), signal.SIGKILL)
        go_on()
        ended = night.result()
    assert ended.status == 1, ended.said
    report = json.loads((Path(env["ZHIJIAN_HOME"]) / "nights" / "night-000002.json").read_text(encoding="utf-8"))
    (aside,) = report["set_aside"]
    assert (aside["code"], victim in aside["reason"], "Z194" in ended.said) == ("Z194", True, True)
    # Which of the two it was, and so whether its batch was the odd one, is chance; all the others were finished.
    died = int(re.findall(r"\d+", aside["source"])[1])
    assert f"新评分 {7 - died} 通" in ended.said
    assert exported(second, **here) == calm[1]
