"""Several recordings probed at the same time: nothing of what an inbox gives depends on it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import CrashError
from pipeline.ingest import ingest, survey
from pipeline.prober import AHEAD, Prober, Probers
from tests.material import GREETED, dialogue, write_wave

WriteJson = Callable[[Path, object], Path]
ROOT = Path(__file__).parents[1]
POISONED = (sys.executable, "-m", "tests.poison")


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def two() -> Iterator[Probers]:
    with Probers(POISONED, count=2, least_seconds=60) as probers:
        yield probers


@pytest.fixture
def mixed(tmp_path: Path, write_json: WriteJson) -> Path:
    """Calls with and without JSON, copies, chats between them, and all kinds of recordings that cannot be used."""
    inbox = tmp_path / "inbox"
    for number in range(0, 12, 2):
        write_json(inbox / f"{number:02}.json", dialogue(f"T{number}", GREETED))
        write_wave(inbox / f"{number + 1:02}.wav", pitch=200 + number)
    write_json(inbox / "a.json", {"id": "A", "channel": "call", "recording": "a.wav"})
    write_json(inbox / "b.json", dialogue("B", GREETED, channel="call", recording="b.wav"))
    write_json(inbox / "c.json", {"id": "C", "channel": "call", "recording": "missing.wav"})
    write_json(inbox / "d.json", {"id": "D", "channel": "call", "recording": "01.wav"})
    write_wave(inbox / "a.wav")
    (inbox / "b.wav").write_bytes(b"no sound")
    (inbox / "e.wav").write_bytes(b"")
    os.truncate(write_wave(inbox / "f.wav"), 2000)
    shutil.copy(inbox / "03.wav", inbox / "g.wav")
    return inbox


def test_two_recordings_are_probed_at_the_same_time(tmp_path: Path, in_root: None, two: Probers) -> None:
    os.mkfifo(tmp_path / ".line")
    for name in ("called", "caller"):
        write_wave(tmp_path / f"{name}.wav", pitch=200 + len(name) * ord(name[-1]))
    found = survey(tmp_path, prober=two, mapping=two.map)
    assert [one.id for one in found.interactions] == ["called", "caller"]
    assert found.set_aside == ()


def test_results_come_in_order_whatever_is_done_first(two: Probers) -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(60)
        if number == 1:
            second_is_done.set()
        return number

    assert list(two.map(work, range(100))) == list(range(100))


def test_no_more_is_held_than_the_processes_need(two: Probers) -> None:
    items = iter(range(1000))
    results = two.map(lambda number: number, items)
    assert next(results) == 0
    assert next(items) == 2 * AHEAD


def test_an_inbox_gives_the_same_as_one_recording_after_another(mixed: Path) -> None:
    one_by_one = ingest(mixed)
    known = {one.digest for one in one_by_one.interactions if one.id in {"03", "A"}}
    with Probers(count=3) as probers:
        assert ingest(mixed, prober=probers, mapping=probers.map) == one_by_one
        again = survey(mixed, known=known, prober=probers, mapping=probers.map)
    assert again == survey(mixed, known=known)
    assert sorted(item.code for item in one_by_one.set_aside) == ["Z101", "Z103", "Z110"]
    assert (len(one_by_one.notes), one_by_one.duplicates) == (1, 1)


def test_a_known_recording_is_not_decoded(tmp_path: Path, in_root: None, two: Probers) -> None:
    write_wave(tmp_path / "poison.wav")
    known = {one.digest for one in ingest(tmp_path).interactions}
    found = survey(tmp_path, known=known, prober=two, mapping=two.map)
    assert ([one.id for one in found.interactions], found.set_aside) == (["poison"], ())


def test_a_process_that_dies_spoils_nothing_but_its_file(tmp_path: Path, in_root: None, two: Probers) -> None:
    os.mkfifo(tmp_path / ".line")
    called, poison, caller = (write_wave(tmp_path / f"{name}.wav") for name in ("called", "poison", "caller"))

    def look(path: Path) -> object:
        try:
            return round(two(path).duration, 3)
        except CrashError as error:
            return error.code

    # The first is half done when the second dies, and ends when a new process looks at the third.
    assert list(two.map(look, [called, poison, caller])) == [1.0, "Z191", 1.0]


def test_what_the_decoder_dies_of_is_told_as_by_one_process(tmp_path: Path, in_root: None, two: Probers) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        write_wave(tmp_path / folder / "poison.wav", pitch=ord(folder))
        write_wave(tmp_path / folder / f"{folder}.wav", pitch=2 * ord(folder))
    with Prober(POISONED) as one:
        expected = survey(tmp_path, prober=one)
    assert survey(tmp_path, prober=two, mapping=two.map) == expected
    assert sorted(expected.fatal) == ["a/poison.wav", "b/poison.wav", "c/poison.wav"]


def test_an_error_of_the_work_is_raised_and_ends_it(tmp_path: Path, in_root: None) -> None:
    begun = threading.Event()
    endless = write_wave(tmp_path / "endless.wav")

    def work(number: int) -> None:
        if number == 0:
            assert begun.wait(60)
            raise KeyError
        begun.set()
        probers(endless)

    with pytest.raises(KeyError), Probers(POISONED, count=2) as probers:
        list(probers.map(work, range(100)))
    with pytest.raises(ValueError, match="ended"):
        probers(endless)


def test_an_interrupt_ends_all_processes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_wave(tmp_path / folder / "endless.wav")
    script = (
        "import sys; from pathlib import Path\n"
        "from pipeline.ingest import survey; from pipeline.prober import Probers\n"
        "with Probers((sys.executable, '-m', 'tests.poison'), count=2) as probers:\n"
        "    survey(Path(sys.argv[1]), prober=probers, mapping=probers.map)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert [process.stderr.readline() for _ in range(2)] == ["endless\n"] * 2
        process.send_signal(signal.SIGINT)
        # All of them write to this pipe: it comes to its end when the last one has ended.
        _, said = process.communicate(timeout=100)
    assert "KeyboardInterrupt" in said
    assert process.returncode == -signal.SIGINT
