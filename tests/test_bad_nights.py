"""Everything that can go wrong with the machine: a clear message, a safe state, and the next run goes on from there."""

import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import InputError, StoreError
from pipeline.ingest import ingest
from pipeline.nightly import Nightly, run_local
from pipeline.settings import Settings, load_settings
from pipeline.store import open_store
from tests.children import Ended, zhijian
from tests.material import GREETED, chat_files, dialogue, write_wave

WriteJson = Callable[[Path, object], Path]
COUNT = 12


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "inbox", COUNT)


def run(
    inbox: Path, home: Path, *, limit: Callable[[], None] | None = None, kill_at: str | None = None, **more: str
) -> Ended:
    batches = {"ZHIJIAN_RUN_CHATS_PER_BATCH": "4"}
    return zhijian("run", inbox, home=home, settings=batches | more, limit=limit, kill_at=kill_at)


def exported(home: Path) -> list[str]:
    return zhijian("export", home=home).out.splitlines()


def intact(home: Path) -> bool:
    with closing(sqlite3.connect(home / "zhijian.sqlite")) as database:
        return bool(database.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def told(ended: Ended, code: str) -> bool:
    """It says one error with its code, no trace of the program's inside, and what to do."""
    assert ended.status == 2, ended.said
    return f"[{code}]" in ended.said and "→" in ended.said and "Traceback" not in ended.said


def files_of_at_most(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_disk_full(inbox: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(inbox, home, kill_at="planned").status < 0
    # No file can grow beyond this: the store takes some of the results and then no more.
    size = (home / "zhijian.sqlite-wal").stat().st_size + 60_000
    assert told(run(inbox, home, limit=partial(files_of_at_most, size)), "Z405")
    assert intact(home)
    assert run(inbox, home).status == 0
    assert exported(home) == exported_calmly(inbox, tmp_path)


def exported_calmly(inbox: Path, tmp_path: Path) -> list[str]:
    assert run(inbox, tmp_path / "calm").status == 0
    lines = exported(tmp_path / "calm")
    assert len(lines) == COUNT
    return lines


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("ZHIJIAN_STORE_URL", f"sqlite:///{tmp_path}/store.sqlite?timeout=0.1")
    monkeypatch.setenv("ZHIJIAN_RUN_CHATS_PER_BATCH", "4")
    return load_settings()


def test_database_locked(inbox: Path, impatient: Settings, tmp_path: Path) -> None:
    planned = Nightly(inbox, impatient)
    planned.work(0)
    with closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"Z404.*正被别的程序占用.*再运行一次"):
            planned.work(1)
        other.execute("ROLLBACK")
    again = Nightly(inbox, impatient)
    assert again.interactions == COUNT - 4
    run_local(again)
    assert len(again.finish().results) == COUNT


def test_database_gone(inbox: Path, impatient: Settings, tmp_path: Path) -> None:
    planned = Nightly(inbox, impatient)
    planned.work(0)
    files = list(tmp_path.glob("store.sqlite*"))
    for file in files:
        file.rename(file.with_name(f"away-{file.name}"))
    with pytest.raises(StoreError, match=r"Z406.*结果库不见了.*放回原处"):
        planned.work(1)
    for file in files:
        file.with_name(f"away-{file.name}").rename(file)
    again = Nightly(inbox, impatient)
    run_local(again)
    assert len(again.finish().results) == COUNT


def test_model_missing(inbox: Path, tmp_path: Path) -> None:
    write_wave(inbox / "C1.wav", seconds=2)
    home = tmp_path / "home"
    assert told(run(inbox, home, ZHIJIAN_ASR_MODEL=str(tmp_path / "nowhere")), "Z520")
    after = run(inbox, home)
    assert after.status == 0, after.said
    assert len(exported(home)) == COUNT + 1


def memory_of_at_most(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def test_out_of_memory(inbox: Path, tmp_path: Path) -> None:
    """Too little for the reader: it says so of every file, none of which is to blame, and the next run does them."""
    home = tmp_path / "home"
    starved = run(inbox, home, limit=partial(memory_of_at_most, 300 << 20))
    assert starved.status in {1, 2}, starved.said
    assert ("[Z192]" in starved.said, "Traceback" in starved.said) == (True, False)
    assert run(inbox, home).status == 0
    assert exported(home) == exported_calmly(inbox, tmp_path)


def test_a_library_that_ends_the_process_for_want_of_memory_leaves_a_whole_store(inbox: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run(inbox, home, limit=partial(memory_of_at_most, 500 << 20))
    assert run(inbox, home).status == 0
    assert intact(home)
    assert len(exported(home)) == COUNT


@pytest.fixture
def nobody() -> Iterator[None]:
    """No rights beyond those of the files: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def guarded(open_folder: Path, write_json: WriteJson) -> Path:
    """An inbox with a folder and a file that nobody may read."""
    write_json(open_folder / "inbox" / "a.json", dialogue("T1", GREETED))
    write_json(open_folder / "inbox" / "b.json", dialogue("T2", GREETED)).chmod(0)
    write_json(open_folder / "inbox" / "closed" / "c.json", dialogue("T3", GREETED))
    (open_folder / "inbox" / "closed").chmod(0)
    return open_folder / "inbox"


@pytest.mark.usefixtures("nobody")
def test_unreadable_files_and_folders_are_set_aside(guarded: Path) -> None:
    found = ingest(guarded)
    assert [one.id for one in found.interactions] == ["T1"]
    assert [(item.source, item.code) for item in found.set_aside] == [("b.json", "Z111"), ("closed", "Z111")]


def test_unreadable_inbox(guarded: Path, request: pytest.FixtureRequest) -> None:
    guarded.chmod(0)
    request.getfixturevalue("nobody")
    with pytest.raises(InputError, match="Z111") as raised:
        ingest(guarded)
    assert raised.value.hint


def test_clock_going_backwards(inbox: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Results and files from the future stand in nobody's way, and what was made last is still what counts."""
    settings = load_settings()
    planned = Nightly(inbox, settings)
    run_local(planned)
    with open_store(settings.store_url, media=settings.media) as store:
        results = tuple(store.results())
    planned.finish()
    shutil.rmtree(settings.home)
    with open_store(settings.store_url, media=settings.media) as store:
        store.save(results, at=datetime(2099, 1, 1, tzinfo=UTC))
    shipped = Path(__file__).parents[1] / "scorecards" / "online-chat.yaml"
    card = tmp_path / "card.yaml"
    card.write_text(shipped.read_text(encoding="utf-8").replace('"1.1"', '"9.0"', 1), encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", str(card))
    again = Nightly(inbox, load_settings())
    run_local(again)
    assert {result.evaluation.scorecard_version for result in again.finish().results} == {"9.0"}
