"""Conditions over other criteria of the card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Reading, Verdict
from pipeline.flagging import flag
from pipeline.formats_out import why
from pipeline.scorecard import BadScorecardError
from pipeline.scoring import rules_of, score, wants_reader
from tests.cards import card
from tests.dialogues import talk

HELLO = "  - {id: hello, title: {zh: 问候, en: Greeting}, section: s, points: 5, phrase: 您好}\n"


def verdicts(folder: Path, criteria: str, text: str, **talked: Any) -> Mapping[str, Verdict]:
    evaluation = score(talk(text, **talked), card(folder, criteria), engine_version="test")
    return {found.criterion: found.verdict for found in evaluation.findings}


@pytest.mark.parametrize(
    ("wanted", "text", "verdict"),
    [
        ("hello", "坐席: 您好", Verdict.MET),
        ("hello", "坐席: 喂", Verdict.UNMET),
        ("{id: hello, is: unmet}", "坐席: 喂", Verdict.MET),
        ("{id: hello, is: [met, unmet]}", "坐席: 喂", Verdict.MET),
        ("{id: hello, is: met}", "坐席(0.1): 喂", Verdict.UNSURE),
        ("{id: hello, is: unsure}", "坐席(0.1): 喂", Verdict.MET),
        ("{id: hello, is: met}", "客户: 喂", Verdict.NOT_APPLICABLE),
        ("{id: hello, is: not_applicable}", "客户: 喂", Verdict.MET),
    ],
)
def test_verdict_of_another_criterion(tmp_path: Path, wanted: str, text: str, verdict: Verdict) -> None:
    second = f"  - {{id: second, title: 二, section: s, points: 5, criterion: {wanted}}}"
    assert verdicts(tmp_path, HELLO + second, text)["second"] is verdict


def test_criterion_may_apply_only_where_another_is_met(tmp_path: Path) -> None:
    second = "  - {id: second, title: 二, section: s, points: 5, phrase: 再见, applies_when: {criterion: hello}}"
    assert verdicts(tmp_path, HELLO + second, "坐席: 您好")["second"] is Verdict.UNMET
    assert verdicts(tmp_path, HELLO + second, "坐席: 喂")["second"] is Verdict.NOT_APPLICABLE


def test_criterion_may_stand_above_the_one_it_refers_to(tmp_path: Path) -> None:
    first = "  - {id: first, title: 一, section: s, points: 5, criterion: hello}\n"
    assert verdicts(tmp_path, first + HELLO, "坐席: 您好")["first"] is Verdict.MET


def test_a_fault_is_met_where_it_did_not_happen(tmp_path: Path) -> None:
    rude = "  - {id: rude, title: 粗暴, section: s, deduct: 5, phrase: 闭嘴}\n"
    calm = "  - {id: calm, title: 平和, section: s, points: 5, criterion: rude}"
    assert verdicts(tmp_path, rude + calm, "坐席: 您好")["calm"] is Verdict.MET
    assert verdicts(tmp_path, rude + calm, "坐席: 闭嘴")["calm"] is Verdict.UNMET


def test_evidence_and_sentence_are_about_the_other_criterion(tmp_path: Path) -> None:
    scorecard = card(tmp_path, HELLO + "  - {id: second, title: 二, section: s, points: 5, criterion: hello}")
    found = score(talk("坐席: 您好"), scorecard, engine_version="test").findings[1]
    assert [e.quote for e in found.evidence] == ["您好"]
    assert (why(found, "zh"), why(found, "en")) == ("“问候”一项的判定是“达标”。", "The verdict on “Greeting” is: met.")


def test_flag_rule_may_ask_for_the_verdict_of_a_criterion(tmp_path: Path) -> None:
    rule = "flag: [{id: cold, when: {criterion: {id: hello, is: unmet}}, priority: 0.5}]"
    scorecard = card(tmp_path, HELLO, top=rule)
    for text, reasons in (("坐席: 喂", ("cold",)), ("坐席: 您好", ())):
        conversation = talk(text)
        evaluation = score(conversation, scorecard, engine_version="test")
        assert flag(evaluation, conversation, scorecard).reasons == reasons


def test_need_of_a_reader_goes_through_other_criteria(tmp_path: Path) -> None:
    act = "  - {id: act, title: 行为, section: s, points: 5, act: greeting}\n"
    scorecard = card(tmp_path, HELLO + act + "  - {id: last, title: 末, section: s, points: 5, criterion: act}")
    rules = rules_of(scorecard)
    assert [wants_reader(criterion, rules) for criterion in scorecard.criteria] == [False, True, True]
    read = {0: Reading(acts={"greeting": 0.9}, confidence=0.9)}
    evaluation = score(talk("坐席: 您好", readings=read), scorecard, engine_version="test")
    assert evaluation.findings[2].verdict is Verdict.MET


def test_circle_of_criteria_is_named(tmp_path: Path) -> None:
    criteria = (
        "  - {id: one, title: 一, section: s, points: 5, phrase: 您好, applies_when: {criterion: two}}\n"
        "  - {id: two, title: 二, section: s, points: 5, not: again}"
    )
    top = "conditions: {again: {criterion: {id: one, is: met}}}"
    with pytest.raises(BadScorecardError) as caught:
        card(tmp_path, criteria, top=top)
    told = "\n".join(map(str, caught.value.problems))
    assert "→" in told
    assert all(name in told for name in ("one", "two", "again"))


def test_unknown_criterion_is_told_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError) as caught:
        card(tmp_path, HELLO + "  - {id: second, title: 二, section: s, points: 5, criterion: helo}")
    assert any("hello" in str(problem) for problem in caught.value.problems)
