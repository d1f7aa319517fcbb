"""What only people can judge waits for them; their answers count beside the machine's evaluation."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.conversation import Conversation, Evaluation, Verdict
from pipeline.flagging import flag
from pipeline.formats_out import explain
from pipeline.i18n import LANGUAGES
from pipeline.night import night_of
from pipeline.reports.html import write_report
from pipeline.reports.summary import queue
from pipeline.reviewing import review
from pipeline.scorecard import Scorecard
from pipeline.scoring import decided, score
from pipeline.settings import load_settings
from pipeline.store import Result, open_store
from pipeline.versions import PROGRAM, register
from tests.cards import card
from tests.dialogues import talk

CRITERIA = """\
  - {id: hello, title: 问候, section: s, points: 6, phrase: 您好}
  - id: sincere
    title: 真诚
    section: s
    points: 4
    manual: {ask: {zh: 语气是否真诚？, en: Was the tone sincere?}, who: {zh: 班组长, en: the team lead}}
  - {id: taboo, title: 禁语, section: s, deduct: 15, phrase: 不知道}
  - {id: rude, title: 辱骂, section: s, fatal: card, phrase: 滚}"""
TEXT = "坐席: 您好，不知道\n客户: 那算了"


def made(folder: Path, text: str = TEXT, criteria: str = CRITERIA) -> tuple[Conversation, Evaluation, Scorecard]:
    scorecard = card(folder, criteria)
    conversation = talk(text, interaction_id="C1", channel="chat")
    conversation = replace(conversation, interaction=replace(conversation.interaction, digest="sha256:C1"))
    return conversation, score(conversation, scorecard, engine_version="test"), scorecard


def test_until_a_person_answers_it_counts_in_no_total(tmp_path: Path) -> None:
    _, evaluation, _ = made(tmp_path)
    waiting = evaluation.findings[1]
    assert (waiting.verdict, waiting.points, evaluation.total) == (Verdict.UNSURE, 0, 85)


def test_the_evaluation_says_who_must_answer_what(tmp_path: Path) -> None:
    _, evaluation, _ = made(tmp_path)
    told = [explain(evaluation.findings[1].why, language) for language in LANGUAGES]
    assert told == ["等待班组长判断：语气是否真诚？", "Waits for the team lead: Was the tone sincere?"]


def test_a_card_that_people_judge_alone_is_not_taken_for_unheard(tmp_path: Path) -> None:
    heavy = CRITERIA.replace("points: 4", "points: 90")
    assert made(tmp_path, criteria=heavy)[1].total == 85


def test_it_waits_in_review_without_any_rule(tmp_path: Path) -> None:
    conversation, evaluation, scorecard = made(tmp_path)
    item = flag(evaluation, conversation, scorecard)
    assert (item.flagged, item.reasons) == (True, ("manual:sincere",))


def test_it_is_not_told_as_unheard_too(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top="flag: [{unsure: true, priority: 0.4}]")
    conversation = talk(TEXT)
    evaluation = score(conversation, scorecard, engine_version="test")
    assert flag(evaluation, conversation, scorecard).reasons == ("manual:sincere",)


@pytest.mark.parametrize(
    ("verdicts", "total", "passed"),
    [
        ({"sincere": Verdict.MET}, 85, True),
        ({"sincere": Verdict.UNMET}, 45, False),
        ({"sincere": Verdict.PARTIAL}, 65, True),
        ({"sincere": Verdict.NOT_APPLICABLE}, 85, True),
        ({"sincere": Verdict.MET, "taboo": Verdict.MET}, 100, True),
        ({"hello": Verdict.UNMET, "sincere": Verdict.MET}, 25, False),
        ({"rude": Verdict.UNMET}, 59, False),
        ({}, 85, True),
    ],
)
def test_the_decisions_of_people_count(
    tmp_path: Path, verdicts: dict[str, Verdict], total: float, passed: bool
) -> None:
    _, evaluation, scorecard = made(tmp_path)
    reviewed = decided(evaluation, verdicts, scorecard)
    assert (reviewed.total, reviewed.passed) == (total, passed)
    assert evaluation.total == 85


def test_nothing_decided_changes_nothing_even_where_a_section_was_lost(tmp_path: Path) -> None:
    criteria = CRITERIA.replace("deduct: 15, phrase: 不知道", "fatal: section, phrase: 不知道")
    _, evaluation, scorecard = made(tmp_path, criteria=criteria)
    assert evaluation.total == 0
    assert decided(evaluation, {}, scorecard) == evaluation
    assert decided(evaluation, {"taboo": Verdict.MET}, scorecard).total == 100


def test_another_card_cannot_sum_up(tmp_path: Path) -> None:
    _, evaluation, _ = made(tmp_path)
    other = made(tmp_path, criteria=CRITERIA.replace("points: 6", "points: 7"))[2]
    with pytest.raises(ValueError, match="was scored by"):
        decided(evaluation, {}, other)


def test_an_answered_case_leaves_the_queue_and_shows_both_totals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation, evaluation, scorecard = made(tmp_path)
    settings = load_settings()
    with open_store(settings.store_url, media=settings.media) as store:
        register(scorecard, store, who=PROGRAM)
        store.save([Result(conversation, evaluation, flag(evaluation, conversation, scorecard))])
        review(store, "C1", "sincere", Verdict.MET, why="听过录音", who="王敏")
        monkeypatch.setattr(
            sys, "argv", ["zhijian", "review", "C1", "sincere", "unmet", "--why", "敷衍", "--by", "王敏"]
        )
        with pytest.raises(SystemExit):
            main()
        results, decisions = tuple(store.results()), store.decisions()
    assert "复核后总分：45" in capsys.readouterr().out
    nights = [
        night_of(results, set_aside=(), cards=[scorecard], made_at=datetime(2025, 10, 12, tzinfo=UTC), decisions=some)
        for some in ((), decisions)
    ]
    assert [len(queue(night.cases)) for night in nights] == [1, 0]
    (case,) = nights[1].cases
    assert (case.evaluation, case.reviewed and case.reviewed.total) == (evaluation, 45)
    write_report(nights[1], tmp_path / "report")
    page = (tmp_path / "report" / "interactions" / "C1.html").read_text(encoding="utf-8")
    assert "人工已判 1 项：机器评分 85，复核后 45" in page
    assert "人工判定：未做到" in page
    assert "待人工判定" in page
    assert "复核后 45" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
