"""What people decided teaches the reader, and it is used only where it then agrees with them no less often."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.utterance import Utterance, load_reader
from models.utterance.learning import Label, fit, learn, write
from pipeline import learning
from pipeline.cli import main
from pipeline.conversation import Verdict
from pipeline.errors import SettingsError, StoreError
from pipeline.learning import Demand, Judged, gather, held_out, labels_of
from pipeline.reader_models import open_reader, reader_folder, reader_name, use
from pipeline.reading import read
from pipeline.reviewing import review
from pipeline.settings import Settings, load_settings
from pipeline.store import open_store
from pipeline.store.database import Store
from pipeline.versions import CardArchive
from pipeline.workshop import Workshop
from tests.cards import card
from tests.reviewed import SHIRKING, conversation, evaluated

START = np.array([0.8, 0.5, 0.0])


def looks(count: int, logit: float, cue: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.tile([logit, cue, 1.0], (count, 1))


def probability(setting: np.ndarray[tuple[int], np.dtype[np.float64]], logit: float, cue: float) -> float:
    return float(1 / (1 + np.exp(-setting @ [logit, cue, 1.0])))


def test_many_labels_move_an_act_and_few_move_it_little() -> None:
    before = probability(START, 2.0, 1.0)
    one, many = (probability(fit(looks(n, 2.0, 1.0), np.zeros(n), START), 2.0, 1.0) for n in (1, 60))
    assert before > 0.8
    assert before - 0.25 < one < before
    assert many < 0.3


def test_the_fit_is_the_optimum_of_likelihood_and_draw() -> None:
    rng = np.random.default_rng(3)
    seen = np.concatenate([rng.normal(0, 2, (200, 2)), np.ones((200, 1))], axis=1)
    truth = (seen @ [1.5, 0.7, -1.0] + rng.logistic(size=200) > 0).astype(float)
    draw = np.array([16.0, 36.0, 1.0])
    found = fit(seen, truth, START, tuple(draw))
    slope = seen.T @ (1 / (1 + np.exp(-seen @ found)) - truth) + 2 * draw * (found - START)
    assert np.abs(slope).max() < 1e-6


def test_nobody_is_trusted_less_than_not_at_all() -> None:
    seen = np.concatenate([looks(300, 4.0, 3.0), looks(300, -4.0, -3.0)])
    found = fit(seen, np.repeat([0.0, 1.0], 300), START)
    assert found[:2].min() >= 0.0


def test_a_label_changes_its_act_and_no_other(tiny_reader: Path, tmp_path: Path) -> None:
    reader = load_reader(folder=tiny_reader)
    said = [[Utterance("customer", "洗衣机坏了。"), Utterance("agent", "这个不归我们管。")]]
    learnt = learn(reader, said, [Label(0, 1, ("shirking",), False)])
    assert [(one.role, one.act, one.there, one.absent) for one in learnt] == [("agent", "shirking", 0, 1)]
    assert learnt[0].after[2] < learnt[0].before[2]
    write(reader, learnt, tmp_path / "new")
    old, new = (json.loads((f / "reader.json").read_text("utf-8")) for f in (tiny_reader, tmp_path / "new"))
    changed = [name for name, setting in new["acts"]["agent"].items() if setting != old["acts"]["agent"][name]]
    assert (changed, new["acts"]["customer"]) == (["shirking"], old["acts"]["customer"])


def test_learning_again_starts_from_the_shipped_settings(tiny_reader: Path, tmp_path: Path) -> None:
    said = [[Utterance("agent", "这个不归我们管。")]]
    labels = [Label(0, 0, ("shirking",), False)]
    reader = load_reader(folder=tiny_reader)
    write(reader, learn(reader, said, labels), tmp_path / "once")
    once = load_reader(folder=tmp_path / "once")
    assert learn(once, said, labels) == learn(reader, said, labels)


def test_of_several_acts_the_likeliest_is_taken_to_be_there(tiny_reader: Path) -> None:
    reader = load_reader(folder=tiny_reader)
    said = [[Utterance("agent", "这个不归我们管，你打别的电话。")]]
    (one,) = learn(reader, said, [Label(0, 0, ("disparagement", "shirking"), True)])
    assert (one.act, one.there) == ("shirking", 1)


@pytest.mark.parametrize(
    ("operator", "holds", "demands"),
    [
        ("act: {any: [scorn, blame]}", True, [Demand(("scorn", "blame"), "agent", True)]),
        ("act: {any: [scorn, blame]}", False, [Demand(("scorn", "blame"), "agent", False)]),
        ("any_of: [{act: scorn}, {phrase: [滚]}]", True, [Demand(("scorn",), "agent", True)]),
        ("any_of: [{act: scorn}, {act: blame}]", True, [Demand(("scorn", "blame"), "agent", True)]),
        (
            "all_of: [{act: thanks}, {act: goodbye}]",
            True,
            [Demand(("thanks",), "agent", True), Demand(("goodbye",), "agent", True)],
        ),
        ("all_of: [{act: thanks}, {act: goodbye}]", False, []),
        ("not: {act: upset}", True, [Demand(("upset",), "agent", False)]),
        ("sequence: {after: {act: {any: upset, by: customer}}, expect: {act: empathy}}", False, [
            Demand(("empathy",), "agent", False)
        ]),
        ("phrase: [再见]", True, []),
    ],
)  # fmt: skip
def test_what_a_verdict_says_of_acts(tmp_path: Path, operator: str, holds: bool, demands: list[Demand]) -> None:
    scorecard = card(tmp_path, f"  - id: it\n    title: 项目\n    section: s\n    points: 1\n    {operator}")
    assert list(learning.demands(scorecard.criteria[0], scorecard, holds)) == demands


@pytest.fixture
def settings(tiny_reader: Path) -> Settings:
    found = load_settings()
    use(tiny_reader, found)
    return found


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media) as opened:
        yield opened


def fill(store: Store, settings: Settings, folder: Path, count: int, person: Callable[[str], Verdict]) -> None:
    """So many conversations in which the reader found shirking, and what a person says to each."""
    talks = [conversation(f"C{number}") for number in range(count)]
    evaluated(store, settings, folder, read(talks, reader=open_reader(settings)))
    for number in range(count):
        review(store, f"C{number}", "shirking", person(f"C{number}"), why="…", who="王敏", turn=2)


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["zhijian", "models", "learn", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_a_reader_that_agrees_more_often_is_used(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(store, settings, tmp_path, 110, lambda _: Verdict.MET)
    before = reader_folder(settings)
    assert command(monkeypatch, "--use") == 0
    told = capsys.readouterr().out
    held = sum(held_out(f"C{number}") for number in range(110))
    assert f"0/{held}" in told
    assert f"{held}/{held}" in told
    after = reader_folder(settings)
    assert after.parent == settings.models
    assert after != before
    (again,) = read([conversation("X")], reader=Workshop(settings).reader)
    assert again.readings[2].acts.get("shirking", 0.0) < 0.5
    assert reader_name(settings) == after.name


def test_without_being_told_to_nothing_is_used(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, settings, tmp_path, 110, lambda _: Verdict.MET)
    before = reader_folder(settings)
    assert command(monkeypatch, "--out", str(tmp_path / "new")) == 0
    assert reader_folder(settings) == before
    assert (tmp_path / "new" / "model.bin").is_file()


def test_a_reader_that_agrees_less_often_is_refused(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(store, settings, tmp_path, 110, lambda name: Verdict.UNMET if held_out(name) else Verdict.MET)
    before = reader_folder(settings)
    assert command(monkeypatch, "--use") == 1
    assert "一致的比例低于现用的，因此不启用" in capsys.readouterr().err
    assert reader_folder(settings) == before


def test_few_decisions_put_nothing_to_use(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(store, settings, tmp_path, 12, lambda _: Verdict.MET)
    assert command(monkeypatch, "--use") == 1
    assert "不足 30 条" in capsys.readouterr().err


def test_nothing_decided_is_nothing_to_learn_from(store: Store, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Z413.*zhijian review"):
        learning.learn(store.reviewed(), CardArchive(store, settings.cards), settings, tmp_path / "new")


def test_a_folder_with_something_in_it_is_left_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").touch()
    assert command(monkeypatch, "--out", str(tmp_path)) == 2
    assert "[Z536]" in capsys.readouterr().err


def judged(store: Store, settings: Settings, identifier: str) -> Judged:
    return next(
        one
        for one in gather(store.reviewed(), CardArchive(store, settings.cards))
        if one.decision.interaction == identifier
    )


def test_decisions_become_labels_of_the_turns_they_rest_on(store: Store, settings: Settings, tmp_path: Path) -> None:
    quiet = "坐席: 您好，请问有什么可以帮您？\n客户: 洗衣机坏了。\n坐席: 已经登记，24小时内上门。"
    talks = [
        conversation("overruled"),
        conversation("confirmed"),
        conversation("missed", quiet),
        conversation("silent", quiet),
    ]
    evaluated(store, settings, tmp_path, read(talks, reader=open_reader(settings)))
    noon = datetime(2025, 10, 12, 12, tzinfo=UTC)
    review(store, "overruled", "shirking", Verdict.MET, why="已转派", who="王敏", at=noon)
    review(store, "confirmed", "shirking", Verdict.UNMET, why="推诿", who="王敏", at=noon)
    review(store, "missed", "shirking", Verdict.UNMET, why="没有真的登记", who="王敏", turn=2, at=noon)
    review(store, "silent", "shirking", Verdict.MET, why="没有推诿", who="王敏", at=noon)
    found = {
        name: list(labels_of(judged(store, settings, name), 0))
        for name in ("overruled", "confirmed", "missed", "silent")
    }
    assert found == {
        "overruled": [Label(0, 2, ("shirking",), False)],
        "confirmed": [Label(0, 2, ("shirking",), True)],
        "missed": [Label(0, 2, ("shirking",), True)],
        "silent": [],
    }


def test_criteria_that_do_not_rest_on_acts_teach_nothing(store: Store, settings: Settings, tmp_path: Path) -> None:
    evaluated(store, settings, tmp_path, [conversation("C1", SHIRKING)])
    review(store, "C1", "farewell", Verdict.MET, why="…", who="王敏")
    assert list(gather(store.reviewed(), CardArchive(store, settings.cards))) == []


@pytest.mark.parametrize(
    ("model", "code", "told"),
    [("no-such-reader", "Z530", "没有名为 no-such-reader 的判读模型"), ("{folder}", "Z531", "缺少 model.bin")],
)
def test_a_setting_that_names_no_reader_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, code: str, told: str
) -> None:
    monkeypatch.setenv("ZHIJIAN_READING_MODEL", model.format(folder=tmp_path))
    with pytest.raises(SettingsError, match=f"{code}.*{told}"):
        open_reader(load_settings())


def test_a_reader_of_another_version_is_told(
    tiny_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(load_reader(folder=tiny_reader), (), tmp_path / "old")
    content = json.loads((tmp_path / "old" / "reader.json").read_text("utf-8"))
    del content["acts"]["agent"]["greeting"]
    (tmp_path / "old" / "reader.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_READING_MODEL", str(tmp_path / "old"))
    with pytest.raises(SettingsError, match=r"Z532.*greeting"):
        open_reader(load_settings())


def test_a_note_that_names_a_reader_that_is_gone_says_how_to_go_back(tmp_path: Path) -> None:
    settings = load_settings()
    use(tmp_path / "gone", settings)
    with pytest.raises(SettingsError, match=r"Z530.*reader-current.*就回到自带的模型"):
        open_reader(settings)
