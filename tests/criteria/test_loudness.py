"""Loudness of turns: level, raised voice, change, span."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.conversation import Conversation, Verdict
from pipeline.criteria.base import State
from pipeline.criteria.loudness import level
from tests.cards import finding, outcome
from tests.dialogues import talk


def call(*levels: int) -> Conversation:
    """A call in which agent and customer take turns at these levels."""
    lines = (f"{('坐席', '客户')[i % 2]}({loudness} dB): 这是第{i}句话" for i, loudness in enumerate(levels))
    return talk("\n".join(lines), times=2)


@pytest.mark.parametrize(("decibels", "expected"), [(0, 10), (-3, 9.7), (-26, 7.4), (-96, 1)])
def test_a_level_is_ten_decibels(decibels: float, expected: float) -> None:
    assert level(decibels) == pytest.approx(expected)


def test_a_loud_turn_is_found(tmp_path: Path) -> None:
    found = finding(tmp_path, call(-26, -25, -8, -25), "deduct: 3", "loudness: {above: 8.5}")
    assert (found.verdict, [place.turn for place in found.evidence]) == (Verdict.UNMET, [2])
    assert found.why.args["value"] == 9.2


def test_the_average_hides_a_single_loud_turn(tmp_path: Path) -> None:
    operator = "loudness: {above: 8.5, over: average}"
    assert finding(tmp_path, call(-26, -25, -8, -25), "deduct: 3", operator).verdict is Verdict.MET


def test_a_raised_voice_is_told_from_a_loud_microphone(tmp_path: Path) -> None:
    operator = "loudness: {of: raised, above: 8}"
    assert finding(tmp_path, call(-10, -25, -10, -25, -9), "deduct: 3", operator).verdict is Verdict.MET
    assert finding(tmp_path, call(-30, -25, -30, -25, -19), "deduct: 3", operator).verdict is Verdict.UNMET


def test_change_is_taken_against_the_same_speakers_turn_before(tmp_path: Path) -> None:
    conversation = call(-30, -10, -29, -11, -18)
    louder = outcome(tmp_path, conversation, "loudness: {of: change, above: 9}")
    assert [place.turn for place in louder.hits[0].evidence] == [4, 2]
    assert outcome(tmp_path, conversation, "loudness: {of: change, below: -5}").state is State.NO


def test_span_lies_between_the_loudest_and_the_softest_turn(tmp_path: Path) -> None:
    said = outcome(tmp_path, call(-30, -10, -29, -11, -18), "loudness: {of: span, above: 10}")
    assert [place.turn for place in said.hits[0].evidence] == [4, 0]
    assert said.reason.args["value"] == 12


def test_short_turns_are_not_judged(tmp_path: Path) -> None:
    conversation = talk("[0-1] 坐席(-2 dB): 嗯\n[1-3] 坐席(-26 dB): 您请讲您的问题")
    assert finding(tmp_path, conversation, "deduct: 3", "loudness: {above: 8.5}").verdict is Verdict.MET


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        (talk("[0] 坐席: 您好\n[9] 客户: 在吗", channel="chat"), "criteria.unavailable.not_spoken"),
        (talk("[0-2] 坐席: 您好，请讲\n[2-4] 客户: 你好"), "criteria.unavailable.no_loudness"),
        (call(-26, -20), "criteria.unavailable.few_to_compare"),
    ],
)
def test_what_was_not_measured_is_not_judged(tmp_path: Path, conversation: Conversation, reason: str) -> None:
    said = outcome(tmp_path, conversation, "loudness: {of: raised, above: 8}")
    assert (said.state, said.reason.key) == (State.UNAVAILABLE, reason)
