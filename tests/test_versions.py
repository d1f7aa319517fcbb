"""Versions of scorecards: what is active stays as it is, the night scores by it, and old results stay explained."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from pipeline.cli import main
from pipeline.criteria import KINDS
from pipeline.errors import ScorecardError
from pipeline.i18n import area
from pipeline.nightly import Nightly
from pipeline.scorecard import BadScorecardError, Scorecard, find_scorecard, load_scorecard, shipped_scorecards
from pipeline.scorecard.difference import differences
from pipeline.settings import Settings, load_settings
from pipeline.store import CardState, open_store
from pipeline.store.database import Store
from pipeline.versions import (
    CardArchive,
    activate,
    active_version,
    in_use,
    kept,
    named,
    newer_shipped,
    register,
    retire,
)
from tests.material import GREETED, dialogue

SHIPPED = Path(__file__).parents[1] / "scorecards" / "online-chat.yaml"
CARD = """
id: care
version: "1"
title: {zh: 关怀, en: Care}
pass: 60
lists:
  bye: [再见, 祝您愉快]
  ends: ["<bye>", 慢走]
conditions:
  upset: {title: 客户不满, phrase: {any: [气死了], by: customer}}
criteria:
  - {id: greeting, title: 问候, section: s, points: 6, phrase: {any: [您好], window: {turns: 1}}}
  - {id: farewell, title: 道别, section: s, points: 4, phrase: {any: ["<ends>"]}}
  - {id: calm, title: 安抚, section: s, deduct: 3, applies_when: upset, not: {phrase: [别着急]}}
flag:
  - {random: 3%, priority: 0.1}
"""
WriteJson = Callable[[Path, object], Path]


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media) as opened:
        yield opened


def card(folder: Path, *changes: tuple[str, str], version: str = "1") -> Scorecard:
    text = CARD.replace('version: "1"', f'version: "{version}"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "care.yaml"
    path.write_text(text, encoding="utf-8")
    return load_scorecard(path)


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["zhijian", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def states(store: Store, scorecard_id: str = "care") -> dict[str, str]:
    return {version.version: version.state.value for version in store.card_versions(scorecard_id)}


def test_one_version_is_active_and_the_former_is_retired(tmp_path: Path, store: Store) -> None:
    activate(card(tmp_path), store, who="王敏", why="上线")
    activate(card(tmp_path, version="2"), store, who="李雷", why="道别放宽")
    assert states(store) == {"1": "retired", "2": "active"}
    first, second = store.card_versions("care")
    assert [(step.state.value, step.who, step.why) for step in first.changes] == [
        ("draft", "王敏", "上线"),
        ("active", "王敏", "上线"),
        ("retired", "李雷", "道别放宽"),
    ]
    assert second.changes[-1].state is CardState.ACTIVE
    assert second.changes[-1].at >= first.changes[0].at


def test_an_active_version_cannot_change(tmp_path: Path, store: Store) -> None:
    first = card(tmp_path)
    activate(first, store, who="王敏")
    changed = card(tmp_path, ("points: 6", "points: 9"))
    with pytest.raises(ScorecardError, match=r"Z211.*care@1.*启用中.*换版本号"):
        register(changed, store, who="李雷")
    retire(first, store, who="王敏")
    with pytest.raises(ScorecardError, match=r"Z211.*已停用"):
        activate(changed, store, who="李雷")
    assert [version.digest for version in store.card_versions("care")] == [first.digest]


def test_a_draft_may_change_and_its_former_content_is_kept(tmp_path: Path, store: Store) -> None:
    first = card(tmp_path)
    register(first, store, who="王敏")
    second = card(tmp_path, ("points: 6", "points: 9"))
    register(second, store, who="王敏")
    (version,) = store.card_versions("care")
    assert (version.state, version.digest) == (CardState.DRAFT, second.digest)
    assert kept(first.digest, store).criteria[0].points == 6


def test_a_retired_version_can_come_back(tmp_path: Path, store: Store) -> None:
    first = card(tmp_path)
    activate(first, store, who="王敏")
    activate(card(tmp_path, version="2"), store, who="王敏")
    activate(named("care@1", store), store, who="王敏", why="新版太严")
    assert states(store) == {"1": "active", "2": "retired"}


def test_a_card_is_named_by_path_version_digest_or_id(tmp_path: Path, store: Store) -> None:
    first = card(tmp_path)
    register(first, store, who="王敏")
    second = card(tmp_path, version="2")
    activate(second, store, who="王敏")
    assert named(str(tmp_path / "care.yaml"), store).digest == second.digest
    assert named("care@1", store).digest == first.digest
    assert named(first.digest, store).digest == first.digest
    assert named(first.digest.removeprefix("sha256:")[:10], store).digest == first.digest
    assert named("care", store).digest == second.digest
    assert named("hotline", store).digest == find_scorecard("hotline").digest


def test_names_that_mean_nothing_are_told(tmp_path: Path, store: Store) -> None:
    with pytest.raises(ScorecardError, match=r"Z212.*care@7.*zhijian run"):
        named("care@7", store)
    activate(card(tmp_path), store, who="王敏")
    with pytest.raises(ScorecardError, match=r"Z212.*care@7.*care@1"):
        named("care@7", store)
    with pytest.raises(BadScorecardError, match="Z201"):
        named("no-such-card", store)


def test_a_card_whose_versions_are_all_out_of_use_is_told(tmp_path: Path, store: Store) -> None:
    first = card(tmp_path)
    activate(first, store, who="王敏")
    retire(first, store, who="王敏")
    with pytest.raises(ScorecardError, match=r"Z213.*care.*care@1.*activate"):
        named("care", store)
    shipped = in_use("hotline", store)
    retire(shipped, store, who="王敏")
    with pytest.raises(ScorecardError, match="Z213"):
        in_use("hotline", store)


@pytest.mark.parametrize("name", shipped_scorecards())
def test_a_kept_card_says_the_same_without_its_file(store: Store, name: str) -> None:
    card = find_scorecard(name)
    register(card, store, who="王敏")
    assert kept(card.digest, store).digest == card.digest


def test_shipped_cards_become_active_on_first_use(store: Store) -> None:
    used = in_use("hotline", store)
    active = active_version("hotline", store)
    assert active is not None
    assert (active.digest, active.changes[-1].who) == (used.digest, "zhijian")
    assert len(store.card_versions()) == 1


def test_what_is_active_stays_when_the_program_brings_a_newer_card(tmp_path: Path, store: Store) -> None:
    older = tmp_path / "older.yaml"
    shipped = find_scorecard("online-chat")
    mark = f'version: "{shipped.version}"'
    older.write_text(SHIPPED.read_text(encoding="utf-8").replace(mark, 'version: "0.9"', 1), encoding="utf-8")
    shutil.copytree(SHIPPED.parent, tmp_path, dirs_exist_ok=True)
    activate(load_scorecard(older), store, who="王敏")
    used = in_use("online-chat", store)
    assert used.version == "0.9"
    assert states(store, "online-chat") == {"0.9": "active", shipped.version: "draft"}
    note = newer_shipped(used, store)
    assert note is not None
    assert f"zhijian scorecard diff online-chat@0.9 online-chat@{shipped.version}" in note
    activate(shipped, store, who="王敏")
    assert newer_shipped(in_use("online-chat", store), store) is None


def test_the_night_scores_by_the_active_version(
    tmp_path: Path, settings: Settings, store: Store, write_json: WriteJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(card(tmp_path), store, who="王敏")
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", "care")
    write_json(tmp_path / "inbox" / "a.json", dialogue("T1", GREETED))

    def night() -> list[str]:
        nightly = Nightly(tmp_path / "inbox", load_settings())
        for number in range(len(nightly.batches)):
            nightly.work(number)
        return [f"{r.evaluation.scorecard_id} {r.evaluation.scorecard_version}" for r in nightly.finish().results]

    assert night() == ["care 1"]
    activate(card(tmp_path, version="2"), store, who="王敏")
    assert night() == ["care 2"]
    assert [(version.version, version.evaluations) for version in store.card_versions("care")] == [("1", 1), ("2", 1)]


def test_a_night_by_a_file_keeps_it_as_a_draft_and_refuses_a_settled_version_that_changed(
    tmp_path: Path, store: Store, write_json: WriteJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = card(tmp_path)
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", str(tmp_path / "care.yaml"))
    write_json(tmp_path / "inbox" / "a.json", dialogue("T1", GREETED))
    Nightly(tmp_path / "inbox", load_settings()).finish()
    assert states(store) == {"1": "draft"}
    activate(first, store, who="王敏")
    card(tmp_path, ("points: 6", "points: 9"))
    with pytest.raises(ScorecardError, match="Z211"):
        Nightly(tmp_path / "inbox", load_settings())


def test_cards_of_an_earlier_zhijian_are_found_in_their_folder(
    tmp_path: Path, settings: Settings, store: Store
) -> None:
    old = card(tmp_path)
    settings.cards.mkdir(parents=True)
    shutil.copyfile(old.source, settings.cards / f"{old.digest.removeprefix('sha256:')}.yaml")
    assert CardArchive(store, settings.cards).get(old.digest).digest == old.digest
    with pytest.raises(ScorecardError, match="Z212"):
        CardArchive(store, settings.cards).get("sha256:none")


def told(old: Scorecard, new: Scorecard, language: str = "zh") -> dict[str, tuple[str, ...]]:
    found = differences(old, new, language="en" if language == "en" else "zh")
    return {f"{change.kind} {change.part} {change.title}": change.details for change in found}


def test_weights_and_thresholds_that_change_are_told_in_words(tmp_path: Path) -> None:
    old = card(tmp_path)
    changes = (("pass: 60", "pass: 70"), ("points: 6", "points: 9"), ("turns: 1", "turns: 1..2"), ("3%", "5%"))
    found = told(old, card(tmp_path, *changes, version="2"))
    assert found == {
        "changed card 关怀": ("版本：“1” → “2”", "合格线：60 → 70"),
        "changed criterion 问候": ("分值：6 → 9", "话术·范围·句：1..1 → 1..2"),
        "changed flag 随机抽检": ("随机抽检：3.0% → 5.0%",),
    }


def test_criteria_that_come_and_go_are_told_with_what_they_are_worth(tmp_path: Path) -> None:
    old = card(tmp_path)
    thanks = "{id: thanks, title: 致谢, section: s, points: 2, phrase: {any: [谢谢, 感谢]}}"
    new = card(
        tmp_path,
        ("{id: greeting, title: 问候, section: s, points: 6,", "{id: hi, title: 打招呼, section: s, deduct: 6,"),
    )
    assert set(told(old, new)) == {"added criterion 打招呼", "removed criterion 问候"}
    longer = card(tmp_path, ("flag:", f"  - {thanks}\nflag:"))
    details = told(old, longer)["added criterion 致谢"]
    assert "分值 2" in details
    assert any("“谢谢”、“感谢”" in line for line in details)


def test_wording_that_changes_is_told_with_the_criteria_that_use_it(tmp_path: Path) -> None:
    old = card(tmp_path)
    found = told(old, card(tmp_path, ("bye: [再见, 祝您愉快]", "bye: [拜拜, 再见]")))
    assert found == {"changed list bye": ("内容增加：“拜拜”", "内容去掉：“祝您愉快”", "用到它的评分项：道别")}


def test_exceptions_and_conditions_that_change_are_told(tmp_path: Path) -> None:
    old = card(tmp_path)
    eased = card(
        tmp_path, ('"<ends>"]}}', '"<ends>"]}, unless: {phrase: {any: [挂了], by: customer}}}'), ("气死了", "气死我了")
    )
    found = told(old, eased)
    assert found["changed criterion 道别"] == ("例外增加：话术 “挂了”，谁 客户",)
    assert found["changed condition 客户不满"] == ("话术·任意一种增加：“气死我了”", "话术·任意一种去掉：“气死了”")


def test_order_of_wording_and_examples_make_no_difference(tmp_path: Path) -> None:
    old = card(tmp_path)
    assert told(old, card(tmp_path, ("[再见, 祝您愉快]", "[祝您愉快, 再见]"))) == {}


def test_differences_are_told_in_english(tmp_path: Path) -> None:
    old = card(tmp_path)
    assert told(old, card(tmp_path, ("points: 6", "points: 9")), "en") == {"changed criterion 问候": ("points: 6 → 9",)}


def keys_of(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[str]:
    """Every key that may stand in a card, by walking the schema."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for name, field in annotation.model_fields.items():
            yield field.alias or name
            yield from keys_of(field.annotation, seen)
    for inner in get_args(annotation):
        yield from keys_of(inner, seen)


def test_every_key_of_a_card_has_a_name() -> None:
    parts = {"sections", "lists", "conditions", "criteria", "flag", "operator", "examples", "zh", "en"}
    verdicts = {"met", "not_applicable"}
    names = {key.removeprefix("difference.key.") for key in area("difference")}
    seen: set[type[BaseModel]] = set()
    keys = {key for kind in KINDS.values() for key in keys_of(kind.params, seen)} | set(keys_of(Scorecard, seen))
    assert len(keys) > 100
    assert keys - names - parts - verdicts == set()


def test_commands_list_show_compare_activate_and_retire(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> str:
        assert command(monkeypatch, "scorecard", *words) == 0
        return capsys.readouterr().out

    card(tmp_path)
    path = tmp_path / "care.yaml"
    assert "已启用 care@1" in run("activate", path, "--why", "上线", "--by", "王敏")
    card(tmp_path, ("points: 6", "points: 9"), version="2")
    assert "改动 评分项 问候 (greeting)\n    分值：6 → 9\n" in run("diff", path)
    compared = json.loads(run("diff", "care@1", path, "--format", "json"))
    assert (compared["old"]["version"], compared["new"]["version"]) == ("1", "2")
    assert compared["changes"][1]["details"] == ["分值：6 → 9"]
    assert "care@1 停用" in run("activate", path, "--by", "李雷")
    listed = run("list")
    assert [line.split()[:3] for line in listed.splitlines() if line.startswith("care")] == [
        ["care", "1", "已停用"],
        ["care", "2", "启用中"],
    ]
    assert any(line.startswith("hotline") and "自带（未用过）" in line for line in listed.splitlines())
    records = {(r["id"], r["version"]): r for r in json.loads(run("list", "--format", "json"))}
    assert records["care", "1"]["state"] == "retired"
    assert [step["who"] for step in records["care", "1"]["changes"]] == ["王敏", "王敏", "李雷"]
    shown = run("show", "care")
    assert next(line for line in shown.splitlines() if "greeting" in line).split()[1:4] == ["问候", "greeting", "9"]
    assert "李雷" in shown
    assert run("show", "care@1", "--format", "yaml").strip() == CARD.strip()
    assert json.loads(run("show", "care", "--format", "json"))["card"]["criteria"][0]["points"] == 9
    assert "已停用 care@2" in run("retire", "care@2")
    assert states(store) == {"1": "retired", "2": "retired"}


def test_a_card_with_errors_is_not_activated(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = ("phrase: {any: [您好], window: {turns: 1}}}", 'phrase: {any: [您好]}, examples: {met: ["坐席: 说吧"]}}')
    card(tmp_path, failing)
    assert command(monkeypatch, "scorecard", "activate", tmp_path / "care.yaml") == 1
    assert "没有启用" in capsys.readouterr().err
    assert store.card_versions() == ()


def test_score_takes_the_active_version_of_an_id(
    tmp_path: Path,
    store: Store,
    write_json: WriteJson,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    activate(card(tmp_path), store, who="王敏")
    chat = write_json(tmp_path / "a.json", dialogue("T1", GREETED))
    assert command(monkeypatch, "score", chat, "--scorecard", "care", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["scorecard"]["id"] == "care"
    assert states(store) == {"1": "active"}
