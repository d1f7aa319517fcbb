"""Cards with one mistake each: every finding, word for word, in both languages.

`bad_cards/expected.yaml` lists for every card what is found, as `SEVERITY RULE LINE: KEY PATH: MESSAGE → FIX`. After a
sentence was changed on purpose, `python -m tests.test_bad_cards` writes the file anew; read the difference before it is
kept.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.check import validate
from pipeline.i18n import LANGUAGES, Language, area

FOLDER = Path(__file__).parent / "bad_cards"
EXPECTED = FOLDER / "expected.yaml"
CARDS = sorted(path for path in FOLDER.glob("*.yaml") if path != EXPECTED)
KNOWN: dict[str, dict[Language, list[str]]] = (
    yaml.safe_load(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.is_file() else {}
)


def found(card: Path, language: Language) -> list[str]:
    """What is found in a card, without its folder."""
    problems = validate(card, language=language)
    return [
        f"{problem.severity} {problem.rule} {str(problem).removeprefix(str(card)).removeprefix(':')}"
        for problem in problems
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("card", CARDS, ids=lambda path: path.stem)
def test_a_mistake_is_told_word_for_word(card: Path, language: Language) -> None:
    assert found(card, language) == KNOWN[card.stem][language]


def test_every_card_and_every_expectation_has_the_other() -> None:
    assert set(KNOWN) == {card.stem for card in CARDS}


def test_every_check_finds_something_in_some_card() -> None:
    told = {line.split()[1] for lines in KNOWN.values() for line in lines["zh"]}
    rules = {
        key.rsplit(".", 1)[1]
        for key in area("validate")
        if key.startswith(("validate.error.", "validate.warning.", "validate.advice."))
    }
    # these take a missing file, a folder or 100,000 values, see below
    assert rules - told == {"no_file", "unreadable", "yaml_too_large"}


def test_every_rule_is_in_the_manual() -> None:
    manual = (FOLDER.parents[1] / "docs" / "validate.md").read_text(encoding="utf-8")
    rules = [key.split(".")[1:] for key in area("validate") if key.count(".") == 2]
    told = [(severity, rule) for severity, rule in rules if severity in ("error", "warning", "advice")]
    assert [rule for severity, rule in told if f"| `{rule}` | {severity} |" not in manual] == []


def test_a_missing_file_names_the_shipped_cards(tmp_path: Path) -> None:
    (problem,) = validate(tmp_path / "none.yaml", language="en")
    assert (problem.rule, problem.spot.line) == ("no_file", None)
    assert "hotline" in problem.fix


def test_a_folder_is_no_card(tmp_path: Path) -> None:
    (problem,) = validate(tmp_path)
    assert problem.rule == "unreadable"


def test_references_that_multiply_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    tenfold = "".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 10)}]\n" for n in range(8))
    path.write_text(f"l0: &l0 [您好]\n{tenfold}", encoding="utf-8")
    (problem,) = validate(path)
    assert problem.rule == "yaml_too_large"


def _write() -> None:
    lines = [
        "# What is found in each of these cards: severity, rule, line, key path, message → fix.",
        "# test_bad_cards.py says how this file is written anew.",
    ]
    for card in CARDS:
        lines.append(f"{card.stem}:")
        for language in LANGUAGES:
            lines.append(f"  {language}:")
            lines += ["    - '" + text.replace("'", "''") + "'" for text in found(card, language)]
    EXPECTED.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
