"""terms: the house's table of terms, forbidden wording and explanations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.criteria.base import State
from pipeline.scorecard import BadScorecardError, load_scorecard
from pipeline.scoring import score
from tests.cards import card, outcome
from tests.dialogues import talk

TABLE = """\
terms:
  退订: {forbidden: [取消订阅, "取消[这个]套餐"]}
  订阅: {forbidden: [订购]}
  订购专区: {explain: [专门下单的页面, 下的单]}
  溢缴款: {explain: [多还的钱]}
  轻享卡: {explain: true}
"""


def quotes(folder: Path, text: str, operator: str = "terms: [forbidden, explain]") -> Sequence[str]:
    found = outcome(folder, talk(text), operator, top=TABLE)
    return [hit.evidence[0].quote for hit in found.hits] if found.state is State.YES else []


@pytest.mark.parametrize(
    ("text", "slips"),
    [
        ("坐席: 我帮您取消订阅。", ["取消订阅"]),
        ("坐席: 我帮您取消这个套餐。", ["取消这个套餐"]),
        ("坐席: 我帮您退订。", []),
        ("坐席: 您订购的商品到了。", ["订购"]),
        ("坐席: 您在订购专区下的单。", []),
        ("客户: 我要取消订阅。\n坐席: 好的，帮您退订。", []),
        ("坐席: 您有一笔溢缴款。\n客户: 什么？", ["溢缴款"]),
        ("坐席: 您有一笔溢缴款，就是之前多还的钱。", []),
        ("坐席: 您有一笔溢缴款。\n客户: 什么？\n坐席: 就是多还的钱。", []),
        ("坐席: 您有一笔溢缴款。\n客户: 嗯。\n坐席: 要取吗？\n客户: 什么？\n坐席: 多还的钱。", ["溢缴款"]),
        ("客户: 我的溢缴款怎么取？\n坐席: 溢缴款可以在应用里取。", []),
        ("坐席: 溢缴款到了。\n客户: 嗯。\n坐席: 要取溢缴款吗？", ["溢缴款"]),
        ("坐席: 给您办轻享卡。", ["轻享卡"]),
        ("坐席: 给您办轻享卡，意思就是流量便宜一些的卡。", []),
    ],
)
def test_terms(tmp_path: Path, text: str, slips: Sequence[str]) -> None:
    assert quotes(tmp_path, text) == slips


@pytest.mark.parametrize(
    ("operator", "slips"),
    [
        ("terms: forbidden", ["取消订阅"]),
        ("terms: explain", ["溢缴款"]),
        ("terms: {only: [溢缴款]}", ["溢缴款"]),
        ("terms: {check: forbidden, only: [溢缴款]}", []),
        ("terms: {times: 2}", ["取消订阅", "溢缴款"]),
        ("terms: {times: 3}", []),
        ("terms: {window: {turns: 2..}}", ["溢缴款"]),
        ("terms: {by: customer}", []),
        ("terms: {check: explain, within: 2 turns}", []),
        ("terms: {check: explain, within: 30 s}", []),
        ("terms: {check: explain, within: 5 s}", ["溢缴款"]),
        ("terms: {check: forbidden, table: {记录: {forbidden: [要取吗]}}}", ["取消订阅", "要取吗"]),
    ],
)
def test_what_is_checked(tmp_path: Path, operator: str, slips: Sequence[str]) -> None:
    text = "[0-2] 坐席: 给您取消订阅。\n[3-5] 坐席: 您有溢缴款。\n[6-7] 坐席: 要取吗？\n[20-21] 坐席: 多还的钱。"
    assert quotes(tmp_path, text, operator) == slips


def test_reason_names_the_right_term(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk("坐席: 我帮您取消订阅。"), "terms: forbidden", top=TABLE)
    assert found.reason.args["term"] == "退订"


def test_words_of_an_unknown_speaker_leave_it_unsure(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk("坐席: 喂\n未知: 帮您取消订阅"), "terms: forbidden", top=TABLE)
    assert found.state is State.UNSURE


def test_table_of_its_own_file_is_part_of_what_the_card_says(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(TABLE, encoding="utf-8")
    one = card(
        tmp_path, "  - {id: it, title: 用语, section: s, deduct: 5, terms: forbidden}", top="include: [house.yaml]"
    )
    evaluation = score(talk("坐席: 我帮您取消订阅。"), one, engine_version="test")
    assert evaluation.total == 95
    (tmp_path / "house.yaml").write_text(TABLE.replace("取消订阅", "取消订购"), encoding="utf-8")
    assert load_scorecard(tmp_path / "card.yaml").digest != one.digest


def test_shipped_table_can_be_included(tmp_path: Path) -> None:
    top = "include: [terms/house.yaml]"
    assert outcome(tmp_path, talk("坐席: 您那边网络中断了。"), "terms: forbidden", top=top).state is State.YES


@pytest.mark.parametrize(
    ("operator", "top", "message"),
    [
        ("terms: forbidden", "", "没有用语表"),
        ("terms: {only: [退款]}", TABLE, "退款"),
        ("terms: forbidden", "terms: {退订: {}}", "退订"),
        ("terms: wording", TABLE, "forbidden"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, operator: str, top: str, message: str) -> None:
    with pytest.raises(BadScorecardError) as error:
        outcome(tmp_path, talk("坐席: 喂"), operator, top=top)
    assert message in str(error.value.problems)
