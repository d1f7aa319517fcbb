"""pattern: regular expressions, and which of them are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.criteria.base import State
from pipeline.criteria.regexes import RegexError, compiled
from pipeline.scorecard import BadScorecardError
from tests.cards import outcome
from tests.dialogues import talk

CALL = "坐席: 您好，工号 1024，为您服务。\n客户: 我的单号是AB12。\n坐席: 好的，请稍等。"


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        (r"pattern: '工号\s*\d{4}'", State.YES),
        (r"pattern: ['工牌\d+', '工号\s*\d+']", State.YES),
        (r"pattern: '工号\d{4}'", State.NO),
        (r"pattern: {any: '工号\d{4}', over: plain}", State.YES),
        (r"pattern: {any: '\d{4}', except: '10\d\d'}", State.NO),
        (r"pattern: {any: '\d{4}', except: '20\d\d'}", State.YES),
        (r"pattern: {any: '單號是ab\d\d', by: customer}", State.YES),
        (r"pattern: {any: '单号'}", State.NO),
        (r"pattern: {any: '单号', by: anyone}", State.YES),
        (r"pattern: {any: '[，,]', times: 3}", State.YES),
        (r"pattern: {any: '[，,]', times: 4}", State.NO),
        (r"pattern: {any: '稍等', window: {turns: 1}}", State.NO),
        (r"pattern: {any: '稍等', window: {turns: -1}}", State.YES),
        (r"pattern: '^好的[，。]'", State.YES),
    ],
)
def test_pattern(tmp_path: Path, operator: str, state: State) -> None:
    assert outcome(tmp_path, talk(CALL), operator).state is state


def test_spoken_digits_are_digits_in_the_plain_form_and_the_quote_is_what_was_said(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk("坐席: 工号，一零，二四"), r"pattern: {any: '\d{4}', over: plain}")
    assert [hit.evidence[0].quote for hit in found.hits] == ["一零，二四"]


def test_of_overlapping_hits_the_longest_counts(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk("坐席: 退款退款"), "pattern: [退, 退款, 款退]")
    assert [hit.evidence[0].quote for hit in found.hits] == ["退款", "退款"]


def test_words_of_an_unknown_speaker_leave_it_unsure(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("坐席: 喂\n未知: 工号1024"), r"pattern: '工号\d+'").state is State.UNSURE


def test_badly_heard_turns_leave_it_unsure(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("坐席(0.2): 您好"), r"pattern: '工号\d+'").state is State.UNSURE


def test_silent_role_is_not_judged(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("客户: 喂"), r"pattern: '工号\d+'").state is State.UNAVAILABLE


@pytest.mark.parametrize(
    "source",
    [
        r"(a+)+", r"(a*)*b", r"(a|a)*b", r"(\w+\s*)+$", r"(.*,)*x", r"(.*?,)*x", r"([0-9]{2,4})+x", r"(a|ab|b)*c",
        r"(.{0,100}){0,100}y", r"(x+x+)+y", r"(?:a?a?a?)+b", r"((哈|呵)*|哈)+。", r"(?=(a+)+b)c",
    ],
)  # fmt: skip
def test_expressions_that_may_run_away_are_refused(source: str) -> None:
    with pytest.raises(RegexError) as error:
        compiled(source)
    assert error.value.key == "regex_runaway"


@pytest.mark.parametrize("source", [r".*.*.*x", r"\s*.*\s*.*x", r"姓名.*电话.*地址.*备注.*完"])
def test_too_many_repetitions_of_the_same_characters_are_refused(source: str) -> None:
    with pytest.raises(RegexError) as error:
        compiled(source)
    assert error.value.key == "regex_crowd"


@pytest.mark.parametrize("source", ["a*", "", "x?", "(退款)?", "^"])
def test_expressions_that_fit_the_empty_text_are_refused(source: str) -> None:
    with pytest.raises(RegexError) as error:
        compiled(source)
    assert error.value.key == "regex_empty"


@pytest.mark.parametrize("source", ["(", "[z-a]", "a{3,2}", "[[a]b", "(?P<x>a)(?P<x>b)", "*a", "\\"])
def test_what_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(RegexError) as error:
        compiled(source)
    assert error.value.key == "regex_invalid"


@pytest.mark.parametrize(
    "source",
    [
        r"\d{4}", r"(您好|你好)+", r"(?:\d{4} ?){4}", r".*退款.*", r"(.)\1{3,}", r"(?:\w+\s)*end", r"[0-9]{11,19}",
        r"(?<!不)满意", r"(a|b|ab)c", r"(?:[\u4e00-\u9fff]{2,4}[,，、])+等", r"保证.{0,10}(百分之百|100%)",
        r"姓名.*电话.*地址", r"^(?:好的|嗯|是的)[，。]?$", r"(?:a{1,3}b){2,4}", r"(?P<x>a)(?P=x)+",
        "|".join(f"词语{number}号" for number in range(60)),
    ],
)  # fmt: skip
def test_harmless_expressions_are_taken(source: str) -> None:
    assert compiled(source).pattern == source


def test_error_names_the_place_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match=r"card\.yaml:\d+: criteria\[it\]\.pattern.*\(a\+\)\+"):
        outcome(tmp_path, talk("坐席: 喂"), "pattern: '(您+)+'")
