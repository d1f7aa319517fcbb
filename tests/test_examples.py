"""The language of the little dialogues under `examples`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.conversation import Channel, Classes, Conversation, Measures, Reading
from pipeline.criteria.attribute import fact
from pipeline.scorecard import dialogue


@pytest.mark.parametrize("word", ["chat", "email"])
def test_channel_of_an_example(word: str) -> None:
    assert dialogue(f"@channel {word}\n坐席: 您好").interaction.channel is Channel(word)


def test_what_an_example_came_with() -> None:
    conversation = dialogue(
        "@queue 售后\n@segment vip\n@agent 1024\n@team 一组\n@csat 2\n@started_at 2026-03-12T09:00:00+08:00\n"
        "@attribute order_status=shipped amount=35.5 city=上海 浦东\n@ended_by customer\n坐席: 您好"
    )
    facts = {name: fact(conversation, name) for name in ("queue", "segment", "agent", "team", "csat")}
    assert facts == {"queue": "售后", "segment": "vip", "agent": "1024", "team": "一组", "csat": 2.0}
    assert dict(conversation.interaction.attributes) == {
        "order_status": "shipped",
        "amount": 35.5,
        "city": "上海 浦东",
        "ended_by": "customer",
    }
    started = conversation.interaction.started_at
    assert started is not None
    assert started.isoformat() == "2026-03-12T09:00:00+08:00"


def test_measures_are_taken_from_the_times_and_can_be_given() -> None:
    conversation = dialogue("@duration 60\n@measure politeness=0.4\n[0-2] 坐席: 您好\n[9-11] 客户: 我的手表坏了")
    measures = conversation.measures
    assert (measures.duration, measures.politeness, measures.longest_silence) == (60, 0.4, 7)


def test_classes_can_be_given() -> None:
    classes = dialogue("@class complaint_type=product complaint_level=1 resolved=false\n坐席: 您好").classes
    assert classes == Classes("product", 1, None, resolved=False)


def test_readings_can_be_given_by_the_number_of_the_turn() -> None:
    conversation = dialogue("@reading 2 sentiment=-0.6 complaint=0.9\n坐席: 您好\n客户: 太差了")
    first, second = conversation.readings
    assert first == Reading()
    assert (second.sentiment, second.confidence, dict(second.acts)) == (-0.6, 0.9, {"complaint": 0.9})


def test_what_is_given_stands_above_the_reader() -> None:
    def reader(conversation: Conversation) -> Conversation:
        readings = tuple(Reading(acts={"greeting": 0.3}, confidence=0.5) for _ in conversation.turns)
        return replace(conversation, readings=readings, measures=Measures(politeness=0.1, empathy=0.2))

    conversation = dialogue("@measure politeness=0.8\n@reading 1 greeting=0.9\n坐席: 您好\n坐席: 在", reader=reader)
    assert [dict(reading.acts) for reading in conversation.readings] == [{"greeting": 0.9}, {"greeting": 0.3}]
    assert (conversation.measures.politeness, conversation.measures.empathy) == (0.8, 0.2)


@pytest.mark.parametrize("text", ["坐席(0.9, 0.4): 您好", "坐席(0.9,0.4):您好"])
def test_word_confidence_and_how_sure_the_role_is(text: str) -> None:
    (turn,) = dialogue(text).turns
    assert (turn.confidence, turn.role_confidence, turn.text) == (0.9, 0.4, "您好")


@pytest.mark.parametrize(
    ("notes", "heard"),
    [
        ("(-26 dB)", (None, 1.0, -26.0, None)),
        ("(0.9, -26.5dB)", (0.9, 1.0, -26.5, None)),
        ("（0.9，0.4，-26 dB，♪ -30 dB）", (0.9, 0.4, -26.0, -30.0)),
        ("(♪-30 dB)", (None, 1.0, None, -30.0)),
    ],
)
def test_how_loud_a_turn_is_and_what_sounds_before_it(
    notes: str, heard: Sequence[float | None] | Sequence[float]
) -> None:
    (turn,) = dialogue(f"坐席{notes}: 您好").turns
    assert (turn.confidence, turn.role_confidence, turn.loudness, turn.sound_before) == heard


@pytest.mark.parametrize(
    "line",
    [
        "@chanel chat",
        "@channel fax",
        "@measure lenght=3",
        "@measure duration=long",
        "@class level=1",
        "@attribute order_status",
        "@reading 2 sentiment=-0.5",
        "@reading one sentiment=-0.5",
        "@csat many",
        "@queue",
        "老板: 您好",
        "您好",
    ],
)
def test_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=line.split(" sent")[0]):
        dialogue(f"{line}\n坐席: 您好")
