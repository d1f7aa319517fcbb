"""The schedule: what is kept, in which time zone, and that it is really done by a real server and real workers."""

import inspect
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pipeline.errors import SettingsError
from pipeline.jobs import agent_scorecards, last_period
from pipeline.nightly import Nightly, run_local
from pipeline.settings import Settings, load_settings
from pipeline.settings_tables import Schedule
from tests.children import COMMAND, ROOT, environment
from tests.loopback import free_port, until
from tests.material import GREETED, chat_files, dialogue

WriteJson = Callable[[Path, object], Path]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "inbox", 3)


def test_a_wrong_time_is_told(tmp_path: Path) -> None:
    file = tmp_path / "zhijian.toml"
    file.write_text('[schedule]\nnightly = "at one"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"zhijian.toml:2: .*cron"):
        load_settings(file)


def test_the_last_week_and_month_that_are_over() -> None:
    assert last_period("week", date(2026, 1, 1)) == ("2025-W52", date(2025, 12, 22), date(2025, 12, 29))
    assert last_period("month", date(2026, 1, 1)) == ("2025-12", date(2025, 12, 1), date(2026, 1, 1))


def test_scorecards_of_agents_are_about_their_period_only(inbox: Path, write_json: WriteJson) -> None:
    settings = load_settings()
    # 16:30 on the Sunday in London is half past midnight on the Monday in Shanghai.
    agent = {"id": "2031", "name": "小王"}
    late = dialogue("T9", GREETED, started_at="2025-10-12T16:30:00+00:00", agent=agent)
    write_json(inbox / "late.json", late)
    planned = Nightly(inbox, settings)
    run_local(planned)
    planned.finish()
    week, next_week, month = (
        agent_scorecards(settings, period="week", today=date(2025, 10, 15)),
        agent_scorecards(settings, period="week", today=date(2025, 10, 20)),
        agent_scorecards(settings, period="month", today=date(2025, 11, 1)),
    )
    assert [(one.interactions, one.agents) for one in (week, next_week, month)] == [(3, 1), (1, 1), (4, 2)]
    assert week.page.parent == settings.home / "agents" / "2025-W41"
    assert [path.stem for path in (next_week.page.parent / "agents").glob("*.html")] == ["2031"]


def test_deployments_of_the_repository_name_flows_parameters_and_default_times() -> None:
    from pipeline import flows

    told = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    times = {}
    for one in told["deployments"]:
        file, name = one["entrypoint"].split(":")
        assert (ROOT / file) == Path(flows.__file__)
        assert set(one.get("parameters", {})) <= set(inspect.signature(getattr(flows, name).fn).parameters)
        for schedule in one.get("schedules", []):
            assert schedule["timezone"] == Settings().time_zone
            times[one["name"]] = schedule["cron"]
    defaults = Schedule()
    assert times == {name: getattr(defaults, name) for name in times}
    assert "nightly" in times


@contextmanager
def serving(inbox: Path, home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = {"ZHIJIAN_SCHEDULE_PORT": str(port), "ZHIJIAN_SCHEDULE_NIGHTLY": "15 3 * * *"}
    plain = {name: value for name, value in environment(home, settings).items() if not name.startswith("PREFECT_")}
    with subprocess.Popen(
        [*COMMAND, "serve", str(inbox)], cwd=home.parent, env=plain, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def test_serve_schedules_nights_in_the_zone_of_the_settings_and_does_them(inbox: Path, tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "home"
    api = f"http://127.0.0.1:{port}/api"
    with serving(inbox, home, port) as process, httpx.Client(base_url=api, timeout=60) as client:

        def post(path: str, **content: object) -> Any:
            assert process.poll() is None
            return client.post(path, json=content).raise_for_status().json()

        kept = until(lambda: len(found := post("/deployments/filter")) == 7 and found)
        by_name = {one["name"]: one for one in kept}
        (schedule,) = by_name["nightly"]["schedules"]
        assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("15 3 * * *", "Asia/Shanghai")
        nightly = {"id": {"any_": [by_name["nightly"]["id"]]}}
        planned = until(lambda: post("/flow_runs/filter", deployments=nightly))
        # A quarter past three in Beijing.
        assert {run["expected_start_time"][11:16] for run in planned} == {"19:15"}
        # A server that is short of breath refuses now and then; asked again with the same key, it makes no second run.
        path = f"/deployments/{by_name['nightly']['id']}/create_flow_run"
        run = until(lambda: post(path, idempotency_key="once"))
        done = until(
            lambda: (told := client.get(f"/flow_runs/{run['id']}").raise_for_status().json())["end_time"] and told
        )
        assert done["state_type"] == "COMPLETED"
        tasks = until(lambda: post("/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}}))
        assert [task["name"] for task in tasks] == ["第 1 批：3 通文字会话"]
        artifacts = {one["key"]: one["data"] for one in post("/artifacts/filter")}
        assert artifacts["progress"] == 100
        assert "| 新评分 | 3 |" in artifacts["night"]
    assert (home / "report" / "index.html").is_file()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{api}/health")
