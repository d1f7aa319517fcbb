"""Kill -9 at every stage, start again: the result is that of an undisturbed night, and no finished step is repeated."""

import re
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.children import Ended, zhijian
from tests.material import chat_files

SAMPLES = Path(__file__).parents[1] / "samples" / "inbox"
CALLS = ("C20251014-0004", "C20251016-0008")
PATIENT = {"ZHIJIAN_RUN_TRIES": "20", "ZHIJIAN_RUN_CHATS_PER_BATCH": "3", "ZHIJIAN_RUN_CALLS_PER_BATCH": "2"}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for path in SAMPLES.iterdir():
        if path.stem in CALLS:
            shutil.copyfile(path, folder / path.name)
    chat_files(folder, 6)
    (folder / "broken.wav").write_bytes(b"no sound at all")
    return folder


def exported(home: Path) -> str:
    done = zhijian("export", home=home)
    assert done.status == 0, done.said
    return done.out


def pages(home: Path) -> dict[str, str]:
    """The report, without the moment that it was made at."""
    report = home / "report"
    files = [path for path in report.rglob("*") if path.suffix in {".html", ".json"}]
    moment = re.compile('<span class="made">[^<]*</span>')
    return {str(path.relative_to(report)): moment.sub("", path.read_text(encoding="utf-8")) for path in files}


def rows(home: Path) -> list[int]:
    tables = ("interactions", "hearings", "conversations", "evaluations", "review_items", "attempts")
    with closing(sqlite3.connect(home / "zhijian.sqlite")) as database:
        return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608


def repeated(runs: list[Ended]) -> dict[tuple[str, str], int]:
    """Steps that were told as done more than once."""
    told = Counter(
        (stage, name)
        for run in runs
        for stage, names in run.steps
        if stage in {"heard", "read", "scored"}
        for name in names
    )
    return {step: count for step, count in told.items() if count > 1}


# What a run died of comes after everything else in the next one: so the stages come in this order.
STAGES = ("planned", "begun", "read", "scored", "heard", "heard", "read", "scored", "reporting")


def test_killed_at_every_stage_and_started_again_a_night_ends_as_if_undisturbed(inbox: Path, tmp_path: Path) -> None:
    undisturbed = zhijian("run", inbox, home=tmp_path / "calm", settings=PATIENT)
    assert undisturbed.status == 1
    home = tmp_path / "killed"
    runs = []
    for stage in STAGES:
        runs.append(zhijian("run", inbox, home=home, kill_at=stage, settings=PATIENT))
        assert (stage, runs[-1].status) == (stage, -signal.SIGKILL), runs[-1].said
    runs.append(zhijian("run", inbox, home=home, settings=PATIENT))
    assert runs[-1].status == 1
    assert runs[-1].out.replace(str(home), "") == undisturbed.out.replace(str(tmp_path / "calm"), "")
    assert exported(home) == exported(tmp_path / "calm")
    assert pages(home) == pages(tmp_path / "calm")
    assert rows(home) == rows(tmp_path / "calm") == [8, 8, 8, 8, 8, 0]
    assert repeated(runs) == {}


def test_asked_to_end_a_run_leaves_nothing_behind_that_counts_as_a_death(inbox: Path, tmp_path: Path) -> None:
    import subprocess

    from tests.children import COMMAND, environment

    home = tmp_path / "home"
    with subprocess.Popen(
        [*COMMAND, "run", str(inbox)],
        env=environment(home, PATIENT),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"begun"' in line:
                process.terminate()
                break
        process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert rows(home)[-1] == 0
