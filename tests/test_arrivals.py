"""Planning keeps who is in an inbox, not what was said; that is read when it is due, and must be what it was."""

import gc
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.arrivals import fetch
from pipeline.conversation import Turn
from pipeline.errors import InputError
from pipeline.ingest import ingest, survey
from pipeline.nightly import Nightly, run_local
from pipeline.settings import Settings
from pipeline.store import open_store
from tests.material import GREETED, RUDE, chat_files, dialogue, write_wave

WriteJson = Callable[[Path, object], Path]


@pytest.fixture
def inbox(tmp_path: Path, write_json: WriteJson) -> Path:
    """Single files, lines of a file, recordings with and without JSON, copies, a broken line and a used id."""
    folder = tmp_path / "inbox"
    write_json(folder / "0.json", dialogue("T0", GREETED))
    lines = [dialogue("T1", RUDE), dialogue("T2", GREETED), dialogue("T0", RUDE), dialogue("T1", RUDE)]
    text = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "chats.jsonl").write_bytes(f"{text}\n{{broken\n".encode("utf-8-sig"))
    write_wave(folder / "C1.wav")
    write_wave(folder / "C2.wav", pitch=300)
    write_json(folder / "C2.json", {"id": "C-2", "channel": "call", "queue": "售后"})
    write_wave(folder / "C3.wav", pitch=500)
    write_json(folder / "other.json", dialogue("T3", GREETED, channel="call", recording="C3.wav"))
    (folder / "empty.json").touch()
    return folder


def test_a_survey_finds_what_an_intake_finds(inbox: Path) -> None:
    whole, slim = ingest(inbox), survey(inbox)
    assert [one.id for one in whole.interactions] == ["T0", "C1", "C-2", "T1", "T2", "T3"]
    assert [(i.id, i.channel, i.digest, i.source, i.written, i.recording) for i in whole.interactions] == [
        (a.id, a.channel, a.digest, a.source, a.written, a.recording) for a in slim.interactions
    ]
    assert [(item.source, item.code) for item in slim.set_aside] == [
        ("chats.jsonl:5", "Z109"),
        ("chats.jsonl:8", "Z105"),
        ("empty.json", "Z101"),
    ]
    assert (slim.set_aside, slim.duplicates, slim.notes) == (whole.set_aside, 1, whole.notes)


def test_what_was_said_is_fetched_whole(inbox: Path) -> None:
    assert [fetch(one) for one in survey(inbox).interactions] == list(ingest(inbox).interactions)


def test_an_arrival_can_be_sent_to_another_process(inbox: Path) -> None:
    arrivals = survey(inbox).interactions
    assert pickle.loads(pickle.dumps(arrivals)) == arrivals  # noqa: S301


def test_what_is_no_longer_what_it_was_is_not_fetched(inbox: Path, write_json: WriteJson) -> None:
    first, second = survey(inbox).interactions[0], survey(inbox).interactions[3]
    write_json(inbox / "0.json", dialogue("T0", RUDE))
    with pytest.raises(InputError, match=r"\[Z301\] 0.json: 收件之后，文件被移走或改动了"):
        fetch(first)
    (inbox / "chats.jsonl").unlink()
    with pytest.raises(InputError, match="Z301"):
        fetch(second)


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "chats", 3)


def test_a_file_that_changes_after_planning_is_told_of_and_taken_by_the_next_run(
    chats: Path, settings: Settings, write_json: WriteJson
) -> None:
    planned = Nightly(chats, settings)
    write_json(chats / "0.json", dialogue("T0", RUDE))
    (chats / "1.json").rename(chats / "moved.json")
    run_local(planned)
    outcome = planned.finish()
    assert [(item.source, item.code) for item in outcome.set_aside] == [("0.json", "Z301"), ("1.json", "Z301")]
    assert outcome.evaluated == 1
    again = Nightly(chats, settings)
    assert [[one.id for one in batch.items] for batch in again.batches] == [["T0", "T1"]]
    run_local(again)
    assert (again.finish().set_aside, len(stored(settings))) == ((), 3)


def stored(settings: Settings) -> list[str]:
    with open_store(settings.store_url, media=settings.media) as store:
        return [result.evaluation.interaction for result in store.results()]


def texts() -> set[str]:
    """What is said in any turn that this process holds."""
    return {one.original for one in gc.get_objects() if type(one) is Turn}


def test_planning_holds_nothing_that_was_said(chats: Path, settings: Settings, write_json: WriteJson) -> None:
    run_local(Nightly(chats, settings))
    write_json(chats / "new.json", dialogue("T9", [("agent", "只有这一通才说的话"), ("customer", "好")]))
    gc.collect()
    before = texts()
    planned = Nightly(chats, settings)
    gc.collect()
    assert planned.interactions == 1
    assert texts() <= before
    assert "只有这一通才说的话" not in before
