"""emoji: what counts as one, and its share, number and most in a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.criteria.base import State
from pipeline.criteria.emoji import emoji
from tests.cards import outcome
from tests.dialogues import talk

CHAT = "坐席: 您好😊😊\n客户: 在吗😡😡😡\n坐席: 在的，请讲[微笑]\n坐席: 请稍等\n坐席: 已经发货了"


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("emoji: {above: 0.4}", State.YES),
        ("emoji: {above: 0.5}", State.NO),
        ("emoji: {below: 0.6}", State.YES),
        ("emoji: {of: count, above: 2}", State.YES),
        ("emoji: {of: count, above: 3}", State.NO),
        ("emoji: {of: in_a_turn, above: 1}", State.YES),
        ("emoji: {of: in_a_turn, above: 2}", State.NO),
        ("emoji: {of: in_a_turn, above: 2, by: customer}", State.YES),
        ("emoji: {above: 0, window: {turns: 3..}}", State.NO),
        ("emoji: {above: 0.4, min_turns: 4}", State.YES),
        ("emoji: {above: 0.4, min_turns: 5}", State.UNAVAILABLE),
        ("emoji: {above: 0.4, by: bot}", State.UNAVAILABLE),
    ],
)
def test_emoji(tmp_path: Path, operator: str, state: State) -> None:
    assert outcome(tmp_path, talk(CHAT, channel="chat"), operator).state is state


def test_calls_have_no_emoji(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk(CHAT), "emoji: {above: 0}").state is State.UNAVAILABLE


def test_turns_with_emoji_are_cited(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk(CHAT, channel="chat"), "emoji: {above: 0.1}")
    assert [(hit.turn, hit.evidence[0].quote) for hit in found.hits] == [(0, "😊😊"), (2, "[微笑]")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("👍", 1), ("👍🏻", 1), ("👨‍👩‍👧", 1), ("🇨🇳", 1), ("❤️", 1), ("☺️😊", 2), ("1️⃣", 1),
        ("谢谢[玫瑰][玫瑰]", 2), ("好的:)", 1), ("^_^", 1), ("好的。", 0), ("[图片]", 0), ("[链接]", 0),
        ("★五星好评★", 0), ("①②③", 0), ("时间12:30", 0), ("√", 0), ("型号A[B]", 0), ("¥100", 0), ("备注:D款", 0),
    ],
)  # fmt: skip
def test_what_is_an_emoji(text: str, count: int) -> None:
    assert len(emoji(text)) == count
