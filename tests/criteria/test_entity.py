"""Things named in a turn, held against limits."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.criteria.base import Outcome, State
from pipeline.scorecard.problems import BadScorecardError
from tests.cards import outcome
from tests.dialogues import talk

TEXT = (
    "客户: 我上周花了两千块买的洗衣机坏了\n"
    "坐席: 我给您申请五百元补偿，48小时内到账\n"
    "坐席: 师傅后天下午三点上门，电话是400-820-8820"
)


def said(tmp_path: Path, operator: str, text: str = TEXT, *, dated: bool = True, top: str = "") -> Outcome:
    conversation = talk(text)
    if dated:
        start = datetime.fromisoformat("2025-10-12T09:31:05+08:00")
        conversation = replace(conversation, interaction=replace(conversation.interaction, started_at=start))
    return outcome(tmp_path, conversation, f"entity: {operator}", top=top)


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("amount", State.YES),
        ("plate", State.NO),
        ("{kind: amount, is: 500}", State.YES),
        ("{kind: amount, not: 500}", State.NO),
        ("{kind: amount, above: 500}", State.NO),
        ("{kind: amount, above: 500, by: customer}", State.YES),
        ("{kind: amount, between: 100..500}", State.YES),
        ("{kind: amount, below: 100}", State.NO),
        ("{kind: amount, times: 2}", State.NO),
        ("{kind: amount, times: 2, by: anyone}", State.YES),
        ("{kind: duration, above: 24 h}", State.YES),
        ("{kind: duration, below: 2天}", State.NO),
        ("{kind: duration, is: 2 days}", State.YES),
        ("{kind: date, below: +3 days}", State.YES),
        ("{kind: date, above: +3 days}", State.NO),
        ("{kind: date, is: 2025-10-14}", State.YES),
        ("{kind: time, between: '9:00..18:00'}", State.YES),
        ("{kind: phone, contains: 400}", State.YES),
        ("{kind: phone, is: 400 820 8820}", State.YES),
        ("{kind: phone, window: {turns: 1}}", State.NO),
    ],
)
def test_what_is_said_against_what_is_asked(tmp_path: Path, operator: str, state: State) -> None:
    assert said(tmp_path, operator).state is state


def test_the_place_is_cited(tmp_path: Path) -> None:
    assert [hit.evidence[0].quote for hit in said(tmp_path, "amount").hits] == ["五百元"]


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("{list: products}", State.YES),
        ("{list: products, is: 洗衣机}", State.YES),
        ("{list: products, is: 冰箱}", State.NO),
        ("{list: products, not: 洗衣机}", State.NO),
    ],
)
def test_things_of_a_list_of_the_card(tmp_path: Path, operator: str, state: State) -> None:
    top = "lists: {products: [洗衣机, 冰箱]}"
    assert said(tmp_path, operator.replace("}", ", by: customer}"), top=top).state is state


@pytest.mark.parametrize(
    ("operator", "state"),
    [("date", State.YES), ("{kind: date, above: 2025-10-13}", State.UNAVAILABLE)],
)
def test_a_day_that_cannot_be_told_is_said_but_not_compared(tmp_path: Path, operator: str, state: State) -> None:
    assert said(tmp_path, operator, dated=False).state is state


def test_what_was_heard_badly_leaves_it_open(tmp_path: Path) -> None:
    assert said(tmp_path, "amount", "坐席(0.3): 我给您申请补偿").state is State.UNSURE


@pytest.mark.parametrize(
    ("operator", "told"),
    [
        ("{above: 3}", "要么写 kind，要么写 list"),
        ("{list: products}", "lists 里没有“products”"),
        ("{kind: phone, above: 3}", "不能用来给 phone 比大小"),
        ("{kind: duration, above: 3 moons}", "不能用来给 duration 比大小"),
        ("{kind: date, above: soon}", "不能用来给 date 比大小"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, operator: str, told: str) -> None:
    with pytest.raises(BadScorecardError, match=told):
        said(tmp_path, operator)
