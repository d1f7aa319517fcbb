"""Operators that look at times: silence, interruption, pace, hold."""

import pytest

from pipeline.conversation import Verdict
from tests.cards import finding
from tests.dialogues import talk


def test_long_silence_is_found_with_its_seconds(tmp_path):
    found = finding(tmp_path, talk("[0-2] 客户: 好\n[14-16] 坐席: 查到了"), "deduct: 3", "silence: {longer_than: 10}")
    assert found.verdict is Verdict.UNMET
    assert (found.evidence[0].start, found.evidence[0].end) == (2.0, 14.0)


def test_short_silence_is_no_fault(tmp_path):
    found = finding(tmp_path, talk("[0-2] 客户: 好\n[4-6] 坐席: 查到了"), "deduct: 3", "silence: {longer_than: 10}")
    assert found.verdict is Verdict.MET


def test_the_customers_silence_is_not_the_agents(tmp_path):
    operator = "silence: {longer_than: 10, by: %s}"
    conversation = talk("[0-2] 坐席: 单号多少\n[20-22] 客户: 找到了")
    assert finding(tmp_path, conversation, "deduct: 3", operator % "agent").verdict is Verdict.MET
    assert finding(tmp_path, conversation, "deduct: 3", operator % "customer").verdict is Verdict.UNMET


def test_silence_in_a_chat_needs_no_ends(tmp_path):
    conversation = talk("[0] 客户: 在吗\n[90] 坐席: 在的", channel="chat")
    assert finding(tmp_path, conversation, "deduct: 3", "silence: {longer_than: 60}").verdict is Verdict.UNMET


@pytest.mark.parametrize("operator", ["silence: {longer_than: 10}", "pace: {above: 280}", "interruption: {}"])
def test_without_times_rules_about_time_do_not_apply(tmp_path, operator):
    conversation = talk("客户: 我想问一下我的订单\n坐席: 您好请讲您的单号是多少")
    assert finding(tmp_path, conversation, "deduct: 3", operator).verdict is Verdict.NOT_APPLICABLE


COMPLAINT = "[0-6] 客户: 我上周买的洗衣机一直在漏水而且没人管"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("[3-5] 坐席: 您先听我说完", Verdict.UNMET),
        ("[3-5] 坐席: 嗯嗯", Verdict.MET),
        ("[5.8-7] 坐席: 您先听我说完", Verdict.MET),
        ("[6.2-7] 坐席: 您先听我说完", Verdict.MET),
    ],
)
def test_interruption(tmp_path, answer, verdict):
    assert finding(tmp_path, talk(f"{COMPLAINT}\n{answer}"), "deduct: 3", "interruption: {}").verdict is verdict


def test_interruption_cites_both_sides(tmp_path):
    found = finding(tmp_path, talk(f"{COMPLAINT}\n[3-5] 坐席: 您先听我说完"), "deduct: 3", "interruption: {}")
    assert [e.turn for e in found.evidence] == [0, 1]


def test_interruption_does_not_apply_to_a_chat(tmp_path):
    conversation = talk(f"{COMPLAINT}\n[3-5] 坐席: 您先听我说完", channel="chat")
    assert finding(tmp_path, conversation, "deduct: 3", "interruption: {}").verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("end", "verdict"), [(2, Verdict.UNMET), (6, Verdict.MET)])
def test_pace(tmp_path, end, verdict):
    conversation = talk(f"[0-{end}] 坐席: 您好这边是客户服务中心工号一零二四")
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280}").verdict is verdict


def test_pace_of_a_single_turn(tmp_path):
    conversation = talk("[0-2] 坐席: 您好这边是客户服务中心工号一零二四\n[3-23] 坐席: 单号查到了请您稍等")
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280}").verdict is Verdict.MET
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280, over: any}").verdict is Verdict.UNMET


HOLD = "hold: {asked: ['请[您]稍等'], thanked: [久等]}"
PARTLY = "partial: {hold: {asked: ['请[您]稍等'], thanked: [久等], need: one}}"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("坐席: 请您稍等\n坐席: 让您久等了", Verdict.MET),
        ("坐席: 请您稍等。……让您久等了\n坐席: 查到了", Verdict.MET),
        ("坐席: 请您稍等\n坐席: 查到了", Verdict.PARTIAL),
        ("坐席: 您好\n客户: 喂", Verdict.NOT_APPLICABLE),
        ("[0-2] 客户: 单号一二三\n[14-16] 坐席: 查到了", Verdict.UNMET),
        ("[0-2] 客户: 单号一二三\n[14-16] 坐席: 久等了，查到了", Verdict.PARTIAL),
        ("[0-2] 客户: 单号一二三\n[4-6] 坐席: 查到了", Verdict.NOT_APPLICABLE),
    ],
)
def test_hold(tmp_path, text, verdict):
    assert finding(tmp_path, talk(text), f"points: 5\n{PARTLY}", HOLD).verdict is verdict


def test_hold_takes_lists_of_phrases(tmp_path):
    operator = 'hold: {asked: ["<wait>"], thanked: ["<waited>了"]}'
    top = "lists: {wait: ['请[您]稍等', 别挂], waited: [久等, 等久]}"
    conversation = talk("坐席: 先别挂\n坐席: 让您久等了")
    found = finding(tmp_path, conversation, "points: 5", operator, top=top)
    assert (found.verdict, [e.quote for e in found.evidence]) == (Verdict.MET, ["别挂", "久等了"])


def test_every_hold_counts(tmp_path):
    text = "坐席: 请稍等\n坐席: 久等了\n客户: 再查一个\n坐席: 请稍等\n坐席: 查到了\n坐席: 还有吗"
    assert finding(tmp_path, talk(text), "points: 5", HOLD).verdict is Verdict.UNMET
