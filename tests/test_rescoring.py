"""A dry run tells who gains, who loses and what else would change, and writes nothing unless it is told to."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline import __version__, api
from pipeline.cli import main
from pipeline.conversation import Agent, Channel, Conversation, Evaluation, ReviewItem
from pipeline.dry_run import DryRun, Past
from pipeline.flagging import flag
from pipeline.reader_models import open_reader, reader_name
from pipeline.rescoring import Tally, compare
from pipeline.sampling import draw
from pipeline.scorecard import Scorecard, load_scorecard
from pipeline.scoring import score
from pipeline.settings import Settings, load_settings
from pipeline.store import Result, open_store
from pipeline.store.database import Store
from pipeline.versions import activate
from tests.dialogues import talk
from tests.test_figures import charts, taken

OLD = """
id: care
version: "1"
title: {zh: 关怀, en: Care}
pass: 60
bands: {good: {from: 80, title: {zh: 良好, en: Good}}, poor: {from: 0, title: {zh: 较差, en: Poor}}}
criteria:
  - {id: greeting, title: {zh: 问候, en: Greeting}, section: s, points: 6, phrase: {any: [您好], window: {turns: 1}}}
  - {id: farewell, title: {zh: 道别, en: Farewell}, section: s, points: 4, phrase: {any: [再见], window: {turns: -1}}}
flag:
  - {below_pass: true, priority: 0.5}
"""
NEW = (
    OLD.replace('version: "1"', 'version: "2"').replace("points: 4", "points: 14").replace("[再见]", "[再见, 祝您愉快]")
)
GREETS = "坐席: 您好，请讲。\n客户: 水龙头漏水了。\n坐席: 明天上午有人上门。"
WISHES = "坐席: 您好，请讲。\n客户: 水龙头漏水了。\n坐席: 明天上门，祝您愉快。"
BOTH = "坐席: 您好，请讲。\n客户: 水龙头漏水了。\n坐席: 明天上门，再见。"
SAYS = "phrase: {any: [您好], window: {turns: 1}}"
ACTS = OLD.replace('version: "1"', 'version: "3"').replace(SAYS, "act: {any: [greeting]}")
NOON = datetime.fromisoformat("2026-01-10T12:00:00+08:00")


def card(folder: Path, text: str, name: str = "card.yaml") -> Scorecard:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_scorecard(path)


def said(identifier: str, text: str, agent: str = "7", *, day: int = 0, read: bool = True) -> Conversation:
    made = talk(text, interaction_id=identifier, channel="chat", readings={} if read else None)
    told = replace(
        made.interaction,
        digest=f"sha256:{identifier}",
        agent=Agent(agent, f"坐席{agent}", "一组"),
        started_at=NOON + timedelta(days=day),
    )
    return replace(made, interaction=told)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media) as opened:
        yield opened


def keep(store: Store, settings: Settings, scorecard: Scorecard, *conversations: Conversation, tone: str = "") -> None:
    models = {"tone": f"{reader_name(settings)}@{tone or open_reader(settings).digest}"}
    results = []
    for one in conversations:
        evaluation = score(one, scorecard, engine_version=__version__, models=models)
        results.append(Result(one, evaluation, flag(evaluation, one, scorecard)))
    store.save(results)


def judged(conversation: Conversation, scorecard: Scorecard) -> tuple[Evaluation, ReviewItem]:
    evaluation = score(conversation, scorecard, engine_version=__version__)
    return evaluation, flag(evaluation, conversation, scorecard)


def rows(settings: Settings, table: str) -> int:
    with closing(sqlite3.connect(settings.home / "zhijian.sqlite")) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(count)


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["zhijian", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_means_of_agents_are_told_before_and_after_with_the_interval_of_the_change(tmp_path: Path) -> None:
    old, new = card(tmp_path, OLD), card(tmp_path, NEW, "new.yaml")
    conversations = [said(f"A{n}", WISHES, "7") for n in range(3)] + [said(f"B{n}", GREETS, "8") for n in range(3)]
    lina, wang = compare(conversations, old, new).agents[::-1]
    assert lina.agent.id == "7"
    assert lina.effect is not None
    assert (lina.effect.before, lina.effect.after, lina.effect.change) == (60, 100, 40)
    assert (lina.effect.low, lina.effect.high, lina.effect.direction) == (40, 40, "gains")
    assert wang.effect is not None
    assert (wang.effect.before, wang.effect.after, wang.effect.direction) == (60, 30, "loses")


def test_a_change_that_may_be_chance_is_called_unclear(tmp_path: Path) -> None:
    old, new = card(tmp_path, OLD), card(tmp_path, NEW, "new.yaml")
    found = compare([said("A1", WISHES), said("A2", GREETS), said("A3", BOTH)], old, new)
    assert found.overall is not None
    # differences +40, −30, 0: mean 3.33, standard deviation 35.12, half width 4.30 · 35.12 / √3 = 87.2
    assert (found.overall.change, found.overall.low, found.overall.high) == (3.33, -83.85, 90.52)
    assert found.overall.direction == "unclear"
    assert compare([said("A1", WISHES)], old, new).agents[0].effect.direction == "unclear"  # type: ignore[union-attr]


def test_changes_of_pass_and_band_are_counted_with_the_interactions(tmp_path: Path) -> None:
    old, new = card(tmp_path, OLD), card(tmp_path, NEW, "new.yaml")
    found = compare([said("A1", WISHES), said("A2", GREETS), said("A3", BOTH)], old, new)
    moved = {(one.before, one.after): (one.count, one.examples) for one in found.passes if one.before != one.after}
    assert moved == {("passed", "failed"): (1, ("A2",))}
    bands = {(one.before, one.after): one.examples for one in found.bands if one.before != one.after}
    assert bands == {("poor", "good"): ("A1",)}
    assert [shift.interaction for shift in found.shifts] == ["A2", "A1"]
    assert (found.changed, found.shifts[0].before, found.shifts[0].after) == (2, 60, 30)


def test_verdicts_move_by_criterion_and_new_and_removed_criteria_are_told(tmp_path: Path) -> None:
    thanks = "  - {id: thanks, title: 致谢, section: s, points: 1, phrase: {any: [谢谢]}}\nflag:"
    new = card(tmp_path, NEW.replace("id: greeting", "id: hello").replace("flag:", thanks), "new.yaml")
    found = {e.id: e for e in compare([said("A1", WISHES), said("A2", GREETS)], card(tmp_path, OLD), new).criteria}
    moved = [(t.before, t.after, t.count, t.examples) for t in found["farewell"].transitions]
    assert moved == [("unmet", "met", 1, ("A1",)), ("unmet", "unmet", 1, ())]
    assert {name: effect.kind for name, effect in found.items()} == {
        "hello": "added", "farewell": "kept", "thanks": "added", "greeting": "removed",
    }  # fmt: skip
    assert [(t.before, t.after) for t in found["greeting"].transitions] == [("met", None)]


def test_flags_appear_and_vanish_and_the_load_of_reviews_is_told(tmp_path: Path) -> None:
    old, new = card(tmp_path, OLD), card(tmp_path, NEW, "new.yaml")
    ends = "坐席: 说吧。\n客户: 水龙头漏水了。\n坐席: 明天上门，再见。"
    found = compare([said("A1", ends), said("A2", GREETS, day=1), said("A3", BOTH)], old, new)
    (reason,) = found.flags
    assert (reason.reason, reason.before, reason.after) == ("below_pass", 1, 1)
    assert (reason.appeared_in, reason.vanished_in) == (("A2",), ("A1",))
    assert (found.flagged_before, found.flagged_after, found.days) == (1, 1, 2)


def test_reviews_that_only_a_minimum_asks_for_belong_to_the_load(tmp_path: Path) -> None:
    rule = "flag:\n  - {random: 0%, at_least: 2, per: agent, every: month, priority: 0.1}"
    old, new = card(tmp_path, OLD), card(tmp_path, NEW.replace("flag:", rule), "new.yaml")
    conversations = [said(f"A{n}", BOTH, "7") for n in range(4)] + [said("B1", GREETS, "8")]
    found = compare(conversations, old, new)
    drawn = draw([(one, *judged(one, new)) for one in conversations], [new])
    assert (found.flagged_before, found.flagged_after, found.drawn_after) == (0, sum(r.flagged for r in drawn), 2)


def test_criteria_that_rest_on_readings_are_marked_where_there_are_none(tmp_path: Path) -> None:
    old, new = card(tmp_path, OLD), card(tmp_path, ACTS, "new.yaml")
    found = compare([said("A1", GREETS, read=False), said("A2", GREETS)], old, new)
    assert (found.missing, found.other) == (1, 0)
    assert {effect.id: effect.stale for effect in found.criteria} == {"greeting": 1, "farewell": 0}


def test_the_same_card_changes_nothing(tmp_path: Path) -> None:
    same = card(tmp_path, OLD)
    found = compare([said("A1", WISHES), said("A2", GREETS)], same, same)
    assert (found.changed, found.shifts) == (0, ())
    assert all(effect.changed == 0 for effect in found.criteria)
    assert [agent.effect.direction for agent in found.agents if agent.effect] == ["same"]


def test_a_tally_holds_no_more_for_more_conversations(tmp_path: Path) -> None:
    tally = Tally(card(tmp_path, OLD), card(tmp_path, NEW, "new.yaml"))
    for number in range(450):
        tally.add(said(f"A{number}", GREETS))
    found = tally.comparison()
    assert (found.interactions, found.changed, len(found.shifts)) == (450, 450, 200)
    assert {len(one.examples) for one in found.passes} == {5}


def test_the_past_is_limited_by_day_agent_channel_and_number(tmp_path: Path, store: Store, settings: Settings) -> None:
    old = card(tmp_path, OLD)
    called = replace(said("C1", GREETS), interaction=replace(said("C1", GREETS).interaction, channel=Channel.CALL))
    keep(store, settings, old, said("A1", GREETS, "7"), said("A2", GREETS, "8", day=1), said("A3", BOTH, day=2), called)
    activate(old, store, who="王敏")
    (tmp_path / "new.yaml").write_text(NEW + "channels: [chat]\n", encoding="utf-8")
    run = DryRun(str(tmp_path / "new.yaml"), None, store, settings)
    assert run.old.version == "1"

    def compared(past: Past) -> int:
        assert run.count(past) == run.compare(past).interactions
        return run.count(past)

    assert compared(Past()) == 3
    assert compared(Past(since=NOON + timedelta(days=1))) == 2
    assert compared(Past(until=NOON + timedelta(days=1))) == 1
    assert compared(Past(agent="8")) == 1
    assert compared(Past(limit=2)) == 2
    assert run.compare(Past(limit=1)).last_day == (NOON + timedelta(days=2)).date()


def test_what_another_reader_read_is_not_read_again_but_told(tmp_path: Path, store: Store, settings: Settings) -> None:
    old = card(tmp_path, OLD)
    keep(store, settings, old, said("A1", GREETS))
    keep(store, settings, old, said("A2", GREETS), tone="sha256:earlier")
    keep(store, settings, old, said("A3", GREETS, read=False))
    (tmp_path / "new.yaml").write_text(ACTS, encoding="utf-8")
    before = rows(settings, "conversations")
    found = DryRun(str(tmp_path / "new.yaml"), str(tmp_path / "card.yaml"), store, settings).compare(Past())
    assert (found.interactions, found.missing, found.other) == (3, 1, 1)
    assert {effect.id: effect.stale for effect in found.criteria} == {"greeting": 2, "farewell": 0}
    assert rows(settings, "conversations") == before


def test_nothing_is_written_unless_it_is_told_to(tmp_path: Path, store: Store, settings: Settings) -> None:
    old = card(tmp_path, OLD)
    keep(store, settings, old, said("A1", WISHES))
    keep(store, settings, old, said("A2", WISHES), tone="sha256:earlier")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    run = DryRun(str(tmp_path / "new.yaml"), str(tmp_path / "card.yaml"), store, settings)
    run.compare(Past())
    assert (rows(settings, "evaluations"), rows(settings, "scorecard_versions")) == (2, 0)
    run.compare(Past(), keep_as="王敏")
    assert (run.kept, run.left) == (1, 1)
    results = list(store.results(newest=False))
    assert [(r.evaluation.interaction, r.evaluation.scorecard_version, r.evaluation.total) for r in results] == [
        ("A1", "1", 60), ("A1", "2", 100), ("A2", "1", 60),
    ]  # fmt: skip
    (version,) = store.card_versions("care")
    assert (version.state, version.evaluations, version.changes[0].who) == ("draft", 1, "王敏")


@pytest.fixture
def told(tmp_path: Path, store: Store, settings: Settings) -> Path:
    """A store with three chats scored by the active version 1, and the file of version 2."""
    old = card(tmp_path, OLD)
    keep(store, settings, old, said("A1", WISHES, "7"), said("A2", GREETS, "8", day=1), said("A3", BOTH, "8"))
    activate(old, store, who="王敏")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    return tmp_path / "new.yaml"


def test_rescore_prints_who_gains_what_changes_and_the_load(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "rescore", "--scorecard", told, "--since", "2026-01-01") == 0
    out = capsys.readouterr().out
    assert "试算：care@1 → care@2，3 通会话" in out
    for line in (
        ("坐席7 (7)", "60.0", "100.0", "+40.0"),
        ("合格", "不合格", "1", "A2"),
        ("道别", "未做到", "A1"),
        ("总分低于合格线", "0", "1", "+A2"),
        ("人工复核量：0 通（0.0%）→ 1 通（33.3%），+1 通",),
        ("平均每天 0.0 通 → 0.5 通（按 2 天算）",),
    ):
        assert any(all(word in row for word in line) for row in out.splitlines()), line


def test_rescore_gives_json_for_programs(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "rescore", "--scorecard", told, "--format", "json", "--agent", "8") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["old"]["version"], record["new"]["version"], record["interactions"]) == ("1", "2", 2)
    assert (record["first_day"], record["last_day"]) == ("2026-01-10", "2026-01-11")
    assert record["agents"][0]["effect"]["change"] == -15


def test_rescore_writes_a_page_that_links_to_pages_that_are_there(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (out / "interactions").mkdir(parents=True)
    (out / "interactions" / "A2.html").touch()
    assert command(monkeypatch, "rescore", "--scorecard", told, "--format", "html", "--out", out) == 0
    page = (out / "rescore.html").read_text(encoding="utf-8")
    assert str(out / "rescore.html") in capsys.readouterr().out
    assert 'href="interactions/A2.html"' in page
    assert 'href="interactions/A1.html"' not in page
    assert all(word in page for word in ("坐席7", "道别", "总分低于合格线", "chart-agents"))
    assert all(taken(figure) == figure for figure in charts(page).values())


def test_rescore_of_an_empty_period_says_so(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "rescore", "--scorecard", told, "--until", "2020-01-01") == 0
    assert "没有符合条件的会话" in capsys.readouterr().err


def test_a_day_that_is_none_is_told(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "rescore", "--scorecard", told, "--since", "上周") == 2
    assert "[Z121] --since: “上周”不是日期" in capsys.readouterr().err


def test_the_last_day_belongs_to_the_period(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "rescore", "--scorecard", told, "--until", "2026-01-10", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["interactions"] == 2


def test_notebooks_compare_and_rescore_too(told: Path) -> None:
    found = api.rescore(str(told), since="2026-01-10", until="2026-01-10")
    assert (found.interactions, found.new.version) == (2, "2")
    assert [change.title for change in api.diff("care", str(told))] == ["关怀", "道别"]


def test_questions_that_were_not_answered_before_are_not_asked_in_a_dry_run(
    tmp_path: Path, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_QUESTION_MODEL", "judge")
    asked = NEW.replace(SAYS, "question: {ask: 坐席是否问候了客户}")
    (tmp_path / "new.yaml").write_text(asked, encoding="utf-8")
    keep(store, settings, card(tmp_path, OLD), said("A1", GREETS))
    with socket.create_server(("127.0.0.1", 0)) as service:
        monkeypatch.setenv("ZHIJIAN_QUESTION_ENDPOINT", f"http://127.0.0.1:{service.getsockname()[1]}/v1")
        run = DryRun(str(tmp_path / "new.yaml"), str(tmp_path / "card.yaml"), store, load_settings())
        found = {effect.id: effect for effect in run.compare(Past(), keep_as="王敏").criteria}
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.accept()
    assert [(step.before, step.after) for step in found["greeting"].transitions] == [("met", "unsure")]
    assert (run.kept, run.left) == (0, 1)
