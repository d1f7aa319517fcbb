"""YAML → Scorecard: what is read, and how every fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.check import validate
from pipeline.conversation import Channel, Conversation, Reading
from pipeline.criteria import KINDS
from pipeline.errors import ScorecardError
from pipeline.scorecard import (
    BadScorecardError,
    Problem,
    dialogue,
    find_scorecard,
    load_scorecard,
    shipped_scorecards,
)

GOOD = """\
id: test
version: "1.0"
title: {zh: 测试, en: Test}
pass: 80
bands: {excellent: {from: 95, title: {zh: 优秀, en: Excellent}}, good: 80}
sections: {opening: {zh: 开场, en: Opening}}
conditions:
  upset: {title: {zh: 客户不满, en: upset}, phrase: {any: [太差了], by: customer}}
criteria:
  - id: greeting
    title: 开场问候
    section: opening
    points: 5
    phrase: 您好
    examples:
      met: ["坐席: 您好"]
      unmet: ["坐席: 说吧"]
    unless: upset
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "card.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, *changes: tuple[str, str]) -> tuple[Problem, ...]:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return validate(written(folder, text), language="en")


def test_a_good_card_has_no_problems(tmp_path: Path) -> None:
    assert validate(written(tmp_path, GOOD)) == ()


def test_titles_are_in_both_languages(tmp_path: Path) -> None:
    card = load_scorecard(written(tmp_path, GOOD))
    assert (card.title.text("zh"), card.title.text("en")) == ("测试", "Test")
    assert card.criteria[0].title.text("en") == "开场问候"
    assert card.section_title("opening", "en") == "Opening"
    assert card.band_title("excellent", "zh") == "优秀"


@pytest.mark.parametrize(("total", "band"), [(100, "excellent"), (95, "excellent"), (94.9, "good"), (10, None)])
def test_band_of_a_total(tmp_path: Path, total: float, band: str | None) -> None:
    assert load_scorecard(written(tmp_path, GOOD)).band_of(total) == band


def test_card_cannot_be_changed(tmp_path: Path) -> None:
    card = load_scorecard(written(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        card.version = "2"  # type: ignore[misc]


def test_one_channel_may_stand_without_list(tmp_path: Path) -> None:
    card = load_scorecard(written(tmp_path, GOOD + "channels: chat\n"))
    assert card.applies_to(Channel.CHAT)
    assert not card.applies_to(Channel.CALL)


def test_digest_does_not_depend_on_comments_layout_or_examples(tmp_path: Path) -> None:
    digest = load_scorecard(written(tmp_path, GOOD)).digest
    other = "# a comment\n" + GOOD.replace('met: ["坐席: 您好"]', 'met: ["坐席: 您好啊"]').replace(
        "points: 5", "points:   5"
    )
    assert load_scorecard(written(tmp_path, other)).digest == digest
    assert digest.startswith("sha256:")


def test_digest_depends_on_content(tmp_path: Path) -> None:
    digest = load_scorecard(written(tmp_path, GOOD)).digest
    assert load_scorecard(written(tmp_path, GOOD.replace("points: 5", "points: 6"))).digest != digest


@pytest.mark.parametrize(
    ("change", "line", "path", "words"),
    [
        (("points: 5", "pionts: 5"), 13, "criteria[greeting].pionts", "did you mean 'points'"),
        (("phrase: 您好", "phrase: {any: [您好], by: agnet}"), 14, "phrase.by", "did you mean 'agent'"),
        (("phrase: 您好", "prase: 您好"), 14, "criteria[greeting].prase", "did you mean 'phrase'"),
        (("phrase: 您好", "phrase: {any: [您好], windw: {turns: 1}}"), 14, "phrase.windw", "did you mean 'window'"),
        (("phrase: 您好", "phrase: {any: [您好], window: {turns: one}}"), 14, "window.turns", "1..2"),
        (("phrase: 您好", 'phrase: "[您"'), 14, "phrase", "lacks ']'"),
        (("phrase: 您好", "phrase: 您好<nummer>"), 14, "phrase", "did you mean 'number'"),
        (("phrase: 您好", "phrase: 嗯"), 14, "phrase", "could match nothing"),
        (("phrase: 您好", "phrase: []"), 14, "phrase", "at least one phrase"),
        (
            ("phrase: 您好", "phrase: 您好\n    act: greeting"),
            10,
            "criteria[greeting]",
            "phrase + act stand side by side",
        ),
        (("phrase: 您好", "condition: upst"), 14, "condition", "did you mean 'upset'"),
        (("phrase: 您好", "phrase: 您好\n    applies_when: upst"), 15, "applies_when", "did you mean 'upset'"),
        (("phrase: 您好", "sequence: {expect: upset}"), 14, "sequence", "after, before and around"),
        (("phrase: 您好", "sequence: {after: upset, expect: upset, within: 2}"), 14, "within", "2 turns"),
        (("phrase: 您好", "tone: {of: politeness}"), 14, "tone", "above or below"),
        (("phrase: 您好", "measure: {name: lenght, above: 1}"), 14, "measure.name", "no measure 'lenght'"),
        (("phrase: 您好", "class: {}"), 14, "class", "complaint_type"),
        (("phrase: 您好", "attribute: {name: queue}"), 14, "attribute", "is, not"),
        (("points: 5", "points: -5"), 13, "points", "greater than 0"),
        (("points: 5", "points: viel"), 13, "points", "must be a number"),
        (("points: 5", "source: S0"), 10, "criteria[greeting]", "No worth"),
        (("points: 5", "points: 5\n    deduct: 3"), 10, "criteria[greeting]", "exclude one another"),
        (("points: 5", "points: 5\n    each: true"), 10, "criteria[greeting]", "each goes with deduct"),
        (("section: opening", "section: openning"), 12, "section", "did you mean 'opening'"),
        (("id: greeting", "id: Greeting"), 10, "id", "lower-case"),
        (("pass: 80", "pass: 180"), 4, "pass", "at most 100"),
        (('version: "1.0"\n', ""), 1, "", "required key version is missing"),
        (("{zh: 测试, en: Test}", "{zh: 测试}"), 3, "title", "required key en is missing"),
    ],
)
def test_fault_is_told_with_line_path_and_expectation(
    tmp_path: Path, change: tuple[str, str], line: int, path: str, words: str
) -> None:
    problem = problems_of(tmp_path, change)[0]
    assert problem.severity == "error"
    assert problem.where.startswith(f"{tmp_path / 'card.yaml'}:{line}")
    assert path in problem.where
    assert words in f"{problem.message} {problem.fix}"


def test_all_faults_are_told_in_order_of_lines(tmp_path: Path) -> None:
    changes = (("pass: 80", "pass: 180"), ("section: opening", "section: openning"), ("phrase: 您好", "prase: 您好"))
    problems = problems_of(tmp_path, *changes)
    assert [problem.where.split(": ")[0].rsplit(":")[-1] for problem in problems] == ["4", "12", "14"]


def test_loading_a_bad_card_raises_with_all_problems(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("pass: 80", "pass: 180").replace("phrase: 您好", "prase: 您好"))
    with pytest.raises(BadScorecardError, match=r"Z201.*card\.yaml:4: pass") as caught:
        load_scorecard(path)
    assert isinstance(caught.value, ScorecardError)
    assert len(caught.value.problems) == 2


def test_messages_are_chinese_by_default(tmp_path: Path) -> None:
    problem = validate(written(tmp_path, GOOD.replace("pass: 80", "pass: 180")))[0]
    assert problem.message == "pass 的值 180 太大，不能大于 100"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id: [", "something should stand here"),
        ("- a\n- b\n", "key: value"),
        ("", "The file is empty"),
        (GOOD + "id: again\n", "The key id stands here twice (first in line 1)"),
        ("id: &it [*it]", "refers to what it stands in itself"),
        ("[a]: b", "a key must be plain text"),
    ],
)
def test_what_is_no_scorecard_at_all(tmp_path: Path, text: str, words: str) -> None:
    (problem,) = validate(written(tmp_path, text), language="en")
    assert words in problem.message


def test_words_that_other_yaml_dialects_take_for_values_stay_text(tmp_path: Path) -> None:
    text = GOOD.replace("title: 开场问候", "title: on").replace("phrase: 您好", "phrase: [no, 您好]")
    card = load_scorecard(written(tmp_path, text))
    assert card.criteria[0].title.zh == "on"
    assert card.criteria[0].expression.params.any == ("no", "您好")


def test_values_may_be_shared_by_anchor(tmp_path: Path) -> None:
    text = GOOD.replace("title: 开场问候", "title: &name 开场问候").replace(
        "opening: {zh: 开场, en: Opening}", "opening: 开场"
    )
    card = load_scorecard(written(tmp_path, text + "flag:\n  - {id: x, when: {phrase: *name}, priority: 1}\n"))
    when = card.flag[0].when
    assert when is not None
    assert when.params.any == ("开场问候",)


def test_missing_file_names_the_shipped_cards(tmp_path: Path) -> None:
    (problem,) = validate(tmp_path / "none.yaml", language="en")
    assert problem.message == "There is no such file"
    assert "hotline" in problem.fix


def test_unknown_id_suggests_the_closest(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match="did you mean 'hotline'"):
        find_scorecard("hotlin", language="en")


def test_condition_in_a_circle(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, ("  upset: {", "  a: b\n  b: {not: a}\n  upset: {"))
    assert problem.message == "a refers to itself in a circle: a → b → a"
    assert problem.where.endswith(":8: conditions.a")


def test_double_id(tmp_path: Path) -> None:
    again = GOOD.split("criteria:\n")[1]
    (problem,) = [p for p in validate(written(tmp_path, GOOD + again), language="en") if p.severity == "error"]
    assert "greeting is used twice" in problem.message
    assert ":19: " in problem.where


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{priority: 0.5}", "exactly one trigger"),
        ("{fatal: true, random: 3%, priority: 0.5}", "exactly one trigger"),
        ("{when: upset, priority: 0.5}", "needs an id"),
        ("{unmet: [greting], priority: 0.5}", "did you mean 'greeting'"),
        ("{fatal: true, priority: 5}", "at most 1"),
        ("{id: x, when: upst, priority: 0.5}", "did you mean 'upset'"),
        ("{random: 300%, priority: 0.5}", "at most 1"),
    ],
)
def test_wrong_flag_rule(tmp_path: Path, rule: str, words: str) -> None:
    problem = problems_of(tmp_path, ("criteria:\n", f"flag:\n  - {rule}\ncriteria:\n"))[0]
    assert words in f"{problem.message} {problem.fix}"


def test_example_that_differs_is_an_error(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, ('unmet: ["坐席: 说吧"]', 'unmet: ["坐席: 您好，说吧"]'))
    assert "should be unmet but is met" in problem.message
    assert "examples.unmet[0]" in problem.where


def test_example_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, ('unmet: ["坐席: 说吧"]', 'unmet: ["说吧"]'))
    assert "cannot be read" in problem.message


ACT = (("phrase: 您好", "act: greeting"),)


def test_example_that_needs_a_reader_is_noted(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, *ACT)
    assert (problem.severity, problem.message[:2]) == ("advice", "2 ")


def test_example_is_read_where_a_reader_is_at_hand(tmp_path: Path) -> None:
    def reader(conversation: Conversation) -> Conversation:
        from dataclasses import replace

        read = [Reading(acts={"greeting": 0.9 if "您好" in turn.text else 0.1}) for turn in conversation.turns]
        return replace(conversation, readings=tuple(read))

    path = written(tmp_path, GOOD.replace(*ACT[0]))
    assert validate(path, reader=reader) == ()


@pytest.mark.parametrize(
    ("operator", "read"),
    [
        ("phrase: 您好", False),
        ("measure: {name: longest_silence, above: 5}", False),
        ("measure: {name: politeness, above: 0.5}", True),
        ("attribute: duration > 60", False),
        ("attribute: politeness > 0.5", True),
        ("hold: {asked: [稍等], thanked: [久等]}", False),
        ("hold: {asked: [稍等], thanked: [久等], read: 0.6}", True),
        ("flow: {steps: {hello: {expect: {act: greeting}}}}", True),
        ("phrase: {any: [您好], window: {after: {condition: heard}}}", True),
    ],
)
def test_the_reader_is_asked_only_where_an_operator_rests_on_it(tmp_path: Path, operator: str, read: bool) -> None:
    asked = []

    def reader(conversation: Conversation) -> Conversation:
        asked.append(conversation)
        return conversation

    text = GOOD.replace("phrase: 您好", operator).replace("conditions:\n", "conditions:\n  heard: {act: greeting}\n")
    validate(written(tmp_path, text), reader=reader)
    assert bool(asked) is read


def test_idle_section_and_missing_examples_are_pointed_out(tmp_path: Path) -> None:
    text = (GOOD.split("    examples:")[0] + "    unless: upset\n").replace(
        "opening: {zh", "closing: 结尾, opening: {zh"
    )
    assert sorted(p.severity for p in validate(written(tmp_path, text))) == ["advice", "warning"]


@pytest.mark.parametrize(
    ("phrase", "text"), [("[您好, 早上好, 您好]", "您好"), ('"(您|你|您)好"', "您"), ('"你[好|好]啊"', "好")]
)
def test_wording_that_stands_twice_is_pointed_out(tmp_path: Path, phrase: str, text: str) -> None:
    path = written(
        tmp_path, GOOD.replace("phrase: 您好", f"phrase: {phrase}").replace("坐席: 您好", "坐席: 你好啊您好")
    )
    (problem,) = validate(path, language="en")
    assert (problem.severity, problem.message) == ("warning", f"'{text}' stands here twice")
    assert ":14: criteria[greeting].phrase" in problem.where


def test_lists_are_shared_by_patterns(tmp_path: Path) -> None:
    text = GOOD.replace("phrase: 您好", "phrase: <hello>") + "lists: {hello: [您好, 早上好]}\n"
    assert validate(written(tmp_path, text)) == ()


def test_dialogue_reads_speakers_times_and_certainty() -> None:
    conversation = dialogue("[0.5-2] 坐席(0.8): 您好，請講\n顾客: 喂\n[3] bot: 在")
    first, second, third = conversation.turns
    assert (first.start, first.end, first.confidence, first.text) == (0.5, 2.0, 0.8, "您好，请讲")
    assert (second.speaker.value, second.start, second.confidence) == ("customer", None, None)
    assert (third.speaker.value, third.start, third.end) == ("bot", 3.0, None)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_is_in_the_overview(name: str) -> None:
    """Its parameters are told on its own page, which `test_kinds_manual.py` sees to."""
    text = (Path(__file__).parents[1] / "docs" / "scorecards.md").read_text(encoding="utf-8")
    assert f"| `{name}" in text


@pytest.mark.parametrize("name", shipped_scorecards())
def test_shipped_cards_are_right(name: str) -> None:
    problems = [problem for problem in validate(Path(find_scorecard(name).source)) if problem.severity != "advice"]
    assert problems == []
