from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.criteria.base import State
from pipeline.scorecard import BadScorecardError
from tests.cards import finding, outcome
from tests.dialogues import talk

EMPATHY = """sequence:
  after: {phrase: {any: [太差了], by: customer}}
  expect: {phrase: [理解您的心情]}
  within: 2 turns"""


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("客户: 太差了\n坐席: 我理解您的心情", Verdict.MET),
        ("客户: 太差了\n坐席: 单号\n客户: 123\n坐席: 理解您的心情", Verdict.MET),
        ("客户: 太差了\n坐席: 单号\n坐席: 嗯好\n坐席: 理解您的心情", Verdict.UNMET),
        ("坐席: 理解您的心情\n客户: 太差了\n坐席: 单号", Verdict.UNMET),
        ("客户: 你好\n坐席: 您好", Verdict.NOT_APPLICABLE),
        ("客户: 太差了\n坐席(0.2): 单号", Verdict.UNSURE),
    ],
)
def test_answer_within_turns(tmp_path: Path, text: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk(text), "points: 5", EMPATHY).verdict is verdict


def test_evidence_shows_occasion_and_answer(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("客户: 真是太差了\n坐席: 我理解您的心情"), "points: 5", EMPATHY)
    assert [e.quote for e in found.evidence] == ["太差了", "理解您的心情"]


def test_unanswered_occasion_is_the_evidence(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("客户: 真是太差了\n坐席: 单号"), "points: 5", EMPATHY)
    assert [e.quote for e in found.evidence] == ["太差了"]


@pytest.mark.parametrize(
    ("which", "verdict"), [("any", Verdict.MET), ("first", Verdict.UNMET), ("every", Verdict.UNMET)]
)
def test_which_occurrences_must_be_answered(tmp_path: Path, which: str, verdict: Verdict) -> None:
    text = "客户: 太差了\n坐席: 单号\n坐席: 嗯好\n客户: 太差了\n坐席: 理解您的心情"
    found = finding(tmp_path, talk(text), "points: 5", f"{EMPATHY}\n  which: {which}")
    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("which", "state"),
    [("1", State.NO), ("2", State.YES), ("last", State.YES), ("-2", State.NO), ("3", State.UNAVAILABLE)],
)
def test_only_the_nth_occurrence_must_be_answered(tmp_path: Path, which: str, state: State) -> None:
    text = "客户: 太差了\n坐席: 单号\n坐席: 嗯好\n客户: 太差了\n坐席: 理解您的心情"
    assert outcome(tmp_path, talk(text), f"{EMPATHY}\n  which: {which}").state is state


AROUND = "sequence: {around: {phrase: [扣费]}, expect: {phrase: [抱歉]}, within: 1 turns}"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("坐席: 非常抱歉\n坐席: 是系统扣费有误", State.YES),
        ("坐席: 是系统扣费有误\n坐席: 非常抱歉", State.YES),
        ("坐席: 抱歉，是系统扣费有误", State.YES),
        ("坐席: 抱歉\n坐席: 我看一下\n坐席: 是系统扣费有误\n坐席: 好的", State.NO),
        ("坐席: 抱歉", State.UNAVAILABLE),
    ],
)
def test_what_must_stand_around_another(tmp_path: Path, text: str, state: State) -> None:
    assert outcome(tmp_path, talk(text), AROUND).state is state


def test_a_place_that_is_no_number_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match="first, last, every"):
        outcome(tmp_path, talk("坐席: 您好"), f"{EMPATHY}\n  which: second")


def test_answer_within_seconds(tmp_path: Path) -> None:
    operator = EMPATHY.replace("2 turns", "10 s")
    near = talk("[0-2] 客户: 太差了\n[8-9] 坐席: 理解您的心情")
    far = talk("[0-2] 客户: 太差了\n[18-19] 坐席: 理解您的心情")
    assert finding(tmp_path, near, "points: 5", operator).verdict is Verdict.MET
    assert finding(tmp_path, far, "points: 5", operator).verdict is Verdict.UNMET


CHECK_FIRST = """sequence:
  before: {phrase: {any: [您的余额]}}
  expect: {phrase: {any: [核实…姓名]}}"""


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("坐席: 核实一下姓名\n客户: 王\n坐席: 您的余额是五元", Verdict.MET),
        ("坐席: 您的余额是五元\n坐席: 核实一下姓名", Verdict.UNMET),
        ("坐席: 先核实下姓名，您的余额是五元", Verdict.MET),
        ("坐席: 您的余额是五元，核实下姓名", Verdict.UNMET),
        ("坐席: 您好", Verdict.NOT_APPLICABLE),
    ],
)
def test_step_before_another(tmp_path: Path, text: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk(text), "points: 5", CHECK_FIRST).verdict is verdict


def test_named_condition_is_named_where_it_did_not_come_up(tmp_path: Path) -> None:
    top = "conditions: {upset: {title: {zh: 客户不满, en: upset}, phrase: {any: [太差了], by: customer}}}"
    operator = "sequence: {after: upset, expect: {phrase: 抱歉}}"
    found = finding(tmp_path, talk("坐席: 您好\n客户: 你好"), "points: 5", operator, top=top)
    assert found.why.args["title_zh"] == "客户不满"
