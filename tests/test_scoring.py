"""Points, totals, bands, exceptions, reasons and the output format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Classes, Measures, Reading, Turn, Verdict, Word
from pipeline.flagging import flag
from pipeline.formats_out import evaluation_record, explain, why
from pipeline.i18n import LANGUAGES, Language
from pipeline.scorecard import BadScorecardError, find_scorecard
from pipeline.scorecard.model import Scorecard
from pipeline.scoring import score
from tests.cards import card, finding
from tests.dialogues import talk

DUTIES = """\
  - {id: hello, title: 问候, section: s, points: 6, phrase: 您好}
  - {id: bye, title: 告别, section: s, points: 4, phrase: 再见}"""
FAULT = "  - {id: taboo, title: 禁语, section: s, deduct: 15, phrase: 不知道}"


def total(scorecard: Scorecard, text: str) -> float | None:
    return score(talk(text), scorecard, engine_version="test").total


@pytest.mark.parametrize(
    ("text", "points"), [("坐席: 您好，再见", 100), ("坐席: 您好", 60), ("坐席: 再见", 40), ("坐席: 喂", 0)]
)
def test_duties_are_scaled_to_100(tmp_path: Path, text: str, points: int) -> None:
    assert total(card(tmp_path, DUTIES), text) == points


def test_deductions_come_off_the_total(tmp_path: Path) -> None:
    assert total(card(tmp_path, f"{DUTIES}\n{FAULT}"), "坐席: 您好，不知道，再见") == 85


def test_total_never_falls_below_zero(tmp_path: Path) -> None:
    assert total(card(tmp_path, f"{DUTIES}\n{FAULT}"), "坐席: 不知道") == 0


def test_card_of_faults_alone_starts_at_100(tmp_path: Path) -> None:
    assert total(card(tmp_path, FAULT), "坐席: 喂") == 100


def test_not_applicable_is_out_of_the_denominator(tmp_path: Path) -> None:
    never = "  - {id: never, title: 无, section: s, points: 90, phrase: 您, applies_when: {channel: email}}"
    assert total(card(tmp_path, f"{DUTIES}\n{never}"), "坐席: 您好") == 60


def test_unsure_is_out_of_the_denominator(tmp_path: Path) -> None:
    window = "  - {id: late, title: 末尾, section: s, points: 9, phrase: {any: [谢谢], window: {turns: -1}}}"
    assert total(card(tmp_path, f"{DUTIES}\n{window}"), "坐席(0.99): 您好，再见\n坐席(0.1): 喂") == 100


def test_a_call_that_was_mostly_unheard_gets_no_total(tmp_path: Path) -> None:
    window = "  - {id: late, title: 末尾, section: s, points: 11, phrase: {any: [谢谢], window: {turns: -1}}}"
    unheard = score(
        talk("坐席(0.99): 您好，再见\n坐席(0.1): 喂"), card(tmp_path, f"{DUTIES}\n{window}"), engine_version="test"
    )
    assert (unheard.total, unheard.passed, unheard.band) == (None, None, None)


def test_nothing_applicable_gives_no_total(tmp_path: Path) -> None:
    evaluation = score(talk("客户: 喂"), card(tmp_path, DUTIES), engine_version="test")
    assert (evaluation.total, evaluation.passed, evaluation.band) == (None, None, None)


@pytest.mark.parametrize(("text", "passed"), [("坐席: 您好", True), ("坐席: 再见", False)])
def test_pass_mark(tmp_path: Path, text: str, passed: bool) -> None:
    assert score(talk(text), card(tmp_path, DUTIES), engine_version="test").passed is passed


def test_partial_earns_its_share(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 喂您"), "points: 8\npartial: {phrase: 您}", "phrase: 您好")
    assert (found.verdict, found.points, found.max_points) == (Verdict.PARTIAL, 4, 8)


@pytest.mark.parametrize(("top", "share"), [("settings: {partial_share: 0.25}", 2), ("", 6)])
def test_partial_share_is_the_cards_or_the_criterions(tmp_path: Path, top: str, share: int) -> None:
    worth = "points: 8\npartial: {phrase: 您}" + ("" if top else "\npartial_share: 0.75")
    assert finding(tmp_path, talk("坐席: 喂您"), worth, "phrase: 您好", top=top).points == share


def test_partial_fault_costs_its_share(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 快点"), "deduct: 8\npartial: {phrase: 快点}", "phrase: 闭嘴")
    assert (found.verdict, found.points) == (Verdict.PARTIAL, -4)


@pytest.mark.parametrize(("each", "points"), [("", -3), ("each: true", -9), ("each: {cap: 5}", -5)])
def test_deduction_once_or_each_time_with_a_cap(tmp_path: Path, each: str, points: int) -> None:
    conversation = talk("坐席: 不知道\n坐席: 不知道，不知道")
    assert finding(tmp_path, conversation, f"deduct: 3\n{each}", "phrase: 不知道").points == points


def test_fault_with_points_counts_in_the_denominator(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 您好"), "points: 5\nfault: true", "phrase: 闭嘴")
    assert (found.verdict, found.points, found.max_points, found.fault) == (Verdict.MET, 5, 5, True)


FATAL = "  - {id: rude, title: 粗暴, section: s, fatal: card, phrase: 闭嘴}"


def test_fatal_fault_fails_the_card_and_caps_the_total(tmp_path: Path) -> None:
    evaluation = score(talk("坐席: 您好，闭嘴，再见"), card(tmp_path, f"{DUTIES}\n{FATAL}"), engine_version="test")
    assert (evaluation.total, evaluation.passed, evaluation.fatal) == (59, False, ("rude",))


def test_cap_of_a_fatal_fault_is_the_cards(tmp_path: Path) -> None:
    scorecard = card(tmp_path, f"{DUTIES}\n{FATAL}", top="settings: {fatal_cap: 0}")
    assert total(scorecard, "坐席: 您好，闭嘴，再见") == 0


def test_fatal_fault_that_did_not_happen_changes_nothing(tmp_path: Path) -> None:
    evaluation = score(talk("坐席: 您好，再见"), card(tmp_path, f"{DUTIES}\n{FATAL}"), engine_version="test")
    assert (evaluation.total, evaluation.passed, evaluation.fatal) == (100, True, ())


EXCUSED = "phrase: 没办法\nunless: {phrase: {any: [可以帮您], window: {after: 1 turn}}}"


@pytest.mark.parametrize(
    ("text", "verdict", "points"),
    [
        ("坐席: 没办法", Verdict.UNMET, -3),
        ("坐席: 没办法，不过可以帮您登记", Verdict.MET, 0),
        ("坐席: 没办法\n坐席: 可以帮您登记", Verdict.MET, 0),
        ("坐席: 没办法\n坐席: 再见\n坐席: 可以帮您登记", Verdict.UNMET, -3),
        ("坐席: 没办法，可以帮您登记\n坐席: 好的\n坐席: 没办法", Verdict.UNMET, -3),
    ],
)
def test_exception_excuses_hits_one_by_one(tmp_path: Path, text: str, verdict: Verdict, points: int) -> None:
    found = finding(tmp_path, talk(text), "deduct: 3\neach: true", EXCUSED)
    assert (found.verdict, found.points) == (verdict, points)


def test_evidence_leaves_excused_hits_out(tmp_path: Path) -> None:
    conversation = talk("坐席: 没办法，可以帮您登记\n坐席: 好的\n坐席: 没办法")
    assert [e.turn for e in finding(tmp_path, conversation, "deduct: 3", EXCUSED).evidence] == [2]


def test_announced_wait_excuses_a_silence(tmp_path: Path) -> None:
    operator = "silence: {longer_than: 10}\nunless: {phrase: {any: [请稍等], window: {before: 5 s}}}"
    announced = talk("[0-2] 坐席: 请稍等\n[20-22] 坐席: 查到了")
    unannounced = talk("[0-2] 坐席: 单号多少\n[20-22] 坐席: 查到了")
    assert finding(tmp_path, announced, "deduct: 3", operator).verdict is Verdict.MET
    assert finding(tmp_path, unannounced, "deduct: 3", operator).verdict is Verdict.UNMET


def test_exception_of_a_duty_makes_it_not_applicable(tmp_path: Path) -> None:
    operator = "phrase: 再见\nunless: {speaks: {by: customer, window: {turns: -1, of: all}}}"
    assert finding(tmp_path, talk("坐席: 您好\n客户: 挂了"), "points: 5", operator).verdict is Verdict.NOT_APPLICABLE
    assert finding(tmp_path, talk("客户: 喂\n坐席: 嗯"), "points: 5", operator).verdict is Verdict.UNMET


def test_times_hold_after_exceptions(tmp_path: Path) -> None:
    operator = "phrase: {any: [亲], times: 2}\nunless: {phrase: {any: [母亲], window: {after: 0 turns}}}"
    assert finding(tmp_path, talk("坐席: 亲\n坐席: 您母亲"), "deduct: 3", operator).verdict is Verdict.MET
    assert finding(tmp_path, talk("坐席: 亲\n坐席: 好亲"), "deduct: 3", operator).verdict is Verdict.UNMET


def test_precondition_that_could_not_be_heard_is_unsure(tmp_path: Path) -> None:
    worth = "points: 5\napplies_when: {phrase: {any: [投诉], by: customer}}"
    conversation = talk("客户(0.2): 喂喂\n坐席(0.9): 您好")
    assert finding(tmp_path, conversation, worth, "phrase: 您好").verdict is Verdict.UNSURE


@pytest.mark.parametrize(
    ("text", "operator", "verdict"),
    [
        ("坐席: 您好", "all_of: [{phrase: 您好}, {phrase: 再见}]", Verdict.UNMET),
        ("坐席: 您好，再见", "all_of: [{phrase: 您好}, {phrase: 再见}]", Verdict.MET),
        ("坐席: 再见", "any_of: [{phrase: 您好}, {phrase: 再见}]", Verdict.MET),
        ("坐席: 您好", "not: {phrase: 再见}", Verdict.MET),
        ("坐席: 再见", "not: {phrase: 再见}", Verdict.UNMET),
        ("坐席: 您好", "all_of: [{phrase: 您好}, {pace: {above: 1}}]", Verdict.NOT_APPLICABLE),
        ("坐席(0.2): 喂", "not: {phrase: 再见}", Verdict.UNSURE),
        ("坐席(0.2): 喂", "any_of: [{phrase: 再见}, {channel: chat}]", Verdict.UNSURE),
    ],
)
def test_operators_are_joined(tmp_path: Path, text: str, operator: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk(text), "points: 5", operator).verdict is verdict


def test_evidence_is_narrowed_to_the_words_times(tmp_path: Path) -> None:
    words = (Word("您好，", 0.5, 0.9, 0.9), Word("请", 1.0, 1.1, 0.9), Word("稍等", 1.2, 1.6, 0.9))
    conversation = talk("[0.5-1.6] 坐席(0.9): 您好，请稍等")
    turn: Turn = replace(conversation.turns[0], words=words)
    found = finding(tmp_path, replace(conversation, turns=(turn,)), "points: 5", "phrase: 请稍等")
    (place,) = found.evidence
    assert (place.start, place.end, place.span, place.quote) == (1.0, 1.6, (3, 6), "请稍等")


def test_evidence_keeps_the_turns_times_where_words_do_not_agree(tmp_path: Path) -> None:
    words = (Word("别的话", 0.5, 0.9, 0.9),)
    conversation = talk("[0.5-1.6] 坐席(0.9): 您好，请稍等")
    turn = replace(conversation.turns[0], words=words)
    (place,) = finding(tmp_path, replace(conversation, turns=(turn,)), "points: 5", "phrase: 请稍等").evidence
    assert (place.start, place.end) == (0.5, 1.6)


def test_sentences_are_in_both_languages(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 您好"), "points: 5", "phrase: 您好")
    assert why(found, "zh") == "坐席在第 1 句说了“您好”。"
    assert why(found, "en") == "Turn 1: “您好” (the agent)."


def test_partial_is_said_in_the_sentence(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 您"), "points: 8\npartial: {phrase: 您}", "phrase: 您好")
    assert why(found, "zh") == "部分做到：坐席在第 1 句说了“您”。"


def test_condition_that_did_not_come_up_is_named(tmp_path: Path) -> None:
    top = (
        "conditions: {upset: {title: {zh: 客户不满, en: the customer is upset}, phrase: {any: [太差了], by: customer}}}"
    )
    conversation = talk("坐席: 您好\n客户: 你好")
    found = finding(tmp_path, conversation, "points: 5\napplies_when: upset", "phrase: 您好", top=top)
    assert why(found, "zh") == "本次会话没有出现“客户不满”的情况，此项不适用。"


def test_absent_fault_is_not_called_missing(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 您好"), "deduct: 5", "phrase: 闭嘴")
    assert explain(found.why, "zh") == "坐席没有出现这类说法（例如“闭嘴”）。"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["hotline", "online-chat"])
def test_every_finding_of_a_shipped_card_can_be_explained(name: str, language: Language) -> None:
    text = (
        "[0-2] 坐席: 您好，这里是客户服务热线，工号1024，请问有什么可以帮您？\n[3-9] 客户: 你们太差了，我要投诉\n"
        "[6-8] 坐席: 这个不归我们管，不知道\n[20-22] 坐席: 请稍等\n[40-42] 客户: 喂\n[43-45] 坐席: 再见"
    )
    conversation = talk(
        text,
        readings={1: Reading(sentiment=-0.9, confidence=0.8, acts={"complaint": 0.9})},
        measures=Measures(politeness=0.5, sentiment_end=-0.8),
        classes=Classes("service", 1, None, False),
    )
    scorecard = find_scorecard(name)
    evaluation = score(conversation, scorecard, engine_version="test")
    assert all(why(found, language) for found in evaluation.findings)


RECORD_KEYS = [
    "interaction", "scorecard", "engine", "total", "max", "passed", "band", "fatal", "criteria", "measures", "classes",
    "review",
]  # fmt: skip


def test_record_has_the_documented_keys(tmp_path: Path) -> None:
    scorecard = card(tmp_path, DUTIES)
    conversation = talk("[0.8-3.1] 坐席: 您好", interaction_id="C1")
    evaluation = score(conversation, scorecard, engine_version="1.2", models={"tone": "t@sha256:0"})
    record: Any = evaluation_record(evaluation, flag(evaluation, conversation, scorecard), scorecard, "zh")
    assert list(record) == RECORD_KEYS
    assert record["interaction"] == "C1"
    assert record["scorecard"] == {"id": "test", "version": "1", "digest": scorecard.digest}
    assert record["engine"] == {"version": "1.2", "models": {"tone": "t@sha256:0"}}
    assert (record["total"], record["max"], record["passed"]) == (60.0, 100, True)
    assert record["review"] == {"flagged": False, "priority": 0.0, "reasons": []}
    assert record["criteria"][0] == {
        "id": "hello",
        "section": "s",
        "verdict": "met",
        "points": 6,
        "max_points": 6,
        "confidence": 0.97,
        "why": "坐席在第 1 句说了“您好”。",
        "evidence": [{"turn": 0, "start": 0.8, "end": 3.1, "span": [0, 2], "quote": "您好"}],
    }


def test_record_of_another_card_is_refused(tmp_path: Path) -> None:
    conversation, scorecard = talk("坐席: 您好"), card(tmp_path, DUTIES)
    evaluation = score(conversation, scorecard, engine_version="test")
    review = flag(evaluation, conversation, scorecard)
    with pytest.raises(ValueError, match="was scored by"):
        evaluation_record(evaluation, review, card(tmp_path, FAULT), "zh")


def test_measure_that_could_not_be_taken_is_null(tmp_path: Path) -> None:
    conversation, scorecard = talk("坐席: 您好"), card(tmp_path, DUTIES)
    evaluation = score(conversation, scorecard, engine_version="test")
    record: Any = evaluation_record(evaluation, flag(evaluation, conversation, scorecard), scorecard, "zh")
    assert set(record["measures"].values()) == {None}


def test_numbers_have_no_more_digits_than_were_measured(tmp_path: Path) -> None:
    scorecard = card(tmp_path, DUTIES)
    conversation = talk("[0.8-3.1] 坐席: 您好")
    measures = Measures(
        politeness=0.81236, agent_chars_per_minute=241.32583, longest_silence=1.1000000000000014, overlap_seconds=0,
        interruptions_by_agent=2, agent_talk_ratio=2 / 3, duration=47.55,
    )  # fmt: skip
    turn = replace(conversation.turns[0], start=0.1 + 0.7, end=34.690000000000005)
    conversation = replace(conversation, turns=(turn,), measures=measures)
    evaluation = score(conversation, scorecard, engine_version="test")
    record: Any = evaluation_record(evaluation, flag(evaluation, conversation, scorecard), scorecard, "zh")
    assert {name: value for name, value in record["measures"].items() if value is not None} == {
        "politeness": 0.8124,
        "agent_chars_per_minute": 241.3,
        "longest_silence": 1.1,
        "overlap_seconds": 0.0,
        "interruptions_by_agent": 2,
        "agent_talk_ratio": 0.6667,
        "duration": 47.55,
    }
    (evidence,) = record["criteria"][0]["evidence"]
    assert (evidence["start"], evidence["end"]) == (0.8, 34.69)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    def once() -> str:
        conversation, scorecard = talk("坐席: 您好\n客户: 太差了\n坐席: 不知道"), card(tmp_path, f"{DUTIES}\n{FAULT}")
        evaluation = score(conversation, scorecard, engine_version="test", models={"b": "2", "a": "1"})
        record: Any = evaluation_record(evaluation, flag(evaluation, conversation, scorecard), scorecard, "zh")
        return json.dumps(record, ensure_ascii=False)

    assert once() == once()


# Weights, bonuses, sections


BONUS = "  - {id: warm, title: 祝福, section: s, bonus: 3, phrase: 生日快乐}"


@pytest.mark.parametrize(("text", "points"), [("坐席: 您好，生日快乐", 63), ("坐席: 您好", 60)])
def test_bonus_rewards_and_its_lack_costs_nothing(tmp_path: Path, text: str, points: int) -> None:
    assert total(card(tmp_path, f"{DUTIES}\n{BONUS}"), text) == points


def test_bonus_never_lifts_the_total_above_100(tmp_path: Path) -> None:
    assert total(card(tmp_path, f"{DUTIES}\n{BONUS}"), "坐席: 您好，生日快乐，再见") == 100


def test_bonus_each_time_with_a_cap(tmp_path: Path) -> None:
    worth = "bonus: 2\neach: {cap: 5}"
    found = finding(tmp_path, talk("坐席: 生日快乐，生日快乐，生日快乐"), worth, "phrase: 生日快乐")
    assert (found.points, found.max_points, found.bonus) == (5, 0, True)


def test_bonus_that_was_not_earned_is_no_loss(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 您好"), "bonus: 2", "phrase: 生日快乐")
    assert (found.verdict, found.points, found.lost) == (Verdict.UNMET, 0, False)


def test_card_without_duties_starts_where_it_says(tmp_path: Path) -> None:
    top = "settings: {start: 70}"
    assert total(card(tmp_path, f"{FAULT}\n{BONUS}", top=top), "坐席: 不知道，生日快乐") == 58


WEIGHED = """\
  - {id: hello, title: 问候, section: opening, points: 9, phrase: 您好}
  - {id: number, title: 报工号, section: opening, points: 1, phrase: 工号}
  - {id: bye, title: 告别, section: closing, points: 1, phrase: 再见}"""
SECTIONS = "sections: {opening: {title: 开场, weight: 40}, closing: {title: {zh: 结束, en: Closing}, weight: 60}}"


@pytest.mark.parametrize(
    ("text", "points"),
    [("坐席: 您好", 36), ("坐席: 工号，再见", 64), ("坐席: 您好，工号", 40), ("坐席: 您好，工号，再见", 100)],
)
def test_sections_weigh_what_the_card_says(tmp_path: Path, text: str, points: int) -> None:
    assert total(card(tmp_path, WEIGHED, top=SECTIONS), text) == points


def test_section_in_which_nothing_applies_weighs_nothing(tmp_path: Path) -> None:
    never = WEIGHED.replace("phrase: 再见}", "phrase: 再见, applies_when: {channel: email}}")
    assert total(card(tmp_path, never, top=SECTIONS), "坐席: 您好，工号") == 100


def test_sections_are_weighed_all_or_none(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match="closing"):
        card(tmp_path, WEIGHED, top=SECTIONS.replace(", weight: 60", ""))


LEAK = "  - {id: leak, title: 泄密, section: opening, fatal: section, phrase: 密码是}"


def test_section_fatal_takes_the_points_of_its_section_only(tmp_path: Path) -> None:
    scorecard = card(tmp_path, f"{WEIGHED}\n{LEAK}", top=SECTIONS)
    evaluation = score(talk("坐席: 您好，工号，密码是，再见"), scorecard, engine_version="test")
    assert (evaluation.total, evaluation.fatal) == (60, ())
    assert {f.criterion: (f.points, f.section_fatal) for f in evaluation.findings} == {
        "hello": (0, False),
        "number": (0, False),
        "bye": (1, False),
        "leak": (0, True),
    }
    assert evaluation.findings[0].verdict is Verdict.MET


def test_section_fatal_that_did_not_happen_takes_nothing(tmp_path: Path) -> None:
    scorecard = card(tmp_path, f"{WEIGHED}\n{LEAK}", top=SECTIONS)
    assert total(scorecard, "坐席: 您好，工号，再见") == 100


# Severity and the critical sub-score


CRITICAL = """\
  - {id: verify, title: 核身, section: s, points: 1, severity: critical, phrase: 核对}
  - {id: secret, title: 泄密, section: s, deduct: 1, severity: 2, phrase: 密码是}
  - {id: hello, title: 问候, section: s, points: 98, severity: minor, phrase: 您好}"""


@pytest.mark.parametrize(
    ("text", "critical"),
    [("坐席: 核对", 100), ("坐席: 您好", 50), ("坐席: 您好，密码是", 0), ("坐席: 核对，密码是", 50)],
)
def test_critical_criteria_have_a_score_of_their_own(tmp_path: Path, text: str, critical: int) -> None:
    assert score(talk(text), card(tmp_path, CRITICAL), engine_version="test").critical == critical


def test_card_without_critical_criteria_has_no_critical_score(tmp_path: Path) -> None:
    assert score(talk("坐席: 您好"), card(tmp_path, DUTIES), engine_version="test").critical is None


def test_critical_score_and_advice_are_in_the_record(tmp_path: Path) -> None:
    criteria = CRITICAL.replace("title: 核身,", "title: 核身, advice: {zh: 先核对身份, en: Verify first},")
    scorecard = card(tmp_path, f"{criteria}\n{LEAK.replace('opening', 's')}")
    conversation = talk("坐席: 您好，密码是")
    evaluation = score(conversation, scorecard, engine_version="test")
    record: Any = evaluation_record(evaluation, flag(evaluation, conversation, scorecard), scorecard, "en")
    assert record["critical"] == 0
    assert [c.get("advice") for c in record["criteria"]] == ["Verify first", None, None, None]
    assert [c.get("section_fatal") for c in record["criteria"]] == [None, None, None, True]


# What is not known, and what is not sure


UNKNOWN = "points: 5\napplies_when: {attribute: {name: segment, is: [vip]}}"


@pytest.mark.parametrize(
    ("default", "verdict"),
    [
        ("", Verdict.NOT_APPLICABLE),
        ("\nif_unknown: not_applicable", Verdict.NOT_APPLICABLE),
        ("\nif_unknown: applies", Verdict.MET),
        ("\nif_unknown: unsure", Verdict.UNSURE),
    ],
)
def test_default_while_a_precondition_is_unknown(tmp_path: Path, default: str, verdict: Verdict) -> None:
    assert finding(tmp_path, talk("坐席: 您好"), UNKNOWN + default, "phrase: 您好").verdict is verdict


def test_default_is_not_used_where_the_precondition_is_known(tmp_path: Path) -> None:
    worth = "points: 5\napplies_when: {channel: email}\nif_unknown: applies"
    assert finding(tmp_path, talk("坐席: 您好"), worth, "phrase: 您好").verdict is Verdict.NOT_APPLICABLE


READ = {0: Reading(acts={"greeting": 0.7}, confidence=0.7)}


@pytest.mark.parametrize(
    ("settings", "own", "verdict"),
    [
        ("", "", Verdict.MET),
        ("settings: {least_confidence: 0.6}", "", Verdict.MET),
        ("settings: {least_confidence: 0.8}", "", Verdict.UNSURE),
        ("settings: {least_confidence: 0.8}", "\nleast_confidence: 0", Verdict.MET),
        ("", "\nleast_confidence: 0.8", Verdict.UNSURE),
    ],
)
def test_verdict_below_the_least_confidence_is_unsure(
    tmp_path: Path, settings: str, own: str, verdict: Verdict
) -> None:
    found = finding(tmp_path, talk("坐席: 您好", readings=READ), f"points: 5{own}", "act: greeting", top=settings)
    assert (found.verdict, found.confidence) == (verdict, 0.7)
    assert [e.quote for e in found.evidence] == ["您好"]


def test_doubt_about_the_precondition_is_doubt_about_the_verdict(tmp_path: Path) -> None:
    worth = "points: 5\napplies_when: {act: greeting}\nleast_confidence: 0.8"
    found = finding(tmp_path, talk("坐席: 您好", readings=READ), worth, "phrase: 您好")
    assert (found.verdict, found.confidence) == (Verdict.UNSURE, 0.7)
    assert why(found, "zh") == "机器倾向于判“达标”，但把握只有 70%，低于评分卡要求的 80%，不作判断。"


def test_unsure_verdicts_earn_nothing_and_cost_nothing(tmp_path: Path) -> None:
    doubtful = "  - {id: act, title: 行为, section: s, points: 9, act: greeting, least_confidence: 0.9}"
    scorecard = card(tmp_path, f"{DUTIES}\n{doubtful}")
    assert score(talk("坐席: 您好", readings=READ), scorecard, engine_version="test").total == 60


# Evidence


@pytest.mark.parametrize(
    ("phrases", "quotes"),
    [
        ("[您好, 好这里, 这里是]", ["您好这里是"]),
        ("[您好, 这里]", ["您好这里"]),
        ("[您好, 里是]", ["您好", "里是"]),
        ("[您好这里是热线, 这里]", ["您好这里是热线"]),
    ],
)
def test_quotes_that_overlap_or_touch_are_one(tmp_path: Path, phrases: str, quotes: Sequence[str]) -> None:
    operator = "any_of:\n" + "\n".join(f"  - phrase: {text}" for text in phrases.strip("[]").split(", "))
    found = finding(tmp_path, talk("坐席: 您好这里是热线"), "points: 5", operator)
    assert [e.quote for e in found.evidence] == quotes
    assert all(e.quote == "您好这里是热线"[slice(*e.span)] for e in found.evidence)


def test_joined_quotes_have_the_times_of_all_their_words(tmp_path: Path) -> None:
    words = tuple(Word(text, 0.5 * n, 0.5 * n + 0.4, 0.9) for n, text in enumerate("您好这里"))
    conversation = talk("[0-2] 坐席(0.9): 您好这里")
    turn = replace(conversation.turns[0], words=words)
    operator = "any_of: [{phrase: 好这}, {phrase: 这里}]"
    (place,) = finding(tmp_path, replace(conversation, turns=(turn,)), "points: 5", operator).evidence
    assert (place.start, place.end, place.span) == (0.5, 1.9, (1, 4))


def test_hits_are_counted_before_quotes_are_joined(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 亲亲"), "deduct: 1\neach: true", "phrase: 亲")
    assert (found.points, [e.quote for e in found.evidence]) == (-2, ["亲亲"])
