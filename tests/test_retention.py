"""What is deleted by age, class and customer is gone from the database and from every file, and stays gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import InputError, StoreError
from pipeline.nightly import Nightly, run_local
from pipeline.remote import RemotePath
from pipeline.retention import erase, retain
from pipeline.settings import Settings, load_settings
from pipeline.store import open_store
from pipeline.store.database import Store
from pipeline.store.records import Message
from tests.material import dialogue, write_wave

SAMPLES = Path(__file__).parents[1] / "samples" / "inbox"
CALL = "C20251014-0004"
CALM = (
    ("agent", "您好，请问有什么可以帮您？"),
    ("customer", "请问你们门店周末几点开门？"),
    ("agent", "周末上午九点到晚上八点都营业。请问还有其他可以帮您的吗？"),
    ("customer", "没有了，谢谢。"),
    ("agent", "感谢您的咨询，再见。"),
)
ANGRY = (
    ("agent", "您好，请问有什么可以帮您？"),
    ("customer", "你们的热水器漏水把地板泡了，我要投诉，你们到底管不管！"),
    ("agent", "非常抱歉，我马上为您登记投诉。"),
    ("customer", "必须赔我地板的钱，不然我去消协。"),
)
FIRST, SECOND = "T20251012-0001", "T20251012-0002"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An inbox, and a home in which it was evaluated."""
    folder, home = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("filled")
    for name, talk in {FIRST: CALM, SECOND: ANGRY}.items():
        content = dialogue(name, talk, customer={"id": f"u-{name}"})
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ZHIJIAN_HOME", str(home))
        taken(folder, load_settings())
    return folder, home


@pytest.fixture
def inbox(filled: tuple[Path, Path]) -> Path:
    return filled[0]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    def made(**days: int) -> Settings:
        for name, value in days.items():
            monkeypatch.setenv(f"ZHIJIAN_RETENTION_{name.upper()}", str(value))
        return load_settings()

    return made


def taken(inbox: Path, settings: Settings) -> list[str]:
    nightly = Nightly(inbox, settings)
    run_local(nightly)
    return [result.evaluation.interaction for result in nightly.finish().results]


@pytest.fixture
def store(filled: tuple[Path, Path], settings: Callable[..., Settings]) -> Iterator[Store]:
    made = settings()
    shutil.copytree(filled[1], made.home, dirs_exist_ok=True)
    with open_store(made.store_url, media=made.media) as opened:
        yield opened


def one_call(folder: Path) -> Path:
    """An inbox below `folder` with a sample call."""
    inbox = folder / "calls"
    inbox.mkdir()
    for suffix in (".json", ".ogg"):
        shutil.copyfile(SAMPLES / f"{CALL}{suffix}", inbox / f"{CALL}{suffix}")
    return inbox


def held(home: Path, words: str) -> list[str]:
    """Files below `home` that hold these words."""
    return [str(path) for path in home.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_nothing_is_deleted_without_limits(store: Store, settings: Callable[..., Settings]) -> None:
    assert retain(store, settings(), now=NOW).count == 0
    assert len(list(store.results())) == 2


def test_complaints_and_others_have_limits_of_their_own(store: Store, settings: Callable[..., Settings]) -> None:
    made = settings(derived_other=30, derived_complaint=3650)
    deletion = retain(store, made, now=NOW)
    assert [(one.what, one.kind, len(one.digests)) for one in deletion.dropped] == [("derived", "other", 1)]
    assert [result.evaluation.interaction for result in store.results()] == [SECOND]


def test_a_dry_run_touches_nothing(store: Store, settings: Callable[..., Settings]) -> None:
    made = settings(derived_other=30, derived_complaint=30)
    assert retain(store, made, now=NOW, dry_run=True).count == 2
    assert len(list(store.results())) == 2
    assert held(made.home, "周末几点开门")


def test_what_is_younger_stays(store: Store, settings: Callable[..., Settings]) -> None:
    made = settings(derived_other=30, derived_complaint=30)
    began = datetime(2025, 10, 12, tzinfo=UTC)
    assert retain(store, made, now=began + timedelta(days=29)).count == 0


def test_deleted_words_are_in_no_file_any_more(store: Store, settings: Callable[..., Settings]) -> None:
    made = settings(derived_complaint=30)
    assert held(made.home, "把地板泡了")
    deletion = retain(store, made, now=NOW)
    assert held(made.home, "把地板泡了") == []
    assert held(made.home, SECOND) == []
    assert deletion.checked > 1
    assert deletion.record is not None
    assert deletion.record.is_file()


def test_half_a_page_that_a_killed_run_left_goes_too(store: Store, settings: Callable[..., Settings]) -> None:
    made = settings(derived_complaint=30)
    (page,) = (made.report / "interactions").glob(f"{SECOND}.html")
    left = page.with_name(f"{page.name}.{'0f' * 16}.part")
    left.write_bytes(page.read_bytes()[:-200])
    retain(store, made, now=NOW)
    assert not left.exists()
    assert held(made.home, "把地板泡了") == []


def test_text_goes_and_scores_stay(store: Store, settings: Callable[..., Settings]) -> None:
    before = {r.evaluation.interaction: r.evaluation.total for r in store.results()}
    made = settings(text_complaint=30)
    retain(store, made, now=NOW)
    assert held(made.home, "把地板泡了") == []
    assert {r.evaluation.interaction: r.evaluation.total for r in store.results()} == before
    (emptied,) = [r for r in store.results() if r.evaluation.interaction == SECOND]
    assert [turn.text for turn in emptied.conversation.turns] == ["", "", "", ""]
    assert all(not finding.evidence for finding in emptied.evaluation.findings)
    assert retain(store, made, now=NOW).count == 0


def test_what_was_deleted_is_not_taken_in_again(
    inbox: Path, store: Store, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(derived_other=30, text_complaint=30)
    retain(store, made, now=NOW)
    assert taken(inbox, made) == [SECOND]
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", "complaint")
    again = Nightly(inbox, load_settings())
    assert again.batches == ()
    again.finish()
    assert held(made.home, "把地板泡了") == []


def test_recordings_go_with_their_copies(tmp_path: Path, settings: Callable[..., Settings]) -> None:
    made = settings(audio_complaint=30, audio_other=30)
    folder = one_call(tmp_path)
    taken(folder, made)
    assert [path for path in Path(made.media).rglob("*") if path.is_file()]
    assert list((made.report / "media").iterdir())
    with open_store(made.store_url, media=made.media) as store:
        retain(store, made, now=NOW)
        (kept,) = store.results()
    assert not [path for path in Path(made.media).rglob("*") if path.is_file()]
    assert not list((made.report / "media").iterdir())
    assert kept.conversation.interaction.recording is None
    assert kept.conversation.turns[0].text
    assert (folder / f"{CALL}.ogg").is_file()


def test_a_copy_that_cannot_be_deleted_is_deleted_the_next_time(
    tmp_path: Path, settings: Callable[..., Settings]
) -> None:
    made = settings(audio_complaint=30, audio_other=30)
    folder = one_call(tmp_path)
    taken(folder, made)
    (copy,) = (path for path in Path(made.media).rglob("*") if path.is_file())
    copy.unlink()
    copy.mkdir()
    with open_store(made.store_url, media=made.media) as store:
        with pytest.raises(StoreError, match="Z402"):
            retain(store, made, now=NOW)
        copy.rmdir()
        copy.write_bytes(b"RIFF")
        retain(store, made, now=NOW)
    assert not copy.exists()


def test_messages_about_others_stay(store: Store, settings: Callable[..., Settings]) -> None:
    theirs = {r.evaluation.interaction: r.conversation.interaction.digest for r in store.results()}
    for name in (SECOND, f"{SECOND}0"):
        about = (theirs.get(name, "sha256:" + "0" * 64),)
        store.put_message(Message(f"grave:{name}", "grave", "紧急", (f"{name}：一级投诉",), "", NOW, about), ["mail:x"])
    erase(store, settings(), "u-" + SECOND)
    assert [letter.message.lines for letter in store.letters()] == [(f"{SECOND}0：一级投诉",)]


def test_a_customer_is_erased_with_decisions_and_pages(store: Store, settings: Callable[..., Settings]) -> None:
    from pipeline.conversation import Verdict
    from pipeline.store import Decision

    made = settings()
    (theirs,) = [r for r in store.results() if r.evaluation.interaction == SECOND]
    evaluation = theirs.evaluation
    decision = Decision(
        interaction=SECOND,
        scorecard_id=evaluation.scorecard_id,
        scorecard_digest=evaluation.scorecard_digest,
        criterion=evaluation.findings[0].criterion,
        machine=evaluation.findings[0].verdict,
        person=Verdict.MET,
        turn=None,
        why="听过了",
        who="主管",
        decided_at=NOW,
    )
    store.decide(decision)
    erase(store, made, "u-" + SECOND)
    assert [result.evaluation.interaction for result in store.results()] == [FIRST]
    assert store.decisions() == ()
    assert held(made.home, "把地板泡了") == []
    assert held(made.home, "u-" + SECOND) == []
    assert store.remaining([theirs.conversation.interaction.digest]) == ()


def test_an_unknown_customer_is_an_error(store: Store, settings: Callable[..., Settings]) -> None:
    with pytest.raises(InputError, match="Z122"):
        erase(store, settings(), "nobody")


def test_commands_tell_what_was_deleted_and_export_what_is_kept(
    store: Store, settings: Callable[..., Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.cli.personal import erase_customer, export_customer, run_retention

    made = settings()
    assert run_retention(made, dry_run=False) == 0
    assert "没有设置保留期限" in capsys.readouterr().err
    assert export_customer("u-" + SECOND, tmp_path / "out", made) == 0
    exported = (tmp_path / "out" / "data.jsonl").read_text(encoding="utf-8")
    assert "把地板泡了" in exported
    assert FIRST not in exported
    assert erase_customer("u-" + SECOND, made, dry_run=False) == 0
    told = capsys.readouterr()
    assert "删除清单" in told.out
    assert "已核对" in told.err
    assert [result.evaluation.interaction for result in store.results()] == [FIRST]


def test_recordings_behind_an_address_are_exported_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.cli.personal import export_customer

    monkeypatch.setenv("ZHIJIAN_STORE_MEDIA", f"memory://{tmp_path.name}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    made, folder = load_settings(), tmp_path / "calls"
    folder.mkdir()
    recording = write_wave(folder / "C1.wav")
    content = dialogue("C1", CALM, channel="call", customer={"id": "u-1"})
    (folder / "C1.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    taken(folder, made)
    assert export_customer("u-1", tmp_path / "out", made) == 0
    (copy,) = (tmp_path / "out").glob("*.wav")
    assert copy.read_bytes() == recording.read_bytes()
    with open_store(made.store_url, media=made.media) as store:
        (kept,) = (r.conversation.interaction.recording for r in store.results())
        assert kept is not None
        RemotePath(kept).unlink()
    capsys.readouterr()
    assert export_customer("u-1", tmp_path / "again", made) == 1
    assert "没有导出：C1" in capsys.readouterr().err
