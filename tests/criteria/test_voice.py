"""Operators that look at times and turns: silence, interruption, pace, hold, speaks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.conversation import Hearing, Reading, Verdict, Word
from pipeline.criteria.base import State
from tests.cards import finding, outcome
from tests.dialogues import talk


def test_long_silence_is_found_with_its_seconds(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("[0-2] 客户: 好\n[14-16] 坐席: 查到了"), "deduct: 3", "silence: {longer_than: 10}")
    assert found.verdict is Verdict.UNMET
    assert (found.evidence[0].start, found.evidence[0].end) == (2.0, 14.0)


def test_short_silence_is_no_fault(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("[0-2] 客户: 好\n[4-6] 坐席: 查到了"), "deduct: 3", "silence: {longer_than: 10}")
    assert found.verdict is Verdict.MET


def test_the_customers_silence_is_not_the_agents(tmp_path: Path) -> None:
    operator = "silence: {longer_than: 10, by: %s}"
    conversation = talk("[0-2] 坐席: 单号多少\n[20-22] 客户: 找到了")
    assert finding(tmp_path, conversation, "deduct: 3", operator % "agent").verdict is Verdict.MET
    assert finding(tmp_path, conversation, "deduct: 3", operator % "customer").verdict is Verdict.UNMET


def test_silence_in_a_chat_needs_no_ends(tmp_path: Path) -> None:
    conversation = talk("[0] 客户: 在吗\n[90] 坐席: 在的", channel="chat")
    assert finding(tmp_path, conversation, "deduct: 3", "silence: {longer_than: 60}").verdict is Verdict.UNMET


GAPS = "[0-2] 坐席: 您的单号\n[8-9] 坐席: 喂\n[20-22] 客户: 找到了\n[22.2-24] 坐席: 请讲"


@pytest.mark.parametrize(
    ("operator", "turns"),
    [
        ("longer_than: 5", [1, 2]),
        ("longer_than: 5, after_by: same", [1]),
        ("longer_than: 5, after_by: other", [2]),
        ("longer_than: 5, after_by: agent, by: customer", [2]),
        ("shorter_than: 0.5", [3]),
        ("longer_than: 5, shorter_than: 8", [1]),
    ],
)
def test_silences_between_these_roles(tmp_path: Path, operator: str, turns: Sequence[int]) -> None:
    hits = outcome(tmp_path, talk(GAPS), f"silence: {{{operator}}}").hits
    assert [hit.turn for hit in hits] == turns


def test_silence_before_the_first_word(tmp_path: Path) -> None:
    operator = "silence: {longer_than: 8, at: start}"
    assert outcome(tmp_path, talk("[12-14] 坐席: 您好\n[15-16] 客户: 喂"), operator).state is State.YES
    assert outcome(tmp_path, talk("[1-3] 坐席: 您好\n[15-16] 客户: 喂"), operator).state is State.NO


ANNOUNCED = "[0-2] 坐席: 请您稍等，我查一下\n[2-3] 客户: 好\n[20-22] 坐席: 查到了"
SEARCHING = "[0-2] 坐席: 单号报一下\n[2-3] 客户: 等一下我找找\n[20-22] 客户: 找到了"
MUSIC = "[0-2] 坐席(-24 dB): 单号报一下\n[20-22] 坐席(-25 dB, ♪ -32 dB): 久等了"
QUIET = "[0-2] 坐席(-24 dB): 单号报一下\n[20-22] 坐席(-25 dB, ♪ -62 dB): 查到了"


@pytest.mark.parametrize(("text", "held"), [(ANNOUNCED, True), (SEARCHING, True), (MUSIC, True), (QUIET, False)])
def test_holds_are_told_from_other_silences(tmp_path: Path, text: str, held: bool) -> None:
    operator = "silence: {longer_than: 10, holds: %s, asked: ['请[您]稍等', 等一下]}"
    assert outcome(tmp_path, talk(text), operator % "leave_out").state is (State.NO if held else State.YES)
    assert outcome(tmp_path, talk(text), operator % "only").state is (State.YES if held else State.NO)
    assert outcome(tmp_path, talk(text), operator % "count").state is State.YES


def test_a_hold_that_the_reader_reads_is_a_hold(tmp_path: Path) -> None:
    conversation = talk("[0-2] 坐席: 您先别走开哈\n[20-22] 坐席: 查到了", readings={0: Reading(acts={"hold": 0.8})})
    operator = "silence: {longer_than: 10, holds: leave_out, read: %s}"
    assert outcome(tmp_path, conversation, operator % "0.6").state is State.NO
    assert outcome(tmp_path, conversation, operator % "0.9").state is State.YES


def test_holds_left_out_are_told(tmp_path: Path) -> None:
    found = finding(
        tmp_path, talk(ANNOUNCED), "deduct: 3", "silence: {longer_than: 10, holds: leave_out, asked: ['请[您]稍等']}"
    )
    assert (found.verdict, found.why.args["holds"]) == (Verdict.MET, 1)


@pytest.mark.parametrize("operator", ["silence: {longer_than: 10}", "pace: {above: 280}", "interruption: {}"])
def test_without_times_rules_about_time_do_not_apply(tmp_path: Path, operator: str) -> None:
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
def test_interruption(tmp_path: Path, answer: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk(f"{COMPLAINT}\n{answer}"), "deduct: 3", "interruption: {}").verdict is verdict


def test_interruption_cites_both_sides(tmp_path: Path) -> None:
    found = finding(tmp_path, talk(f"{COMPLAINT}\n[3-5] 坐席: 您先听我说完"), "deduct: 3", "interruption: {}")
    assert [e.turn for e in found.evidence] == [0, 1]


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("{overlap: 2}", State.YES),
        ("{overlap: 2.5}", State.NO),
        ("{min_chars: 8}", State.NO),
        ("{delay: 2}", State.YES),
        ("{delay: 4}", State.NO),
        ("{by: customer}", State.NO),
    ],
)
def test_how_far_how_much_and_how_late_an_interruption_is(tmp_path: Path, operator: str, state: State) -> None:
    conversation = talk(f"{COMPLAINT}\n[3-5.2] 坐席: 您先听我说完")
    assert outcome(tmp_path, conversation, f"interruption: {operator}").state is state


def test_a_short_word_counts_where_the_card_says_so(tmp_path: Path) -> None:
    conversation = talk(f"{COMPLAINT}\n[3-4] 坐席: 停")
    assert outcome(tmp_path, conversation, "interruption: {min_chars: 1}").state is State.YES


def test_interruption_does_not_apply_to_one_channel(tmp_path: Path) -> None:
    conversation = replace(talk(f"{COMPLAINT}\n[3-5] 坐席: 您先听我说完"), hearing=Hearing(7.0, 8000, 1, 6.0, 0.9))
    said = outcome(tmp_path, conversation, "interruption: {}")
    assert (said.state, said.reason.key) == (State.UNAVAILABLE, "criteria.unavailable.one_channel")


def test_interruption_does_not_apply_to_a_chat(tmp_path: Path) -> None:
    conversation = talk(f"{COMPLAINT}\n[3-5] 坐席: 您先听我说完", channel="chat")
    assert finding(tmp_path, conversation, "deduct: 3", "interruption: {}").verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("end", "verdict"), [(2, Verdict.UNMET), (6, Verdict.MET)])
def test_pace(tmp_path: Path, end: int, verdict: Verdict) -> None:
    conversation = talk(f"[0-{end}] 坐席: 您好这边是客户服务中心工号一零二四")
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280}").verdict is verdict


def test_pace_of_a_single_turn(tmp_path: Path) -> None:
    conversation = talk("[0-2] 坐席: 您好这边是客户服务中心工号一零二四\n[3-23] 坐席: 单号查到了请您稍等")
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280}").verdict is Verdict.MET
    assert finding(tmp_path, conversation, "deduct: 3", "pace: {above: 280, over: any}").verdict is Verdict.UNMET


def test_pace_of_turns_as_short_as_the_card_says(tmp_path: Path) -> None:
    conversation = talk("[0-1] 坐席: 请您稍等")
    assert outcome(tmp_path, conversation, "pace: {above: 200, min_chars: 4}").state is State.YES
    assert outcome(tmp_path, conversation, "pace: {above: 200}").state is State.UNAVAILABLE


def test_pace_leaves_out_the_pauses_within_a_turn(tmp_path: Path) -> None:
    conversation = talk("[0-6] 坐席: 请您稍等我查询一下")
    words = tuple(Word(ch, start, start + 0.2, 0.9) for ch, start in zip("请您稍等", (0.0, 0.2, 0.4, 0.6), strict=True))
    words += tuple(Word(ch, 4.8 + i * 0.24, 5.04 + i * 0.24, 0.9) for i, ch in enumerate("我查询一下"))
    slow = outcome(tmp_path, conversation, "pace: {below: 150}")
    with_words = replace(conversation, turns=(replace(conversation.turns[0], words=words),))
    assert (slow.state, outcome(tmp_path, with_words, "pace: {below: 150}").state) == (State.YES, State.NO)


def test_pace_does_not_apply_to_a_chat_and_is_unsure_of_unknown_speakers(tmp_path: Path) -> None:
    text = "[0-2] %s: 您好这边是客户服务中心工号一零二四"
    assert outcome(tmp_path, talk(text % "坐席", channel="chat"), "pace: {above: 280}").state is State.UNAVAILABLE
    assert outcome(tmp_path, talk(text % "未知"), "pace: {above: 280}").state is State.UNSURE


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("{by: customer, at_most: 2}", State.YES),
        ("{by: customer, at_most: 1}", State.NO),
        ("{by: customer, times: 2, at_most: 3}", State.YES),
        ("{by: bot, at_most: 1}", State.YES),
        ("{by: customer, times: 3}", State.NO),
    ],
)
def test_number_of_turns(tmp_path: Path, operator: str, state: State) -> None:
    conversation = talk("坐席: 您好\n客户: 喂\n坐席: 请讲\n客户: 没事了")
    assert outcome(tmp_path, conversation, f"speaks: {operator}").state is state


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
def test_hold(tmp_path: Path, text: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk(text), f"points: 5\n{PARTLY}", HOLD).verdict is verdict


def test_hold_takes_lists_of_phrases(tmp_path: Path) -> None:
    operator = 'hold: {asked: ["<wait>"], thanked: ["<waited>了"]}'
    top = "lists: {wait: ['请[您]稍等', 别挂], waited: [久等, 等久]}"
    conversation = talk("坐席: 先别挂\n坐席: 让您久等了")
    found = finding(tmp_path, conversation, "points: 5", operator, top=top)
    assert (found.verdict, [e.quote for e in found.evidence]) == (Verdict.MET, ["别挂", "久等了"])


def test_every_hold_counts(tmp_path: Path) -> None:
    text = "坐席: 请稍等\n坐席: 久等了\n客户: 再查一个\n坐席: 请稍等\n坐席: 查到了\n坐席: 还有吗"
    assert finding(tmp_path, talk(text), "points: 5", HOLD).verdict is Verdict.UNMET
