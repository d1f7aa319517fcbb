"""What a person decides stands beside the machine's evaluation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.conversation import Reading, Verdict
from pipeline.errors import StoreError
from pipeline.reviewing import review
from pipeline.settings import load_settings
from pipeline.store import open_store
from pipeline.store.database import Store
from tests.reviewed import conversation, evaluated

NOON = datetime(2025, 10, 12, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = load_settings()
    with open_store(settings.store_url, media=settings.media) as opened:
        readings = (Reading(), Reading(), Reading(acts={"shirking": 0.9}))
        heard = replace(conversation("C1"), readings=readings)
        evaluated(opened, settings, tmp_path, [heard, conversation("C2")])
        yield opened


def test_a_decision_comes_back_with_the_verdict_of_the_machine(store: Store) -> None:
    kept = review(store, "C1", "shirking", Verdict.MET, why="已转派", who="王敏", turn=2, at=NOON)
    assert store.decisions() == (kept,)
    assert (kept.machine, kept.person, kept.turn) == (Verdict.UNMET, Verdict.MET, 2)
    assert (kept.scorecard_id, kept.who, kept.decided_at) == ("test", "王敏", NOON)


def test_a_later_decision_counts_and_the_earlier_one_stays(store: Store) -> None:
    first = review(store, "C1", "shirking", Verdict.MET, why="看错了", who="王敏", at=NOON)
    second = review(store, "C1", "shirking", Verdict.UNMET, why="确实推诿", who="李雷", at=NOON + timedelta(hours=1))
    other = review(store, "C1", "farewell", Verdict.UNMET, why="没有道别", who="王敏", at=NOON)
    (found,) = store.reviewed()
    assert store.decisions() == (first, second, other)
    assert set(found.decisions) == {second, other}


def test_the_evaluation_stays_as_the_machine_made_it(store: Store) -> None:
    before = [result.evaluation for result in store.results(newest=False)]
    review(store, "C1", "shirking", Verdict.MET, why="已转派", who="王敏")
    assert [result.evaluation for result in store.results(newest=False)] == before


@pytest.mark.parametrize(
    ("interaction", "criterion", "turn", "told"),
    [
        ("C9", "shirking", None, r"Z410.*没有编号为 C9 的会话"),
        ("C1", "rudeness", None, r"Z411.*没有名为 rudeness 的评分项.*shirking, offer_help, farewell"),
        ("C1", "shirking", 3, r"Z412.*没有第 4 轮.*共 3 轮"),
    ],
)
def test_what_is_not_there_cannot_be_decided_about(
    store: Store, interaction: str, criterion: str, turn: int | None, told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        review(store, interaction, criterion, Verdict.MET, why="…", who="王敏", turn=turn)
    assert store.decisions() == ()


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["zhijian", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_the_command_says_what_it_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("review", "C1", "shirking", "met", "--why", "已转派", "--turn", "3", "--by", "王敏")
    assert command(monkeypatch, *words) == 0
    assert "会话 C1 的“推诿”，机器判“发生”，王敏 改判“未发生”" in capsys.readouterr().out
    assert [decision.turn for decision in store.decisions()] == [2]


def test_the_command_refuses_a_verdict_that_nobody_can_give(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "review", "C1", "shirking", "unsure", "--why", "…") == 2
    assert store.decisions() == ()
