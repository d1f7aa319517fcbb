import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from pipeline.conversation import (
    Agent,
    Channel,
    Classes,
    Conversation,
    Cue,
    Customer,
    Evaluation,
    Evidence,
    Finding,
    Hearing,
    Interaction,
    Mark,
    Measures,
    Reading,
    Reason,
    ReviewItem,
    SetAside,
    Speaker,
    Turn,
    Verdict,
    Word,
)
from pipeline.errors import StoreError
from pipeline.store import Result, open_store
from pipeline.store.database import Store
from pipeline.store.past import Period
from tests.material import write_wave

MODELS = {"asr": "small@sha256:aa", "tone": "words@sha256:bb"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/home/zhijian.sqlite", media=tmp_path / "media") as opened:
        yield opened


def result(identifier: str = "C1", *, agent: str = "1024", digest: str = "", card: str = "sha256:c1") -> Result:
    turns = (
        Turn(0, Speaker.AGENT, "您好", "您好", 0.5, 1.5, 0.9, 0.8, (Word("您好", 0.5, 1.5, 0.9),), -23.5, -61.0),
        Turn(1, Speaker.CUSTOMER, "〔电话〕退订", "〔电话〕退訂", marks=(Mark("phone", (0, 4), 11, 0, True, None),)),
    )
    interaction = Interaction(
        id=identifier,
        channel=Channel.CALL,
        digest=digest or f"sha256:{identifier}",
        source="a.jsonl:3",
        agent=Agent(agent, "小李", "售后一组", "2025-03-01"),
        customer=Customer("u-88", "vip"),
        queue="售后",
        started_at=datetime.fromisoformat("2025-10-12T00:31:05+08:00"),
        channels=MappingProxyType({"left": Speaker.AGENT}),
        turns=turns,
        csat=4.0,
        attributes=MappingProxyType({"ivr_choice": "2"}),
        extra=MappingProxyType({"gold": {"x": [1, None]}}),
    )
    readings = (
        Reading(0.8, 0.1, 0.2, 0.9, MappingProxyType({"greeting": 0.9}), (Cue("polite", (0, 2)),)),
        Reading(sentiment=-0.5, confidence=0.4),
    )
    hearing = Hearing(12.5, 8000, 2, 7.0, 0.9, ("dual_mono",), (b"\x00\xff\x7f", b"\x01\x02\x00"))
    measures, classes = Measures(silence_ratio=0.2, duration=12.5), Classes("product", 3, None, False)
    finding = Finding(
        criterion="greeting",
        section="opening",
        verdict=Verdict.MET,
        points=5.0,
        max_points=5.0,
        confidence=0.97,
        why=Reason("criteria.phrase.met", MappingProxyType({"quote": "您好", "count": 1})),
        evidence=(Evidence(0, 0.5, 1.5, (0, 2), "您好"),),
    )
    fault = replace(finding, criterion="rudeness", verdict=Verdict.UNSURE, evidence=(), fault=True, fatal=True)
    reward = replace(finding, criterion="praise", points=2.0, max_points=0.0, bonus=True)
    slip = replace(fault, criterion="leak", verdict=Verdict.UNMET, fatal=False, section_fatal=True)
    evaluation = Evaluation(
        interaction=identifier,
        scorecard_id="hotline",
        scorecard_version="1.0",
        scorecard_digest=card,
        engine_version="0.1.0",
        models=MappingProxyType(MODELS),
        total=86.5,
        max=100.0,
        passed=True,
        band="good",
        fatal=("rudeness",),
        findings=(finding, fault, reward, slip),
        measures=measures,
        classes=classes,
        critical=66.67,
    )
    conversation = Conversation(interaction, turns, measures, classes, hearing, readings, sealed="token")
    return Result(conversation, evaluation, ReviewItem(identifier, True, 0.8, ("fatal:rudeness", "random_sample")))


def test_a_result_comes_back_as_it_went_in(store: Store) -> None:
    given = result()
    store.save([given])
    (found,) = store.results()
    assert found.conversation == given.conversation
    assert found.evaluation == given.evaluation
    assert found.review == given.review


def test_turns_that_came_as_text_are_kept_in_memory_once(store: Store) -> None:
    kept = result()
    came = replace(kept.conversation.interaction, turns=kept.conversation.turns)
    store.save([replace(kept, conversation=replace(kept.conversation, interaction=came))])
    (stored,) = store.past(Period())
    assert stored.conversation.turns
    assert stored.conversation.interaction.turns is stored.conversation.turns


def test_what_is_unknown_comes_back_as_unknown(store: Store) -> None:
    full = result()
    bare = Interaction("C2", Channel.CHAT, "sha256:c2", "b.json")
    conversation = Conversation(bare, ())
    evaluation = replace(
        full.evaluation, interaction="C2", total=None, passed=None, band=None, findings=(), measures=Measures()
    )
    store.save([Result(conversation, evaluation, ReviewItem("C2", False, 0.0, ()))])
    (found,) = store.results()
    assert found.conversation == conversation
    assert found.evaluation == evaluation


def test_the_day_of_an_interaction_is_that_of_its_own_zone(store: Store) -> None:
    store.save([result()])
    (found,) = store.results()
    started = found.conversation.interaction.started_at
    assert started is not None
    assert started.isoformat() == "2025-10-12T00:31:05+08:00"


def test_saving_twice_keeps_one(store: Store) -> None:
    assert store.save([result()]) == 1
    assert store.save([result()]) == 0
    assert len(list(store.results(newest=False))) == 1


@pytest.mark.parametrize(
    "change",
    [{"scorecard_digest": "sha256:c2"}, {"models": {"tone": "new@sha256:ee"}}, {"engine_version": "0.2.0"}],
)
def test_another_card_model_or_engine_makes_another_evaluation(store: Store, change: dict[str, object]) -> None:
    first = result()
    later = replace(first, evaluation=replace(first.evaluation, total=50.0, **change))  # type: ignore[arg-type]
    store.save([first])
    store.save([later])
    assert [r.evaluation.total for r in store.results(newest=False)] == [86.5, 50.0]
    assert [r.evaluation.total for r in store.results()] == [50.0]


def test_evaluated_names_what_need_not_be_done_again(store: Store) -> None:
    store.save([result()])
    asked = {"scorecard_digest": "sha256:c1", "models": MODELS, "engine_version": "0.1.0"}
    some = ["sha256:C1", "sha256:C2"]
    assert store.evaluated(some, **asked) == {"sha256:C1"}  # type: ignore[arg-type]
    assert store.evaluated(some, **{**asked, "scorecard_digest": "sha256:c2"}) == frozenset()  # type: ignore[arg-type]
    assert store.evaluated(some[1:], **asked) == frozenset()  # type: ignore[arg-type]


def test_what_was_heard_can_be_had_again_for_the_same_models(store: Store) -> None:
    given = result()
    store.save([given])
    assert store.conversation("sha256:C1", models=MODELS, engine_version="0.1.0") == given.conversation
    assert store.conversation("sha256:C1", models=MODELS, engine_version="0.2.0") is None
    assert store.conversation("sha256:C1", models={"asr": "other@sha256:ff"}, engine_version="0.1.0") is None


def test_what_was_heard_rests_on_the_speech_model_alone(store: Store) -> None:
    given = result()
    store.save([given])
    heard = store.heard("sha256:C1", models={**MODELS, "tone": "words@sha256:ff"})
    assert heard is not None
    assert (heard.turns, heard.hearing, heard.readings) == (given.conversation.turns, given.conversation.hearing, ())
    assert store.heard("sha256:C1", models={**MODELS, "asr": "small@sha256:ff"}) is None


def test_results_come_by_id(store: Store) -> None:
    store.save([result("C2"), result("C1")])
    assert [r.evaluation.interaction for r in store.results()] == ["C1", "C2"]
    assert store.identities() == {"C1": "sha256:C1", "C2": "sha256:C2"}


def test_other_content_under_an_id_takes_the_place_of_what_was_there(store: Store) -> None:
    store.save([result()])
    store.save([result(digest="sha256:other")])
    assert store.identities()["C1"] == "sha256:other"
    assert store.heard("sha256:C1", models=MODELS) is not None


def test_a_recording_is_copied_and_found_after_the_inbox_is_gone(tmp_path: Path, store: Store) -> None:
    recording = write_wave(tmp_path / "x.WAV")
    sound = recording.read_bytes()
    given = result()
    interaction = replace(given.conversation.interaction, recording=str(recording))
    store.save([replace(given, conversation=replace(given.conversation, interaction=interaction))])
    recording.unlink()
    (found,) = store.results()
    copy = found.conversation.interaction.recording
    assert copy is not None
    assert Path(copy).is_relative_to(tmp_path / "media")
    assert Path(copy).read_bytes() == sound


def test_runs_remember_what_they_set_aside(store: Store) -> None:
    first = store.begin_run("inbox", "local")
    store.set_aside(first, [SetAside("a.wav", "Z101", "空", "重新导出"), SetAside("b.wav", "Z102", "不是录音")])
    store.finish_run(first, taken=3, evaluated=2, known=1)
    second = store.begin_run("inbox", "local")
    store.set_aside(second, [SetAside("a.wav", "Z101", "还是空", "重新导出")])
    assert store.last_set_aside() == (SetAside("a.wav", "Z101", "还是空", "重新导出"),)
    later, earlier = store.runs()
    assert (earlier.taken, earlier.evaluated, earlier.known) == (3, 2, 1)
    assert earlier.finished_at is not None
    assert later.finished_at is None


def test_a_run_that_sets_nothing_aside_has_no_old_files(store: Store) -> None:
    store.set_aside(store.begin_run("inbox", "local"), [SetAside("a.wav", "Z101", "空")])
    store.begin_run("inbox", "local")
    assert store.last_set_aside() == ()


def test_sqlite_is_opened_for_several_users(tmp_path: Path, store: Store) -> None:
    with sqlite3.connect(tmp_path / "home" / "zhijian.sqlite") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.save([result()])
    with open_store(f"sqlite:///{tmp_path}/home/zhijian.sqlite", media=tmp_path / "media") as second:
        second.save([result("C2")])
    other.close()
    assert len(list(store.results())) == 2


def store_at(path: Path, revision: str) -> None:
    """An empty store as the program of that time made it."""
    config = Config()
    config.set_main_option("script_location", "pipeline:store/migrations")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_turns_kept_before_loudness_was_measured_can_be_read(tmp_path: Path, store: Store) -> None:
    store.save([result()])
    store.close()
    earlier = tmp_path / "earlier.sqlite"
    store_at(earlier, "0002")
    with sqlite3.connect(earlier) as other:
        other.execute("ATTACH ? AS now", [str(tmp_path / "home" / "zhijian.sqlite")])
        for (table,) in other.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(f'"{row[1]}"' for row in other.execute(f"PRAGMA main.table_info({table})"))
            if table != "alembic_version":
                other.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")  # noqa: S608
        told = [{"index": 0, "speaker": "agent", "text": "您好", "original": "您好", "start": None, "end": None,
                 "confidence": None, "role_confidence": 1.0, "words": []}]  # fmt: skip
        other.execute("UPDATE main.interactions SET turns = ?", [json.dumps(told)])
    other.close()
    with open_store(f"sqlite:///{earlier}", media=tmp_path / "media") as upgraded:
        (found,) = upgraded.results()
    assert [turn.text for turn in found.conversation.turns] == [turn.text for turn in result().conversation.turns]
    assert [turn.loudness for turn in found.conversation.turns] == [None, None]
    assert [turn.sound_before for turn in found.conversation.interaction.turns] == [None]


def test_a_store_of_a_newer_program_is_refused(tmp_path: Path, store: Store) -> None:
    with sqlite3.connect(tmp_path / "home" / "zhijian.sqlite") as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    with pytest.raises(StoreError, match=r"Z403.*更新版本"):
        open_store(f"sqlite:///{tmp_path}/home/zhijian.sqlite", media=tmp_path / "media")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "zhijian.sqlite").write_text("这不是数据库" * 500, encoding="utf-8")
    with pytest.raises(StoreError, match=r"Z402.*结果库打不开"):
        open_store(f"sqlite:///{tmp_path}/zhijian.sqlite", media=tmp_path / "media")


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x/y"])
def test_a_wrong_url_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match=r"Z401.*store\.url"):
        open_store(url, media=tmp_path)


def test_every_field_of_the_nouns_is_kept() -> None:
    """A field added to a noun must be added to the store too: this test then fails."""
    kept = {
        Interaction: 14, Turn: 12, Hearing: 7, Reading: 7, Finding: 12, Evaluation: 15, ReviewItem: 4, Agent: 4,
    }  # fmt: skip
    assert {noun: len(fields(noun)) for noun in kept} == kept
