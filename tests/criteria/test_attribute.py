"""Facts of the interaction: comparisons, dates, and formulas over facts and measures."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Agent, Customer, Measures, Verdict
from pipeline.criteria.arithmetic import FormulaError, parse
from pipeline.criteria.base import State
from pipeline.scorecard.problems import BadScorecardError
from tests.cards import finding, outcome
from tests.dialogues import talk

TEXT = "坐席: 您好\n客户: 洗衣机不转了"


def said(tmp_path: Path, operator: str, **given: Any) -> State:
    return outcome(tmp_path, talk(TEXT, **given), f"attribute: {operator}").state


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("{name: wait, between: 20..40}", State.YES),
        ("{name: wait, between: 30..}", State.YES),
        ("{name: wait, between: ..29.5}", State.NO),
        ("{name: wait, above: 30}", State.NO),
        ("{name: wait, is: [30, 60]}", State.YES),
        ("{name: wait, is: 30.0}", State.YES),
        ("{name: wait, not: [30, 60]}", State.NO),
        ("{name: note, contains: 上门}", State.YES),
        ("{name: note, contains: [退货, 换货]}", State.NO),
        ("{name: note, above: 3}", State.NO),
        ("{name: promised, above: 2025-10-01}", State.YES),
        ("{name: promised, between: 2025-10-13..2025-10-31}", State.NO),
        ("{name: vip, is: true}", State.YES),
        ("{name: nothing, exists: false}", State.YES),
        ("{name: nothing, above: 3}", State.UNAVAILABLE),
    ],
)
def test_what_a_fact_must_be(tmp_path: Path, operator: str, state: State) -> None:
    attributes = {"wait": 30, "note": "预约上门维修", "promised": "2025-10-12", "vip": True}
    assert said(tmp_path, operator, attributes=attributes) is state


@pytest.mark.parametrize(
    "operator",
    [
        "{name: team, is: 售后一组}",
        "{name: hired_on, below: 2025-06-01}",
        "{name: customer, is: u-88}",
        "{name: segment, is: vip}",
        "{name: hour, between: 9..18}",
        "{name: weekday, is: 7}",
        "{name: started_at, above: 2025-10-12}",
    ],
)
def test_facts_that_every_interaction_may_have(tmp_path: Path, operator: str) -> None:
    plain = talk(TEXT)
    interaction = replace(
        plain.interaction,
        agent=Agent("1024", team="售后一组", hired_on="2025-03-01"),
        customer=Customer("u-88", "vip"),
        started_at=datetime.fromisoformat("2025-10-12T09:31:05+08:00"),
    )
    conversation = replace(plain, interaction=interaction)
    assert outcome(tmp_path, conversation, f"attribute: {operator}").state is State.YES


@pytest.mark.parametrize(
    ("formula", "state"),
    [
        ("talk_s / duration > 0.5", State.YES),
        ("talk_s / duration > 0.7", State.NO),
        ("0.2 < talk_s / duration < 0.7", State.YES),
        ("duration - talk_s - 2 * 10 <= 60", State.YES),
        ("max(talk_s, duration) == 200", State.YES),
        ("abs(talk_s - duration) != 80", State.NO),
        ("'facts[\"ivr-choice\"] >= 2'", State.YES),
        ("talk_s / nothing > 1", State.UNAVAILABLE),
        ("talk_s / longest_silence > 1", State.UNAVAILABLE),
        ("talk_s / zero > 1", State.UNAVAILABLE),
        ("queue_name > 1", State.UNAVAILABLE),
    ],
)
def test_formula_over_facts_and_measures(tmp_path: Path, formula: str, state: State) -> None:
    attributes = {"talk_s": "120", "ivr-choice": 2, "zero": 0, "queue_name": "售后"}
    assert said(tmp_path, formula, attributes=attributes, measures=Measures(duration=200.0)) is state


def test_formula_tells_its_numbers(tmp_path: Path) -> None:
    conversation = talk(TEXT, attributes={"talk_s": 120}, measures=Measures(duration=200.0))
    told = finding(tmp_path, conversation, "points: 5", "attribute: talk_s / duration > 0.5")
    assert told.verdict is Verdict.MET
    assert told.why.args["values"] == "talk_s = 120; duration = 200"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("talk_s +", "formula_unreadable"),
        ("talk_s", "formula_no_comparison"),
        ("a > 1 and b > 2", "formula_no_comparison"),
        ("__import__('os').system('true') > 0", "formula_part"),
        ("a.b > 1", "formula_part"),
        ("a ** 9 > 1", "formula_part"),
        ("'售后' == queue", "formula_part"),
        ("a in b", "formula_part"),
        ("abs(a, b) > 1", "formula_part"),
        ("1e99 * 1e99 > a", "formula_part"),
        ("(" * 150 + "a" + ")" * 150 + " > 1", "formula_long"),
        ("a > " + "-" * 150 + "1", None),
    ],
)
def test_formula_is_arithmetic_and_nothing_else(text: str, key: str | None) -> None:
    if key is None:
        assert parse(text).names == ("a",)
        return
    with pytest.raises(FormulaError) as refused:
        parse(text)
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("operator", "told"),
    [
        ("{name: queue}", "attribute 里除了 name 还要写"),
        ("{is: 售后}", "attribute 要么写 name，要么写一个算式"),
        ("{holds: a > 1, above: 3}", "算式里已经有比较了"),
        ("{name: wait, above: 很久}", "“很久”既不是数字也不是日期"),
        ("{name: wait, between: 5}", "应为范围"),
        ("queue", "没有比较"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, operator: str, told: str) -> None:
    with pytest.raises(BadScorecardError, match=told):
        said(tmp_path, operator)
