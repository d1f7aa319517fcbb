"""Times of answers in chats, shares of talk, and how calls begin and end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.conversation import Conversation, Hearing, Verdict
from pipeline.criteria.base import State
from tests.cards import finding, outcome
from tests.dialogues import talk

CHAT = """[0] 客户: 在吗
[20] 坐席: 您好
[30] 客户: 我要退货
[60] 客户: 听见了吗
[120] 坐席: 好的，单号多少
[130] 客户: 三三零八
[140] 坐席: 已经登记"""


@pytest.mark.parametrize(
    ("over", "value"), [("first", 20), ("average", pytest.approx(40)), ("longest", 90), ("any", 90)]
)
def test_answers_are_timed_from_the_first_message_left_unanswered(tmp_path: Path, over: str, value: float) -> None:
    limit = 15 if over != "any" else 60
    said = outcome(tmp_path, talk(CHAT, channel="chat"), f"response: {{over: {over}, above: {limit}}}")
    assert (said.state, said.reason.args["value"]) == (State.YES, value)


def test_a_slow_answer_cites_the_answer_and_what_waited(tmp_path: Path) -> None:
    found = finding(tmp_path, talk(CHAT, channel="chat"), "deduct: 3", "response: {over: any, above: 60}")
    assert [place.quote for place in found.evidence] == ["我要退货", "好的，单号多少"]


def test_so_many_slow_answers_are_needed(tmp_path: Path) -> None:
    chat = talk(CHAT, channel="chat")
    assert outcome(tmp_path, chat, "response: {over: any, above: 15, times: 2}").state is State.YES
    assert outcome(tmp_path, chat, "response: {over: any, above: 15, times: 3}").state is State.NO


def test_the_customers_answers_are_timed_too(tmp_path: Path) -> None:
    said = outcome(tmp_path, talk(CHAT, channel="chat"), "response: {by: customer, over: longest, below: 15}")
    assert (said.state, said.reason.args["value"]) == (State.YES, 10)


def test_a_wait_that_never_ended_can_only_be_too_long(tmp_path: Path) -> None:
    chat = talk("[0] 客户: 在吗\n[50] 客户: 有人吗\n[90] 客户: 算了", channel="chat")
    left = finding(tmp_path, chat, "deduct: 3", "response: {above: 60}")
    assert (left.verdict, left.why.key) == (Verdict.UNMET, "criteria.response.unanswered")
    assert finding(tmp_path, chat, "deduct: 3", "response: {above: 120}").verdict is Verdict.NOT_APPLICABLE
    assert finding(tmp_path, chat, "points: 3", "response: {below: 120}").verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        (talk("[0-2] 客户: 喂\n[3-5] 坐席: 您好"), "criteria.unavailable.not_written"),
        (talk("客户: 在吗\n坐席: 您好", channel="chat"), "criteria.unavailable.untimed"),
        (talk("[0] 坐席: 您好，欢迎光临", channel="chat"), "criteria.response.no_wait"),
    ],
)
def test_without_waits_that_can_be_timed_it_does_not_apply(
    tmp_path: Path, conversation: Conversation, reason: str
) -> None:
    said = outcome(tmp_path, conversation, "response: {above: 30}")
    assert (said.state, said.reason.key) == (State.UNAVAILABLE, reason)


def test_talk_ratio_of_a_call_is_by_time_and_of_a_chat_by_characters(tmp_path: Path) -> None:
    text = "[0-9] 坐席: 好的\n[9-10] 客户: 我的订单到现在还没有发货"
    assert outcome(tmp_path, talk(text), "talk_ratio: {above: 0.8}").state is State.YES
    assert outcome(tmp_path, talk(text, channel="chat"), "talk_ratio: {above: 0.8}").state is State.NO
    assert outcome(tmp_path, talk(text), "talk_ratio: {of: characters, above: 0.8}").state is State.NO


def test_talk_ratio_of_a_part_of_the_call(tmp_path: Path) -> None:
    text = (
        "[0-18] 坐席: 您好\n[18-20] 客户: 嗯\n[20-22] 坐席: 请讲\n[22-30] 客户: 我\n[30-38] 客户: 说\n[38-40] 坐席: 好"
    )
    operator = "talk_ratio: {by: customer, above: 0.8, window: {part: second_half}}"
    assert outcome(tmp_path, talk(text), operator).state is State.YES
    assert outcome(tmp_path, talk(text), "talk_ratio: {by: customer, above: 0.8}").state is State.NO


def test_talk_ratio_without_talk_does_not_apply(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("[0-3] 系统: 通话开始"), "talk_ratio: {above: 0.8}").state is State.UNAVAILABLE
    assert outcome(tmp_path, talk("[0-3] 未知: 你好"), "talk_ratio: {above: 0.8}").state is State.UNSURE


def ended(seconds: float | None, text: str = "[0-3] 坐席: 感谢来电\n[3-4] 客户: 再见") -> Conversation:
    hearing = None if seconds is None else Hearing(seconds, 8000, 2, 4.0, 0.9)
    return replace(talk(text), hearing=hearing)


def test_a_line_left_open_is_an_abnormal_hang_up(tmp_path: Path) -> None:
    found = finding(tmp_path, ended(12.5), "deduct: 3", "ending: abnormal_hang_up")
    assert found.verdict is Verdict.UNMET
    assert (found.evidence[0].start, found.evidence[0].end) == (4.0, 12.5)
    assert finding(tmp_path, ended(8.9), "deduct: 3", "ending: abnormal_hang_up").verdict is Verdict.MET
    assert (
        finding(tmp_path, ended(8.9), "deduct: 3", "ending: {is: abnormal_hang_up, after: 4}").verdict is Verdict.UNMET
    )


def test_without_the_length_of_the_recording_a_hang_up_cannot_be_judged(tmp_path: Path) -> None:
    said = outcome(tmp_path, ended(None), "ending: abnormal_hang_up")
    assert (said.state, said.reason.key) == (State.UNAVAILABLE, "criteria.unavailable.no_length")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("客户: 喂，有人吗\n坐席: 您好", State.YES),
        ("坐席: 您好\n客户: 喂", State.NO),
        ("系统: 通话开始\n客户: 喂\n坐席: 您好", State.YES),
        ("客户(0.9, 0.5): 喂\n坐席: 您好", State.UNSURE),
        ("未知: 喂\n坐席: 您好", State.UNSURE),
    ],
)
def test_who_speaks_first_tells_an_abnormal_answer(tmp_path: Path, text: str, state: State) -> None:
    assert outcome(tmp_path, talk(text), "ending: abnormal_answer").state is state


def test_a_call_without_a_word_is_an_abnormal_answer(tmp_path: Path) -> None:
    silent = replace(talk(""), hearing=Hearing(9.0, 8000, 2, 0.0, None, ("no_speech",)))
    assert outcome(tmp_path, silent, "ending: [abnormal_hang_up, abnormal_answer]").state is State.YES


def test_a_chat_has_neither_hang_up_nor_answer(tmp_path: Path) -> None:
    chat = talk("[0] 客户: 在吗\n[5] 坐席: 您好", channel="chat")
    assert outcome(tmp_path, chat, "ending: [abnormal_hang_up, abnormal_answer]").state is State.UNAVAILABLE
