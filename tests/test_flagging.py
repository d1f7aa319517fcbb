"""Which evaluations a person must look at, and how urgently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Classes, Measures, ReviewItem
from pipeline.flagging import flag, sampled
from pipeline.formats_out import flag_sentence
from pipeline.scoring import score
from tests.cards import card
from tests.dialogues import talk

CRITERIA = """\
  - {id: hello, title: 问候, section: s, points: 6, phrase: 您好}
  - {id: bye, title: 告别, section: s, points: 4, phrase: 再见, partial: {phrase: 拜拜}}
  - {id: rude, title: 粗暴, section: s, fatal: card, phrase: 闭嘴}"""


def review(
    folder: Path, rules: Sequence[str], text: str, *, criteria: str = CRITERIA, top: str = "", **facts: Any
) -> ReviewItem:
    lines = "\n".join(f"  - {rule}" for rule in rules)
    scorecard = card(folder, criteria, top=f"{top}\nflag:\n{lines}" if rules else top)
    conversation = talk(text, **facts)
    return flag(score(conversation, scorecard, engine_version="test"), conversation, scorecard)


@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        ("{below_pass: true, priority: 0.5}", "坐席: 再见", "below_pass"),
        ("{total_below: 90, priority: 0.5}", "坐席: 您好", "total_below:90"),
        ("{fatal: true, priority: 0.5}", "坐席: 您好，闭嘴，再见", "fatal:rude"),
        ("{unmet: [bye], priority: 0.5}", "坐席: 您好", "unmet:bye"),
        ("{unmet: [bye], partial: true, priority: 0.5}", "坐席: 您好，拜拜", "unmet:bye"),
        ("{unsure: [hello], priority: 0.5}", "坐席(0.2): 喂", "unsure:hello"),
        ("{low_confidence: 0.98, of: [hello], priority: 0.5}", "坐席: 您好，再见", "low_confidence:hello"),
        ("{id: chatty, when: {channel: call}, priority: 0.5}", "坐席: 您好，再见", "chatty"),
        ("{random: 100%, priority: 0.5}", "坐席: 您好，再见", "random_sample"),
    ],
)
def test_rule_fires_and_names_itself(tmp_path: Path, rule: str, text: str, reason: str) -> None:
    item = review(tmp_path, [rule], text)
    assert (item.flagged, item.reasons, item.priority) == (True, (reason,), 0.5)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("{below_pass: true, priority: 0.5}", "坐席: 您好，再见"),
        ("{below_pass: true, priority: 0.5}", "客户: 喂"),
        ("{total_below: 60, priority: 0.5}", "坐席: 您好"),
        ("{fatal: true, priority: 0.5}", "坐席: 您好"),
        ("{unmet: [bye], priority: 0.5}", "坐席: 您好，拜拜"),
        ("{unsure: true, priority: 0.5}", "坐席: 喂"),
        ("{low_confidence: 0.5, priority: 0.5}", "坐席: 您好"),
        ("{id: chatty, when: {channel: chat}, priority: 0.5}", "坐席: 您好"),
        ("{random: 0%, priority: 0.5}", "坐席: 您好"),
    ],
)
def test_rule_does_not_fire(tmp_path: Path, rule: str, text: str) -> None:
    item = review(tmp_path, [rule], text)
    assert (item.flagged, item.reasons, item.priority) == (False, (), 0.0)


def test_priorities_are_combined(tmp_path: Path) -> None:
    rules = ["{below_pass: true, priority: 0.5}", "{unmet: [hello], priority: 0.6}"]
    item = review(tmp_path, rules, "坐席: 再见")
    assert item.reasons == ("below_pass", "unmet:hello")
    assert item.priority == 0.8


def test_upset_customer_at_the_end_and_grave_complaint(tmp_path: Path) -> None:
    rules = [
        "{id: upset_at_end, when: {tone: {of: sentiment, by: customer, at: end, below: -0.3}}, priority: 0.7}",
        "{id: level_1, when: {class: {complaint_level: 1}}, priority: 1.0}",
    ]
    facts: dict[str, Any] = {"measures": Measures(sentiment_end=-0.8), "classes": Classes("service", 1, None, False)}
    item = review(tmp_path, rules, "坐席: 您好\n客户: 我要曝光你们", **facts)
    assert (item.reasons, item.priority) == (("upset_at_end", "level_1"), 1.0)


def test_review_always_flags_what_was_found(tmp_path: Path) -> None:
    criteria = "  - {id: rude, title: 粗暴, section: s, deduct: 5, phrase: 闭嘴, review: always}"
    assert review(tmp_path, [], "坐席: 闭嘴", criteria=criteria).reasons == ("review:rude",)
    assert review(tmp_path, [], "坐席: 您好", criteria=criteria).reasons == ()


def test_review_never_keeps_doubt_from_flagging(tmp_path: Path) -> None:
    criteria = "  - {id: hello, title: 问候, section: s, points: 5, phrase: 您好, review: never}"
    assert not review(tmp_path, ["{unsure: true, priority: 0.5}"], "坐席(0.2): 喂", criteria=criteria).flagged


def test_random_share_is_near_what_was_asked_for() -> None:
    picked = sum(sampled(f"C{number}", "hotline", 0.1) for number in range(5000))
    assert 400 < picked < 600


def test_random_share_is_the_same_every_time_and_differs_by_card() -> None:
    ids = [f"C{number}" for number in range(200)]
    one = [sampled(i, "hotline", 0.2) for i in ids]
    assert one == [sampled(i, "hotline", 0.2) for i in ids]
    assert one != [sampled(i, "online-chat", 0.2) for i in ids]


def test_larger_share_contains_the_smaller() -> None:
    ids = [f"C{number}" for number in range(500)]
    assert {i for i in ids if sampled(i, "hotline", 0.1)} < {i for i in ids if sampled(i, "hotline", 0.3)}


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("below_pass", "总分低于合格线", "total below the pass mark"),
        ("fatal:rude", "触犯红线：粗暴", "fatal fault: 粗暴"),
        ("grave", "严重投诉", "grave complaint"),
        ("upset_rule", "客户不满", "the customer is upset"),
    ],
)
def test_reasons_in_words(tmp_path: Path, reason: str, zh: str, en: str) -> None:
    top = (
        "conditions: {upset: {title: {zh: 客户不满, en: the customer is upset}, channel: call}}\nflag:\n"
        "  - {id: grave, title: {zh: 严重投诉, en: grave complaint}, priority: 1, when: {class: {resolved: false}}}\n"
        "  - {id: upset_rule, when: upset, priority: 1}"
    )
    scorecard = card(tmp_path, CRITERIA, top=top)
    assert (flag_sentence(reason, scorecard, "zh"), flag_sentence(reason, scorecard, "en")) == (zh, en)


SEVERE = """\
  - {id: verify, title: 核身, section: s, points: 5, severity: critical, phrase: 核对}
  - {id: hello, title: 问候, section: s, points: 5, severity: minor, phrase: 您好}
  - {id: warm, title: 祝福, section: s, bonus: 2, severity: critical, phrase: 生日快乐}"""


@pytest.mark.parametrize(
    ("rule", "text", "reasons"),
    [
        ("{critical_below: 100, priority: 0.5}", "坐席: 您好", ("critical_below:100",)),
        ("{critical_below: 100, priority: 0.5}", "坐席: 核对，生日快乐", ()),
        ("{unmet: true, severity: critical, priority: 0.5}", "坐席: 喂", ("unmet:verify",)),
        ("{unmet: true, severity: minor, priority: 0.5}", "坐席: 喂", ("unmet:hello",)),
        ("{unmet: true, priority: 0.5}", "坐席: 喂", ("unmet:verify", "unmet:hello")),
        ("{unmet: true, priority: 0.5}", "坐席: 您好，核对", ()),
    ],
)
def test_rules_about_severity(tmp_path: Path, rule: str, text: str, reasons: Sequence[str]) -> None:
    assert review(tmp_path, [rule], text, criteria=SEVERE).reasons == reasons


def test_verdict_that_was_too_doubtful_is_flagged_as_such(tmp_path: Path) -> None:
    criteria = "  - {id: hello, title: 问候, section: s, points: 6, phrase: 您好, least_confidence: 0.99}"
    found = review(tmp_path, ["{unsure: true, priority: 0.5}"], "坐席: 您好", criteria=criteria)
    assert found.reasons == ("low_confidence:hello",)
