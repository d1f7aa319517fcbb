"""Batches that several processes take from the store: each once; who cannot gives it back, who dies is missed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pipeline.crew import Crew, Hand, hand_of, travelling
from pipeline.errors import SettingsError
from pipeline.nightly import Nightly, Outcome, run_local
from pipeline.prefect_setup import check_engine
from pipeline.settings import Settings, load_settings
from pipeline.store import Failure, Item, open_store
from pipeline.store.records import Laid
from tests.children import ROOT
from tests.material import chat_files

DIED = Failure("", "", "Z191", "died", "")
SMALL = {"ZHIJIAN_RUN_CHATS_PER_BATCH": "2"}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "inbox", 5)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_batch_is_taken_once_and_again_after_it_was_given_back(store_url: str, tmp_path: Path) -> None:
    batches = [Laid(number, f"第 {number} 批", 2, {"who": ["甲", number]}) for number in range(3)]
    with open_store(store_url, media=tmp_path) as store, open_store(store_url, media=tmp_path) as other:
        run = store.begin_run("inbox", "dask")
        store.lay_out(run, batches)
        assert (store.take_batch(run, 1), other.take_batch(run, 1)) == (batches[1], None)
        assert (store.take_batch(run), other.take_batch(run), store.take_batch(run)) == (batches[0], batches[2], None)
        other.give_back(run, 2, "没有模型")
        store.end_batch(run, 0, results=2, evaluated=2)
        assert [(one.done, one.working, one.problem) for one in store.shared(run)] == [
            (True, False, ""),
            (False, True, ""),
            (False, False, "没有模型"),
        ]
        assert store.take_batch(run) == batches[2]
        store.clear_batches(run)
        assert store.shared(run) == ()


def seen(url: str, worker: str, ago: timedelta) -> None:
    """Let a process of another machine have told so long ago that it lives."""
    engine = create_engine(url)
    with engine.begin() as connection:
        moment = datetime.now(UTC) - ago
        stamp = moment.replace(tzinfo=None).isoformat(" ") if engine.dialect.name == "sqlite" else moment
        connection.execute(text("UPDATE attempts SET worker = :worker"), {"worker": worker})
        connection.execute(text("INSERT INTO workers VALUES (:worker, :seen)"), {"worker": worker, "seen": stamp})
    engine.dispose()


@pytest.mark.parametrize(
    ("ago", "tries"), [(timedelta(minutes=5), {}), (timedelta(minutes=20), {"sha256:1": 1})], ids=["lives", "dead"]
)
def test_who_works_on_another_machine_is_missed_after_a_quarter_of_an_hour(
    store_url: str, tmp_path: Path, ago: timedelta, tries: dict[str, int]
) -> None:
    with open_store(store_url, media=tmp_path) as store:
        assert store.begin_work([Item("sha256:1", "a.wav")], inbox="x") == {"sha256:1"}
        seen(store_url, "elsewhere:77:123", ago)
        assert store.begin_work([Item("sha256:1", "a.wav"), Item("sha256:2", "b.wav")], inbox="x") == {"sha256:2"}
        stock = store.take_stock(limit=3, died=DIED)
    assert (dict(stock.tries).get("sha256:1"), "sha256:1" in stock.busy) == (tries.get("sha256:1"), not tries)


def shared(inbox: Path, settings: Settings, work: Callable[[int], None]) -> Outcome:
    """A night that others work on."""
    planned = Nightly(inbox, settings)
    crew = Crew(planned)
    work(planned.run)
    crew.gather()
    return planned.finish()


def test_who_takes_batches_has_the_cards_of_the_run_and_the_night_has_one_report(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(run: int) -> None:
        # Another machine may name another card: the run's own counts.
        monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", "hotline")
        with Hand(load_settings(), run) as hand:
            assert (hand.work(1), hand.work(1)) == (2, 0)
            assert hand.work_off() == 3

    outcome = shared(inbox, settings, work)
    assert (outcome.evaluated, outcome.set_aside) == (5, ())
    with open_store(settings.store_url, media=settings.media) as store:
        assert {result.evaluation.scorecard_id for result in store.results()} == {"online-chat"}
        assert [run.evaluated for run in store.runs()] == [5]


def test_who_has_other_models_leaves_its_batch_to_others(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(run: int) -> None:
        with monkeypatch.context() as there:
            there.setenv("ZHIJIAN_READING_SECOND_OPINION", "false")
            with Hand(load_settings(), run) as hand, pytest.raises(SettingsError, match="Z581"):
                hand.work_off()
        with Hand(settings, run) as hand:
            assert hand.work(2) == 1

    outcome = shared(inbox, settings, work)
    told = [(item.source, item.code, item.reason[:21]) for item in outcome.set_aside]
    assert told == [
        ("第 1 批：2 通文字会话", "Z194", "这一批还有 2 通没有做完：[Z581] "),
        ("第 2 批：2 通文字会话", "Z194", "这一批 2 通没有进程来处理"),
    ]
    assert outcome.set_aside[0].hint == "下次运行会接着做，做完的不会重做"


def test_a_batch_whose_taker_died_is_told_and_done_by_the_next_run(inbox: Path, settings: Settings) -> None:
    def work(run: int) -> None:
        script = (
            "import os, signal, sys; from pipeline.settings import load_settings\n"
            "from pipeline.store import open_store; settings = load_settings()\n"
            "store = open_store(settings.store_url, media=settings.media)\n"
            "store.take_batch(int(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
        )
        assert subprocess.run([sys.executable, "-c", script, str(run)], cwd=ROOT, check=False).returncode == -9
        with Hand(settings, run) as hand:
            assert hand.work_off() == 3

    outcome = shared(inbox, settings, work)
    assert [(item.source, item.code) for item in outcome.set_aside] == [("第 1 批：2 通文字会话", "Z194")]
    assert "中途停止了" in outcome.set_aside[0].reason
    assert any("Z194" in line for line in outcome.night.markdown("zh").splitlines())
    planned = Nightly(inbox, settings)
    assert [[one.id for one in batch.items] for batch in planned.batches] == [["T0", "T1"]]
    run_local(planned)
    assert (planned.finish().evaluated, planned.interactions) == (2, 2)


def test_batches_of_a_planner_that_died_are_cleared_away(inbox: Path, settings: Settings) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from pipeline.crew import Crew\n"
        "from pipeline.nightly import Nightly; from pipeline.settings import load_settings\n"
        "Crew(Nightly(Path(sys.argv[1]), load_settings())); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(inbox)], cwd=ROOT, check=False).returncode == -9
    planned = Nightly(inbox, settings)
    assert len(planned.store.shared(1)) == 3
    crew = Crew(planned)
    assert (planned.run, planned.store.shared(1), len(planned.store.shared(2))) == (2, (), 3)
    with Hand(settings, 2) as hand:
        hand.work_off()
    assert (crew.gather(), planned.finish().evaluated) == (5, 5)


def test_secrets_do_not_travel_but_are_found_on_arrival(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_QUESTION_KEY", "sk-secret")
    told = travelling(load_settings())
    assert "sk-secret" not in str(told)
    planned = Nightly(inbox, settings)
    crew = Crew(planned)
    hand = hand_of(told, planned.run)
    assert (hand_of(told, planned.run) is hand, hand.work(0), crew.look(), crew.done) == (True, 2, True, 2)
    assert Settings(**told).question.key.get_secret_value() == "sk-secret"
    hand.close()
    planned.store.close()


def test_without_the_extra_the_engine_dask_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings.model_copy(update={"run": settings.run.model_copy(update={"engine": "dask"})})
    check_engine(chosen)
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(SettingsError, match=r"Z580.*pip install .*-e \.\[dask\]"):
        check_engine(chosen)
    check_engine(settings)
