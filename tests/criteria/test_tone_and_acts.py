"""Operators that rest on what was read: act, tone; and on facts: class, measure, attribute, channel."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.conversation import Classes, Cue, Measures, Reading, Verdict
from pipeline.criteria.base import State
from tests.cards import finding, outcome
from tests.dialogues import talk

TEXT = "客户: 气死我了\n坐席: 我能理解您的心情\n客户: 行吧\n坐席: 感谢您"


def test_act_is_found_with_its_cue(tmp_path: Path) -> None:
    readings = {1: Reading(acts={"empathy": 0.8}, cues=(Cue("empathy", (2, 7)),))}
    hit = outcome(tmp_path, talk(TEXT, readings=readings), "act: empathy").hits[0].evidence[0]
    assert hit.quote == "理解您的心"


@pytest.mark.parametrize(("probability", "state"), [(0.8, State.YES), (0.3, State.NO)])
def test_act_needs_a_probability(tmp_path: Path, probability: float, state: State) -> None:
    readings = {1: Reading(acts={"empathy": probability})}
    assert outcome(tmp_path, talk(TEXT, readings=readings), "act: {any: [empathy, apology]}").state is state


@pytest.mark.parametrize(("asks", "state"), [(0.3, State.YES), (0.9, State.NO)])
def test_a_turn_that_rather_does_something_else_does_not_count(tmp_path: Path, asks: float, state: State) -> None:
    conversation = talk(TEXT, readings={1: Reading(acts={"account_data": 0.6, "identity_request": asks})})
    assert outcome(tmp_path, conversation, "act: {any: account_data, except: identity_request}").state is state


def test_act_of_the_other_side_does_not_count(tmp_path: Path) -> None:
    conversation = talk(TEXT, readings={0: Reading(acts={"complaint": 0.9})})
    assert outcome(tmp_path, conversation, "act: complaint").state is State.NO
    assert outcome(tmp_path, conversation, "act: {any: complaint, by: customer}").state is State.YES


def test_confidence_of_an_act_is_its_probability(tmp_path: Path) -> None:
    readings = {1: Reading(acts={"empathy": 0.62})}
    assert outcome(tmp_path, talk(TEXT, readings=readings), "act: empathy").confidence == 0.62


@pytest.mark.parametrize("operator", ["act: empathy", "tone: {of: politeness, above: 0.5}"])
def test_unread_conversation_cannot_be_judged(tmp_path: Path, operator: str) -> None:
    assert finding(tmp_path, talk(TEXT), "points: 5", operator).verdict is Verdict.NOT_APPLICABLE


def test_other_branches_decide_where_nothing_was_read(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk(TEXT), "any_of: [{act: empathy}, {phrase: 理解您}]").state is State.YES
    assert outcome(tmp_path, talk(TEXT), "any_of: [{act: empathy}, {phrase: 体谅}]").state is State.NO


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("tone: {of: sentiment, by: customer, at: start, below: -0.4}", State.YES),
        ("tone: {of: sentiment, by: customer, at: end, below: -0.4}", State.NO),
        ("tone: {of: politeness, above: 0.7}", State.YES),
        ("tone: {of: politeness, above: 0.9}", State.NO),
    ],
)
def test_tone_rests_on_the_measures(tmp_path: Path, operator: str, state: State) -> None:
    measures = Measures(politeness=0.8, sentiment_start=-0.7, sentiment_end=0.1)
    assert outcome(tmp_path, talk(TEXT, measures=measures), operator).state is state


def test_tone_of_a_single_turn_is_cited(tmp_path: Path) -> None:
    readings = {0: Reading(sentiment=-0.9, confidence=0.8), 2: Reading(sentiment=0.0, confidence=0.8)}
    result = outcome(
        tmp_path, talk(TEXT, readings=readings), "tone: {of: sentiment, by: customer, at: any, below: -0.5}"
    )
    assert [hit.evidence[0].quote for hit in result.hits] == ["气死我了"]


def test_tone_averages_the_turns_of_a_window(tmp_path: Path) -> None:
    readings = {1: Reading(politeness=0.2), 3: Reading(politeness=0.9)}
    operator = "tone: {of: politeness, below: 0.5, window: {turns: %s}}"
    conversation = talk(TEXT, readings=readings)
    assert outcome(tmp_path, conversation, operator % "1").state is State.YES
    assert outcome(tmp_path, conversation, operator % "1..2").state is State.NO


@pytest.mark.parametrize(
    ("classes", "operator", "state"),
    [
        (Classes("service", 1, None, False), "class: {complaint_level: 1}", State.YES),
        (Classes("service", 3, None, False), "class: {complaint_level: [1, 2]}", State.NO),
        (Classes("none", None, None, True), "class: {complaint_level: 1}", State.NO),
        (Classes(None, None, None, None), "class: {complaint_level: 1}", State.UNAVAILABLE),
        (Classes("product", 2, None, True), "class: {complaint_type: [product], resolved: false}", State.NO),
        (Classes("product", 2, None, False), "class: {complaint_type: product, resolved: false}", State.YES),
    ],
)
def test_class(tmp_path: Path, classes: Classes, operator: str, state: State) -> None:
    assert outcome(tmp_path, talk(TEXT, classes=classes), operator).state is state


@pytest.mark.parametrize(("seconds", "state"), [(45.0, State.YES), (12.0, State.NO), (None, State.UNAVAILABLE)])
def test_measure(tmp_path: Path, seconds: float | None, state: State) -> None:
    conversation = talk(TEXT, measures=Measures(first_response=seconds))
    assert outcome(tmp_path, conversation, "measure: {name: first_response, above: 30}").state is state


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("attribute: {name: queue, is: [售后, 投诉]}", State.YES),
        ("attribute: {name: queue, not: 售后}", State.NO),
        ("attribute: {name: ivr_choice, is: 2}", State.YES),
        ("attribute: {name: csat, below: 3}", State.YES),
        ("attribute: {name: ticket, exists: true}", State.NO),
        ("attribute: {name: ticket, exists: false}", State.YES),
        ("attribute: {name: ticket, is: T-1}", State.UNAVAILABLE),
        ("channel: call", State.YES),
        ("channel: [chat, email]", State.NO),
    ],
)
def test_facts_of_the_interaction(tmp_path: Path, operator: str, state: State) -> None:
    conversation = talk(TEXT, queue="售后", csat=2, attributes={"ivr_choice": "2"})
    assert outcome(tmp_path, conversation, operator).state is state


@pytest.mark.parametrize(
    ("text", "state"), [("坐席: 请稍等\n客户: 不用了", State.YES), ("客户: 好的\n坐席: 再见", State.NO)]
)
def test_who_has_the_last_word(tmp_path: Path, text: str, state: State) -> None:
    assert outcome(tmp_path, talk(text), "speaks: {by: customer, window: {turns: -1, of: all}}").state is state


def test_words_that_a_reading_rests_on_are_cited(tmp_path: Path) -> None:
    readings = {1: Reading(cues=(Cue("please", (0, 1)), Cue("hold", (3, 7))))}
    conversation = talk("客户: 查一下\n坐席: 请您稍等一下", readings=readings)
    found = outcome(tmp_path, conversation, "act: {cue: hold}")
    assert [hit.evidence[0].quote for hit in found.hits] == ["等一下"]
    assert outcome(tmp_path, conversation, "act: {cue: thanks}").state is State.NO


@pytest.mark.parametrize(("agreed", "state"), [("false", State.YES), ("true", State.NO)])
def test_disputed_acts_can_be_left_out(tmp_path: Path, agreed: str, state: State) -> None:
    conversation = talk(TEXT, readings={1: Reading(acts={"empathy": 0.8}, disputed=("empathy",))})
    assert outcome(tmp_path, conversation, f"act: {{any: [empathy], agreed: {agreed}}}").state is state


COURSE = {n: Reading(sentiment=value, confidence=0.8) for n, value in {0: -0.8, 2: -0.2, 4: 0.4}.items()}
UPS_LATER = ["行吧", "那太好了"]
UPS = "客户: 气死我了\n坐席: 我马上查\n客户: 行吧\n坐席: 查到了，今天送到\n客户: 那太好了"


@pytest.mark.parametrize(
    ("operator", "state", "quotes"),
    [
        ("{of: sentiment, by: customer, at: lowest, below: -0.5}", State.YES, ["气死我了"]),
        ("{of: sentiment, by: customer, at: lowest, below: -0.9}", State.NO, []),
        ("{of: sentiment, by: customer, at: highest, above: 0.3}", State.YES, ["那太好了"]),
        ("{of: sentiment, by: customer, at: change, above: 1}", State.YES, ["气死我了", "那太好了"]),
        ("{of: sentiment, by: customer, at: change, above: 1.3}", State.NO, []),
        (
            "{of: sentiment, by: customer, at: change, above: 0.5, window: {turns: 2..}}",
            State.YES,
            ["行吧", "那太好了"],
        ),
        ("{of: sentiment, by: customer, at: change, above: 0, window: {turns: 1}}", State.UNAVAILABLE, []),
        ("{of: sentiment, by: customer, sure: 0.9, below: 1}", State.UNAVAILABLE, []),
    ],
)
def test_course_of_a_tone(tmp_path: Path, operator: str, state: State, quotes: Sequence[str]) -> None:
    found = outcome(tmp_path, talk(UPS, readings=COURSE), f"tone: {operator}")
    assert found.state is state
    assert [hit.evidence[0].quote for hit in found.hits] == quotes


def test_change_of_a_customers_sentiment_rests_on_the_measures(tmp_path: Path) -> None:
    conversation = talk(TEXT, measures=Measures(sentiment_start=-0.7, sentiment_end=0.1))
    told = finding(tmp_path, conversation, "points: 5", "tone: {of: sentiment, by: customer, at: change, above: 0.5}")
    assert (told.verdict, told.why.args["value"]) == (Verdict.MET, 0.8)


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("{need: emotional}", State.YES),
        ("{need: [functional, implicit]}", State.NO),
        ("{complaint_level: 1, resolved: true}", State.NO),
        ("{complaint_level: 1, resolved: false}", State.UNAVAILABLE),
    ],
)
def test_class_that_is_known_decides_before_one_that_is_not(tmp_path: Path, operator: str, state: State) -> None:
    classes = Classes("service", None, None, False, "emotional")
    assert outcome(tmp_path, talk(TEXT, classes=classes), f"class: {operator}").state is state
