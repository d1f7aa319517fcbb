import pytest

from pipeline.conversation import Verdict
from tests.cards import finding
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
def test_answer_within_turns(tmp_path, text, verdict):
    assert finding(tmp_path, talk(text), "points: 5", EMPATHY).verdict is verdict


def test_evidence_shows_occasion_and_answer(tmp_path):
    found = finding(tmp_path, talk("客户: 真是太差了\n坐席: 我理解您的心情"), "points: 5", EMPATHY)
    assert [e.quote for e in found.evidence] == ["太差了", "理解您的心情"]


def test_unanswered_occasion_is_the_evidence(tmp_path):
    found = finding(tmp_path, talk("客户: 真是太差了\n坐席: 单号"), "points: 5", EMPATHY)
    assert [e.quote for e in found.evidence] == ["太差了"]


@pytest.mark.parametrize(
    ("which", "verdict"), [("any", Verdict.MET), ("first", Verdict.UNMET), ("every", Verdict.UNMET)]
)
def test_which_occurrences_must_be_answered(tmp_path, which, verdict):
    text = "客户: 太差了\n坐席: 单号\n坐席: 嗯好\n客户: 太差了\n坐席: 理解您的心情"
    found = finding(tmp_path, talk(text), "points: 5", f"{EMPATHY}\n  which: {which}")
    assert found.verdict is verdict


def test_answer_within_seconds(tmp_path):
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
def test_step_before_another(tmp_path, text, verdict):
    assert finding(tmp_path, talk(text), "points: 5", CHECK_FIRST).verdict is verdict


def test_named_condition_is_named_where_it_did_not_come_up(tmp_path):
    top = "conditions: {upset: {title: {zh: 客户不满, en: upset}, phrase: {any: [太差了], by: customer}}}"
    operator = "sequence: {after: upset, expect: {phrase: 抱歉}}"
    found = finding(tmp_path, talk("坐席: 您好\n客户: 你好"), "points: 5", operator, top=top)
    assert found.why.args["title_zh"] == "客户不满"
