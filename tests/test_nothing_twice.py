"""Nothing twice, nothing lost: changed files, copies, files that fail again and again, other runs at the same time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import quarantine
from pipeline.errors import InputError, StoreError
from pipeline.ingest import ingest
from pipeline.nightly import Nightly, Outcome, run_local
from pipeline.patience import may_pass, patiently
from pipeline.prober import Prober
from pipeline.settings import Settings
from pipeline.settings_tables import Run
from pipeline.store import Failure, Item, open_store
from tests.material import GREETED, RUDE, chat_files, dialogue, write_wave

WriteJson = Callable[[Path, object], Path]
ROOT = Path(__file__).parents[1]
DIED = Failure("", "", "Z191", "died", "")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "inbox", 3)


def night(inbox: Path, settings: Settings, **more: object) -> Outcome:
    planned = Nightly(inbox, settings, **more)  # type: ignore[arg-type]
    run_local(planned)
    return planned.finish()


def totals(settings: Settings) -> dict[str, float | None]:
    with open_store(settings.store_url, media=settings.media) as store:
        return {result.evaluation.interaction: result.evaluation.total for result in store.results()}


def test_a_changed_file_is_a_new_version(inbox: Path, settings: Settings, write_json: WriteJson) -> None:
    night(inbox, settings)
    before = totals(settings)
    write_json(inbox / "0.json", dialogue("T0", RUDE))
    outcome = night(inbox, settings)
    assert (outcome.evaluated, outcome.known, outcome.set_aside) == (1, 2, ())
    after = totals(settings)
    assert set(after) == {"T0", "T1", "T2"}
    assert (before["T0"] != after["T0"], before["T1"] == after["T1"]) == (True, True)
    with open_store(settings.store_url, media=settings.media) as store:
        assert set(store.interactions()) == {"T0", "T0~1", "T1", "T2"}


def test_a_file_that_is_changed_back_is_what_it_was(inbox: Path, settings: Settings, write_json: WriteJson) -> None:
    night(inbox, settings)
    before = totals(settings)
    for lines in (RUDE, GREETED):
        write_json(inbox / "0.json", dialogue("T0", lines))
        last = night(inbox, settings)
    assert (last.evaluated, last.known) == (0, 3)
    assert totals(settings) == before


def test_files_renamed_or_delivered_twice_count_once(inbox: Path, settings: Settings) -> None:
    night(inbox, settings)
    (inbox / "0.json").rename(inbox / "renamed.json")
    (inbox / "copy.json").write_bytes((inbox / "1.json").read_bytes())
    outcome = night(inbox, settings)
    assert (outcome.evaluated, outcome.known, outcome.duplicates, outcome.set_aside) == (0, 3, 1, ())
    assert set(totals(settings)) == {"T0", "T1", "T2"}


class Growing:
    """Looks at a recording as usual, while an upload goes on writing to it."""

    def __call__(self, path: Path, **more: object) -> object:
        from pipeline.recordings import probe

        found = probe(path, **more)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(b"\0" * 320)
        return found


def test_a_file_that_changes_while_it_is_looked_at_waits(tmp_path: Path) -> None:
    write_wave(tmp_path / "a.wav")
    write_wave(tmp_path / "b.wav", pitch=300)
    os.truncate(tmp_path / "a.wav", 2000)
    steady = ingest(tmp_path)
    growing = ingest(tmp_path, prober=Growing())  # type: ignore[arg-type]
    assert [item.source for item in steady.set_aside] == ["a.wav"]
    assert (growing.waiting, growing.set_aside, [one.id for one in growing.interactions]) == (
        ("b.wav",),
        steady.set_aside,
        [],
    )


def test_files_from_the_future_are_taken_because_the_clock_may_have_gone_back(inbox: Path) -> None:
    ahead = time.time() + 86400
    os.utime(inbox / "0.json", (ahead, ahead))
    os.utime(inbox / "1.json", (ahead - 2 * 86400, ahead - 2 * 86400))
    found = ingest(inbox, settled_seconds=60)
    assert [one.id for one in found.interactions] == ["T0", "T1"]
    assert found.waiting == ("2.json",)


def test_what_is_no_file_is_set_aside(inbox: Path) -> None:
    os.mkfifo(inbox / "pipe.json")
    found = ingest(inbox)
    assert [(item.source, item.code, item.reason) for item in found.set_aside] == [
        ("pipe.json", "Z111", "文件读不出来（不是普通文件）")
    ]
    assert len(found.interactions) == 3


def died_at(settings: Settings, items: list[Item]) -> None:
    """A process that begins to work on something and is killed."""
    script = (
        "import os, signal, sys, json; from pathlib import Path; from pipeline.store import Item, open_store\n"
        "store = open_store(sys.argv[1], media=Path(sys.argv[2]))\n"
        "store.begin_work([Item(*one) for one in json.loads(sys.argv[3])], inbox='x')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    told = json.dumps([[item.digest, item.source] for item in items])
    command = [sys.executable, "-c", script, settings.store_url, str(settings.media), told]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9


def test_what_a_process_died_of_is_tried_last_in_small_batches_then_alone_then_not_at_all(
    inbox: Path, settings: Settings
) -> None:
    items = [Item(one.digest, one.source) for one in ingest(inbox).interactions]
    died_at(settings, items[1:])
    first = Nightly(inbox, settings)
    assert [[one.id for one in batch.items] for batch in first.batches] == [["T0"], ["T1", "T2"]]
    died_at(settings, items[1:])
    second = Nightly(inbox, settings)
    assert [[one.id for one in batch.items] for batch in second.batches] == [["T0"], ["T1"], ["T2"]]
    died_at(settings, items[1:2])
    outcome = night(inbox, settings)
    assert [(item.source, item.code) for item in outcome.set_aside] == [("1.json", "Z191")]
    assert set(totals(settings)) == {"T0", "T2"}


def test_quarantine_is_listed_and_left_on_request(
    inbox: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    once = settings.model_copy(update={"run": Run(tries=1)})
    items = [Item(one.digest, one.source) for one in ingest(inbox).interactions]
    died_at(settings, items[1:2])
    assert len(night(inbox, once).set_aside) == 1
    assert quarantine.show(settings) == 0
    shown = capsys.readouterr().out
    assert [word in shown for word in ("1.json", "[Z191]", items[1].digest[7:19])] == [True] * 3
    with pytest.raises(InputError, match="Z123"):
        quarantine.retry(["2.json"], settings, everything=False)
    quarantine.retry(["1.json"], settings, everything=False)
    assert "1.json" in capsys.readouterr().out
    assert night(inbox, once).evaluated == 1
    quarantine.show(settings)
    assert "隔离区是空的" in capsys.readouterr().err


def test_what_another_process_works_on_is_left_to_it(inbox: Path, settings: Settings) -> None:
    items = [Item(one.digest, one.source) for one in ingest(inbox).interactions]
    script = (
        "import sys, json; from pathlib import Path; from pipeline.store import Item, open_store\n"
        "store = open_store(sys.argv[1], media=Path(sys.argv[2]))\n"
        "store.begin_work([Item(*json.loads(sys.argv[3]))], inbox='x')\n"
        "print('begun', flush=True); sys.stdin.read()"
    )
    told = json.dumps([items[0].digest, items[0].source])
    command = [sys.executable, "-c", script, settings.store_url, str(settings.media), told]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        outcome = night(inbox, settings)
        other.kill()
    assert outcome.evaluated == 2
    assert outcome.notes == ("0.json：另一个运行正在处理，这次跳过",)
    assert night(inbox, settings).evaluated == 1


POISONED = (sys.executable, "-m", "tests.poison")


def test_a_recording_that_the_decoder_dies_of_does_not_stop_the_night(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    write_wave(inbox / "poison.wav")
    reasons = []
    for _ in range(4):
        outcome = night(inbox, settings, prober=POISONED)
        reasons += [(item.source, item.code, item.reason) for item in outcome.set_aside]
    died = ("poison.wav", "Z191", "解码这个文件时解码程序崩溃了（SIGABRT）")
    assert reasons == [died] * 3 + [("poison.wav", "Z191", f"已隔离，不再尝试：{died[2]}")]
    assert set(totals(settings)) == {"T0", "T1", "T2"}


def test_a_decoder_that_hangs_is_stopped_and_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    endless, good = write_wave(tmp_path / "endless.wav"), write_wave(tmp_path / "good.wav")
    with Prober(POISONED, least_seconds=3) as probe, pytest.raises(InputError, match="3 秒还没有解完"):
        probe(endless)
    with Prober(POISONED) as probe:
        assert probe(good).duration == pytest.approx(1.0)


def test_a_prober_tells_what_the_plain_one_tells(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"no sound")
    with Prober() as probe:
        assert probe(write_wave(tmp_path / "a.wav")).channels == 2
        with pytest.raises(InputError, match=r"\[Z102\] x: ") as raised:
            probe(tmp_path / "x.wav", where="x")
    assert raised.value.hint


def test_a_recording_without_sound_is_tried_once_and_then_in_quarantine(settings: Settings) -> None:
    with open_store(settings.store_url, media=settings.media) as store:
        store.begin_work([Item("sha256:1", "a.wav"), Item("sha256:2", "b.wav")], inbox="x")
        hopeless = Failure("sha256:1", "a.wav", "Z303", "x", "", hopeless=True)
        store.fail_work([hopeless, replace(hopeless, digest="sha256:2", source="b.wav", hopeless=False)], limit=3)
        assert [(one.source, one.tries) for one in store.quarantined()] == [("a.wav", 1)]
        assert store.take_stock(limit=3, died=DIED).tries == {"sha256:2": 1}


def test_too_little_memory_is_not_the_fault_of_a_file(settings: Settings) -> None:
    with open_store(settings.store_url, media=settings.media) as store:
        store.begin_work([Item("sha256:1", "a.json")], inbox="x")
        store.fail_work([Failure("sha256:1", "a.json", "Z192", "x", "", counts=False)], limit=1)
        stock = store.take_stock(limit=1, died=DIED)
    assert (dict(stock.tries), dict(stock.quarantined), stock.busy) == ({}, {}, frozenset())


class Fickle:
    """Fails so often, then gives the number of tries."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.tries = error, times, 0

    def __call__(self) -> int:
        self.tries += 1
        if self.tries <= self.times:
            raise self.error
        return self.tries


def test_what_may_pass_is_tried_again() -> None:
    assert patiently(Fickle(StoreError("Z404", "busy"), 1)) == 2
    assert patiently(Fickle(OSError(5, "Input/output error"), 1)) == 2


@pytest.mark.parametrize(
    "error", [StoreError("Z405", "full"), OSError(28, "No space"), OSError(13, "no right"), ValueError()]
)
def test_what_cannot_pass_is_not_tried_again(error: Exception) -> None:
    step = Fickle(error, 9)
    assert not may_pass(error)
    with pytest.raises(type(error)):
        patiently(step)
    assert step.tries == 1
