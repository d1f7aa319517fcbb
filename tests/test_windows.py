"""Where an operator looks: beside a named condition, at the end, in every turn, at the system's messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.criteria.base import State
from pipeline.formats_out import why
from pipeline.scorecard import BadScorecardError, dialogue
from tests.cards import finding, outcome
from tests.dialogues import talk

UPSET = "conditions: {upset: {title: {zh: 客户不满, en: upset}, phrase: {any: [太差了], by: customer}}}"
TWICE = "坐席: 抱歉\n客户: 太差了\n坐席: 单号多少\n坐席: 抱歉\n客户: 真是太差了\n坐席: 您好"


@pytest.mark.parametrize(
    ("window", "state"),
    [
        ("{after: {condition: upset}}", State.YES),
        ("{after: {condition: upset, within: 1 turn}}", State.NO),
        ("{after: {condition: upset, within: 2 turns}}", State.YES),
        ("{after: {condition: upset, hit: 2}}", State.NO),
        ("{after: {condition: upset, hit: -1}}", State.NO),
        ("{before: {condition: upset, hit: 2, within: 1 turn}}", State.YES),
        ("{before: {condition: upset, hit: 1}}", State.YES),
        ("{around: {condition: upset, hit: 2, within: 1 turn}}", State.YES),
        ("{around: {condition: upset, hit: 1, within: 1 turn}}", State.YES),
        ("{after: {condition: upset, hit: 1}, before: {condition: upset, hit: 2}}", State.YES),
        ("{after: {condition: upset, hit: 3}}", State.UNAVAILABLE),
    ],
)
def test_window_beside_the_nth_time_a_condition_comes_up(tmp_path: Path, window: str, state: State) -> None:
    found = outcome(tmp_path, talk(TWICE), f"phrase: {{any: [抱歉], window: {window}}}", top=UPSET)
    assert found.state is state


@pytest.mark.parametrize(("reach", "state"), [("5 s", State.NO), ("12 s", State.YES)])
def test_window_beside_a_condition_in_seconds(tmp_path: Path, reach: str, state: State) -> None:
    conversation = talk("[0-2] 客户: 太差了\n[3-5] 坐席: 单号多少\n[10-12] 坐席: 抱歉")
    operator = f"phrase: {{any: [抱歉], window: {{after: {{condition: upset, within: {reach}}}}}}}"
    assert outcome(tmp_path, conversation, operator, top=UPSET).state is state


def test_window_beside_what_did_not_come_up_makes_the_criterion_not_applicable(tmp_path: Path) -> None:
    operator = "phrase: {any: [抱歉], window: {after: {condition: upset}}}"
    found = finding(tmp_path, talk("坐席: 您好\n客户: 你好"), "points: 5", operator, top=UPSET)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert why(found, "zh") == "本次会话没有出现“客户不满”的情况，此项不适用。"


def test_window_beside_what_could_not_be_heard_is_unsure(tmp_path: Path) -> None:
    operator = "phrase: {any: [抱歉], window: {after: {condition: upset}}}"
    found = finding(tmp_path, talk("客户(0.2): 喂喂\n坐席(0.9): 您好"), "points: 5", operator, top=UPSET)
    assert found.verdict is Verdict.UNSURE


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("[0-2] 坐席: 单号多少\n[9-11] 坐席: 查到了\n[12-13] 客户: 等一下", Verdict.MET),
        ("[0-2] 坐席: 单号多少\n[9-11] 坐席: 查到了\n[12-13] 客户: 好的", Verdict.UNMET),
    ],
)
def test_exception_may_lie_around_the_hit(tmp_path: Path, text: str, verdict: Verdict) -> None:
    operator = "silence: {longer_than: 5}\nunless: {phrase: {any: [等一下], by: customer, window: {around: 5 s}}}"
    assert finding(tmp_path, talk(text), "deduct: 3", operator).verdict is verdict


@pytest.mark.parametrize(("text", "verdict"), [("转接人工", Verdict.MET), ("评价邀请", Verdict.UNMET)])
def test_message_of_the_system_excuses(tmp_path: Path, text: str, verdict: Verdict) -> None:
    operator = "silence: {longer_than: 5}\nunless: {phrase: {any: [转接], by: system, window: {before: 2 turns}}}"
    conversation = talk(f"[0] 系统: {text}\n[1] 客户: 喂\n[30] 坐席: 您好", channel="chat")
    assert finding(tmp_path, conversation, "deduct: 3", operator).verdict is verdict


@pytest.mark.parametrize(("window", "state"), [("-5..", State.YES), ("-3..", State.NO), ("..-5", State.NO)])
def test_seconds_below_zero_count_from_the_end(tmp_path: Path, window: str, state: State) -> None:
    conversation = talk("[0-2] 坐席: 您好\n[16-18] 坐席: 再见\n[19-20] 客户: 好")
    operator = f"phrase: {{any: [再见], window: {{seconds: {window}}}}}"
    assert outcome(tmp_path, conversation, operator).state is state


@pytest.mark.parametrize(
    ("text", "verdict", "quotes"),
    [
        ("坐席: 您好\n客户: 喂\n坐席: 您请讲", Verdict.MET, ["您", "您"]),
        ("坐席: 您好\n客户: 喂\n坐席: 你讲\n坐席: 说", Verdict.UNMET, ["你讲", "说"]),
        ("客户: 喂", Verdict.NOT_APPLICABLE, []),
    ],
)
def test_every_turn_must_hold(tmp_path: Path, text: str, verdict: Verdict, quotes: Sequence[str]) -> None:
    found = finding(tmp_path, talk(text), "points: 5", "phrase: {any: [您], window: {every: true}}")
    assert (found.verdict, [e.quote for e in found.evidence]) == (verdict, quotes)


def test_every_turn_of_a_part_must_hold(tmp_path: Path) -> None:
    operator = "phrase: {any: [您], window: {turns: -2..-1, every: true}}"
    assert outcome(tmp_path, talk("坐席: 说\n坐席: 您好\n坐席: 您请"), operator).state is State.YES


def test_turns_that_cannot_be_judged_do_not_break_every(tmp_path: Path) -> None:
    conversation = talk("[0-2] 坐席: 我现在就帮您查一下订单\n[3-4] 坐席: 嗯\n[5-8] 坐席: 您的订单今天下午就能送到")
    operator = "pace: {below: 400, window: {every: true}}"
    assert outcome(tmp_path, conversation, operator).state is not State.NO


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("{after: {condition: upset, hit: 0}}", "hit"),
        ("{after: {condition: upste}}", "upset"),
        ("{after: {conditoin: upset}}", "condition"),
        ("{around: soon}", "2 turns"),
    ],
)
def test_wrong_window_is_told(tmp_path: Path, window: str, words: str) -> None:
    with pytest.raises(BadScorecardError) as caught:
        outcome(tmp_path, talk("坐席: 喂"), f"phrase: {{any: [抱歉], window: {window}}}", top=UPSET)
    assert any(words in str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(("music", "verdict"), [(", ♪ -30 dB", Verdict.MET), ("", Verdict.UNMET)])
def test_hold_music_excuses_a_silence(tmp_path: Path, music: str, verdict: Verdict) -> None:
    operator = "measure: {name: longest_silence, above: 10}\nunless: {silence: {longer_than: 10, holds: only}}"
    text = f"[0-2] 坐席(0.9, -26 dB): 我查一下订单\n[20-22] 坐席(0.9, -26 dB{music}): 查到了"
    assert finding(tmp_path, dialogue(text), "deduct: 3", operator).verdict is verdict


@pytest.mark.parametrize(("text", "verdict"), [("工号是〔号码〕", Verdict.NOT_APPLICABLE), ("喂", Verdict.UNMET)])
def test_redacted_span_excuses(tmp_path: Path, text: str, verdict: Verdict) -> None:
    operator = 'phrase: 工号<digits>\nunless: {pattern: "〔(号码|姓名)〕"}'
    assert finding(tmp_path, talk(f"坐席: {text}"), "points: 5", operator).verdict is verdict
