"""Measures of a conversation, on small dialogues with known times."""

from __future__ import annotations

import pytest

from pipeline.conversation import Channel, Hearing, Interaction, Speaker, Turn, Word
from pipeline.dialogue import answers, build, interruptions, silences

CALL = Interaction(id="c1", channel=Channel.CALL, digest="sha256:0", source="c1.json")
CHAT = Interaction(id="t1", channel=Channel.CHAT, digest="sha256:1", source="t1.json")


def agent(text: str, start: float | None = None, end: float | None = None, words: tuple[Word, ...] = ()) -> Turn:
    return Turn(0, Speaker.AGENT, text, start=start, end=end, words=words)


def customer(text: str, start: float | None = None, end: float | None = None, words: tuple[Word, ...] = ()) -> Turn:
    return Turn(0, Speaker.CUSTOMER, text, start=start, end=end, words=words)


def test_turns_are_sorted_by_time_and_numbered_anew() -> None:
    conversation = build(CALL, [customer("我的手表坏了", 4.0, 6.0), agent("您好,请问有什么可以帮您", 1.0, 3.5)])
    assert [turn.text for turn in conversation.turns] == ["您好,请问有什么可以帮您", "我的手表坏了"]
    assert [turn.index for turn in conversation.turns] == [0, 1]


def test_turns_without_times_keep_their_order_and_have_no_measures_of_time() -> None:
    conversation = build(CALL, [agent("您好"), customer("退货"), agent("好的")])
    assert [turn.text for turn in conversation.turns] == ["您好", "退货", "好的"]
    measures = conversation.measures
    assert measures.silence_ratio is None
    assert measures.longest_silence is None
    assert measures.overlap_seconds is None
    assert measures.interruptions_by_agent is None
    assert measures.agent_chars_per_minute is None
    assert measures.first_response is None
    assert measures.duration is None


def test_one_missing_time_makes_measures_of_time_unknown_not_zero() -> None:
    measures = build(CALL, [agent("您好,很高兴为您服务", 0.0, 3.0), customer("退货", 4.0, None)]).measures
    assert measures.silence_ratio is None
    assert measures.interruptions_by_agent is None


def test_silence_is_measured_between_turns_and_over_the_whole_duration() -> None:
    measures = build(CALL, [agent("您好", 1.0, 3.0), customer("在吗", 8.0, 10.0)]).measures
    assert measures.longest_silence == pytest.approx(5.0)
    assert measures.duration == 10.0
    assert measures.silence_ratio == pytest.approx(0.6)


def test_a_long_turn_hides_the_gap_between_two_short_ones() -> None:
    turns = [
        customer("我一直在说我的问题", 0.0, 9.0),
        agent("嗯", 1.0, 1.3),
        agent("嗯嗯", 7.0, 7.4),
        agent("好的", 10.0, 11.0),
    ]
    found = silences(build(CALL, turns).turns)
    assert [(silence.after, silence.start, silence.end) for silence in found] == [(0, 9.0, 10.0)]


def test_a_heard_recording_gives_the_duration() -> None:
    hearing = Hearing(duration=20.0, sample_rate=8000, channels=2, speech_seconds=4.0, confidence=0.9)
    measures = build(CALL, [agent("您好", 0.0, 2.0), customer("在吗", 2.0, 4.0)], hearing=hearing).measures
    assert measures.duration == 20.0
    assert measures.silence_ratio == pytest.approx(0.8)


def test_overlap_counts_each_second_once() -> None:
    turns = [customer("我说的是上个月的账单", 0.0, 5.0), agent("您先听我说", 3.0, 6.0), agent("听我说完", 4.0, 7.0)]
    assert build(CALL, turns).measures.overlap_seconds == pytest.approx(2.0)


def test_cutting_in_on_an_unfinished_sentence_is_an_interruption() -> None:
    turns = [customer("我上周就打过电话你们说", 0.0, 4.0), agent("这个不归我们管", 2.0, 4.5)]
    conversation = build(CALL, turns)
    assert conversation.measures.interruptions_by_agent == 1
    (found,) = interruptions(conversation.turns)
    assert (found.turn, found.interrupted, found.start, found.end) == (1, 0, 2.0, 4.0)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        pytest.param("嗯好的", 2.0, id="back-channel"),
        pytest.param("好的我明白您的意思", 3.6, id="less than half a second before the end"),
        pytest.param("请问您贵姓先生", 0.1, id="both began together"),
    ],
)
def test_not_every_overlap_is_an_interruption(text: str, start: float) -> None:
    turns = [customer("我上周就打过电话你们说", 0.0, 4.0), agent(text, start, start + 2)]
    assert build(CALL, turns).measures.interruptions_by_agent == 0


def test_an_agent_who_begins_after_the_last_word_did_not_interrupt() -> None:
    words = tuple(Word(character, i * 0.3, i * 0.3 + 0.3, 0.9) for i, character in enumerate("我要退货"))
    turns = [customer("我要退货", 0.0, 3.0, words=words), agent("好的我帮您办理", 1.5, 4.0)]
    assert build(CALL, turns).measures.interruptions_by_agent == 0


def test_the_customer_cutting_in_is_not_held_against_the_agent() -> None:
    turns = [agent("我们的规定是这样写的", 0.0, 4.0), customer("我不管你们的规定", 2.0, 5.0)]
    conversation = build(CALL, turns)
    assert conversation.measures.interruptions_by_agent == 0
    assert len(interruptions(conversation.turns, by=Speaker.CUSTOMER)) == 1


def test_speaking_rate_leaves_out_punctuation_short_turns_and_pauses() -> None:
    words = (Word("请您提供", 0.0, 1.0, 0.9), Word("订单号码", 3.0, 4.0, 0.9))
    turns = [agent("请您提供,订单号码。", 0.0, 4.0, words=words), agent("嗯", 5.0, 9.0)]
    assert build(CALL, turns).measures.agent_chars_per_minute == pytest.approx(8 / 2 * 60)


def test_speaking_rate_is_unknown_when_the_agent_hardly_spoke() -> None:
    assert (
        build(CALL, [agent("嗯", 0.0, 1.0), customer("我要退货退款", 1.0, 3.0)]).measures.agent_chars_per_minute is None
    )


def test_talk_ratio_is_by_seconds_in_a_call_and_by_characters_in_a_chat() -> None:
    assert build(
        CALL, [agent("您好", 0.0, 3.0), customer("在吗", 3.0, 4.0)]
    ).measures.agent_talk_ratio == pytest.approx(0.75)
    assert build(
        CHAT, [customer("在吗", 0.0), agent("您好亲爱的顾客", 5.0)]
    ).measures.agent_talk_ratio == pytest.approx(7 / 9)


def test_first_response_of_a_call_is_the_agents_first_second() -> None:
    assert build(CALL, [customer("喂", 0.5, 1.0), agent("您好", 2.1, 3.0)]).measures.first_response == 2.1


def test_first_response_of_a_chat_runs_from_the_customers_first_message() -> None:
    bot = Turn(0, Speaker.BOT, "正在为您转接人工", start=11.0)
    measures = build(CHAT, [customer("在吗", 10.0), bot, customer("?", 20.0), agent("您好", 52.0)]).measures
    assert measures.first_response == 42.0


def test_a_wait_runs_from_the_first_message_left_unanswered() -> None:
    turns = [
        customer("在吗", 0.0),
        agent("在的", 5.0),
        customer("退货", 20.0),
        customer("?", 50.0),
        agent("好的", 65.0),
    ]
    assert [answer.seconds for answer in answers(build(CHAT, turns).turns)] == [5.0, 45.0]


def test_a_wait_without_answer_lasted_at_least_until_the_last_message() -> None:
    (left,) = answers(build(CHAT, [customer("在吗", 0.0), customer("有人吗", 70.0)]).turns)
    assert (left.turn, left.seconds) == (None, 70.0)


def test_talk_over_cannot_be_told_from_one_channel() -> None:
    turns = [customer("我上周买的洗衣机一直漏水", 0.0, 6.0), agent("您先听我说完", 3.0, 5.0)]
    hearing = Hearing(duration=7.0, sample_rate=8000, channels=1, speech_seconds=6.0, confidence=0.9)
    measures = build(CALL, turns, hearing=hearing).measures
    assert (measures.overlap_seconds, measures.interruptions_by_agent) == (None, None)
    assert measures.silence_ratio is not None


def test_an_unanswered_chat_has_no_first_response() -> None:
    measures = build(CHAT, [agent("欢迎光临", 0.0), customer("在吗", 10.0)]).measures
    assert measures.first_response is None
    assert measures.overlap_seconds is None
    assert measures.duration == 10.0


def test_an_empty_conversation_measures_nothing() -> None:
    hearing = Hearing(
        duration=9.0, sample_rate=8000, channels=1, speech_seconds=0.0, confidence=None, warnings=("no_speech",)
    )
    conversation = build(CALL, [], hearing=hearing)
    assert conversation.turns == ()
    assert conversation.measures.duration == 9.0
    assert conversation.measures.silence_ratio is None
    assert conversation.measures.agent_talk_ratio is None
