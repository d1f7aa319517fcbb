"""Files that cards share: what is taken, where errors point, and that the whole is what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.check import validate
from pipeline.scorecard import BadScorecardError, Scorecard, find_scorecard, load_scorecard

CARD = """\
id: test
version: "1"
title: 测试
pass: 60
{include}
criteria:
  - id: greeting
    title: 问候
    section: s
    points: 5
    phrase: "<hello>"
"""
HELLO = "lists:\n  hello: [您好, 早上好]\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def card(folder: Path, include: str, **parts: str) -> Scorecard:
    for name, text in parts.items():
        written(folder, f"{name}.yaml", text)
    return load_scorecard(written(folder, "card.yaml", CARD.format(include=include)), language="en")


def test_a_list_of_an_included_file_is_the_cards_own(tmp_path: Path) -> None:
    assert card(tmp_path, "include: hello.yaml", hello=HELLO).lists["hello"] == ("您好", "早上好")


def test_shared_wording_counts_like_wording_in_the_card(tmp_path: Path) -> None:
    apart = card(tmp_path, "include: [hello.yaml]", hello=HELLO)
    whole = card(tmp_path, HELLO)
    assert apart.digest == whole.digest


def test_changed_wording_of_an_included_file_is_another_card(tmp_path: Path) -> None:
    before = card(tmp_path, "include: [hello.yaml]", hello=HELLO).digest
    assert card(tmp_path, "include: [hello.yaml]", hello=HELLO.replace("早上好", "晚上好")).digest != before


def test_what_is_said_first_counts(tmp_path: Path) -> None:
    other = "lists:\n  hello: [喂]\n  bye: [再见]\n"
    made = card(tmp_path, "include: [hello.yaml, other.yaml]", hello=HELLO, other=other)
    assert made.lists == {"hello": ("您好", "早上好"), "bye": ("再见",)}
    own = card(tmp_path, "include: [hello.yaml]\nlists: {hello: [上午好]}", hello=HELLO)
    assert own.lists["hello"] == ("上午好",)


def test_criteria_of_an_included_card_follow_and_own_ones_replace_them(tmp_path: Path) -> None:
    base = "id: base\nversion: '9'\ntitle: 底稿\n" + CARD.format(include=HELLO).split("title: 测试\n")[1]
    base += base[base.index("  - id") :].replace("id: greeting", "id: again")
    made = card(tmp_path, "include: base.yaml", base=base.replace("points: 5", "points: 7"))
    assert [(criterion.id, criterion.points) for criterion in made.criteria] == [("greeting", 5), ("again", 7)]
    assert (made.id, made.version, made.title.zh) == ("test", "1", "测试")


def test_included_files_may_include(tmp_path: Path) -> None:
    inner = "include: deep/hello.yaml\n"
    written(tmp_path, "deep/hello.yaml", HELLO)
    assert card(tmp_path, "include: [inner.yaml]", inner=inner).lists["hello"] == ("您好", "早上好")


def test_a_card_elsewhere_finds_the_shipped_wording(tmp_path: Path) -> None:
    assert "您好" in str(card(tmp_path, "include: [lexicons/opening.yaml]").lists["hello"])


def test_the_whole_card_needs_no_other_file(tmp_path: Path) -> None:
    made = card(tmp_path, "include: [hello.yaml]", hello=HELLO)
    alone = load_scorecard(written(tmp_path / "elsewhere", "alone.yaml", made.text))
    assert (alone.digest, alone.lists) == (made.digest, made.lists)


def test_a_card_without_included_files_keeps_its_own_text(tmp_path: Path) -> None:
    made = card(tmp_path, HELLO + "# so 问候\n")
    assert made.text == Path(made.source).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("include", "parts", "where", "words"),
    [
        ("include: [hallo.yaml]", {}, "card.yaml:5: include[0]", "neither beside this file"),
        ("include: lexicons/openin.yaml", {}, "card.yaml:5: include", "did you mean 'lexicons/opening.yaml'"),
        ("include: [hello.txt]", {}, "card.yaml:5: include[0]", "names of .yaml files"),
        ("include: {a: b}", {}, "card.yaml:5: include", "names of .yaml files"),
        ("include: [card.yaml]", {}, "card.yaml:5: include[0]", "includes itself"),
        ("include: a.yaml", {"a": "include: b.yaml\n", "b": "include: a.yaml\n"}, "b.yaml:1: include", "itself"),
        ("include: [a.yaml]", {"a": "lists:\n  hello: [您好\n"}, "a.yaml:", "is not closed"),
        ("include: [a.yaml]", {"a": "lists:\n  hello: '[您好'\n"}, "a.yaml:2: lists.hello", "lacks ']'"),
        ("include: [a.yaml]", {"a": HELLO + "lits: {}\n"}, "a.yaml:3: lits", "did you mean 'lists'"),
        (
            "include: [a.yaml]",
            {"a": HELLO + "criteria:\n  - id: bye\n    title: x\n    section: s\n    points: 1\n    phrse: x\n"},
            "a.yaml:8: criteria[bye].phrse",
            "did you mean 'phrase'",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_file_and_line(
    tmp_path: Path, include: str, parts: dict[str, str], where: str, words: str
) -> None:
    with pytest.raises(BadScorecardError) as caught:
        card(tmp_path, include, **parts)
    told = [str(problem) for problem in caught.value.problems]
    assert any(where in line and words in line for line in told), told


def test_problems_of_examples_in_an_included_file_point_there(tmp_path: Path) -> None:
    part = HELLO + "criteria:\n  - id: bye\n    title: 道别\n    section: s\n    points: 1\n    phrase: 再见\n"
    card(tmp_path, "include: [a.yaml]", a=part + '    examples:\n      met: ["坐席: 好。"]\n')
    problems = [p for p in validate(tmp_path / "card.yaml", language="en") if p.severity == "error"]
    assert [p.where.split("/")[-1] for p in problems] == ["a.yaml:10: criteria[bye].examples.met[0]"]


def test_a_shipped_card_can_be_changed_in_part(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "scorecards.md").read_text(encoding="utf-8")
    example = text.split("## Shared files")[1].split("```yaml\n")[1].split("```")[0]
    night, hotline = load_scorecard(written(tmp_path, "night.yaml", example)), find_scorecard("hotline")
    assert {criterion.id for criterion in night.criteria} == {criterion.id for criterion in hotline.criteria}
    assert (night.pass_mark, night.bands) == (75, hotline.bands)
    assert night.criterion("greeting").expression.operator == "phrase"
