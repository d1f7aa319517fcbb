"""Turns as token numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.utterance import Utterance
from models.utterance.spelling import EARLIER, SPECIAL, TEXT_HEAD, TEXT_TAIL, Spelling

SPELLING = Spelling([*SPECIAL, *"您好a1，请问"])


def words(tokens: tuple[int, ...]) -> list[str]:
    return [SPELLING.tokens[token] for token in tokens]


def test_a_turn_is_spelled_after_its_role_one_character_a_token() -> None:
    spelled = SPELLING.spell("agent", "您好")
    assert words(spelled.tokens) == ["[CLS]", "[unused1]", "您", "好", "[SEP]"]
    assert spelled.segments == (0, 0, 0, 0, 0)


def test_what_was_said_before_stands_behind_latest_first() -> None:
    before = (Utterance("agent", "请"), Utterance("customer", "问"))
    spelled = SPELLING.spell("agent", "好", before)
    assert words(spelled.tokens)[4:] == ["[unused2]", "问", "[SEP]", "[unused1]", "请", "[SEP]"]
    assert spelled.segments == (0, 0, 0, 0, 1, 1, 1, 1, 1, 1)


def test_full_width_and_capital_letters_are_folded() -> None:
    assert words(SPELLING.spell("customer", "Ａ１").tokens)[2:4] == ["a", "1"]


def test_an_unknown_character_is_unknown_and_blanks_are_skipped() -> None:
    spelled = SPELLING.spell("customer", "您 龘")
    assert words(spelled.tokens)[2:4] == ["您", "[UNK]"]
    assert spelled.places == (0, 2)


def test_a_long_turn_keeps_its_head_and_its_tail() -> None:
    text = "您" * TEXT_HEAD + "好" * 50 + "请" * TEXT_TAIL
    spelled = SPELLING.spell("customer", text)
    assert len(spelled.places) == TEXT_HEAD + TEXT_TAIL
    assert spelled.places[TEXT_HEAD] == len(text) - TEXT_TAIL


def test_of_a_long_turn_before_the_end_is_kept() -> None:
    spelled = SPELLING.spell("agent", "好", (Utterance("customer", "您" * 90 + "问"),))
    assert sum(spelled.segments) == EARLIER[0] + 2
    assert words(spelled.tokens)[-2] == "问"


def test_a_vocabulary_is_read_as_it_was_written(tmp_path: Path) -> None:
    SPELLING.save(tmp_path / "vocab.txt")
    assert Spelling.load(tmp_path / "vocab.txt").tokens == SPELLING.tokens


def test_a_vocabulary_without_the_special_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks \[PAD\]"):
        Spelling(["您"])
