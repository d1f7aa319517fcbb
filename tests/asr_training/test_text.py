"""The training text: templates, numbers in words, sounds, vocabulary."""

from __future__ import annotations

import random

import pytest

from models.asr.training.grammar import Grammar, Template
from models.asr.training.numerals import in_words, read_digits
from models.asr.training.sounds import SOUNDS, clean, pinyin, sounds_of
from models.asr.training.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"),
        (10, "十"),
        (14, "十四"),
        (20, "二十"),
        (105, "一百零五"),
        (110, "一百一十"),
        (2002, "二千零二"),
        (20_300, "两万零三百"),
    ],
)
def test_numbers_are_read_as_spoken(number: int, words: str) -> None:
    assert in_words(number) == words


def test_telephone_digits_say_yao_for_one() -> None:
    assert read_digits("1380", yao=True) == "幺三八零"


def test_choices_nest_and_may_be_empty() -> None:
    grammar = Grammar([], {"who": ["您", "你"]})
    said = {grammar.expand("[请|]问{who}[要[买|退]|]货", random.Random(seed)) for seed in range(200)}
    assert said == {f"{a}问{who}{b}货" for a in ("请", "") for who in "您你" for b in ("要买", "要退", "")}


@pytest.mark.parametrize("pattern", ["[您好", "您好]吗", "{nobody}"])
def test_a_wrong_template_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|closed|unknown slot"):
        Grammar([], {}).expand(pattern, random.Random(0))


def test_held_out_templates_are_never_trained_on() -> None:
    grammar = Grammar.shipped()
    assert not {t.pattern for t in grammar.trained} & {t.pattern for t in grammar.held_out}
    assert 50 < len(grammar.held_out) < len(grammar.trained)


def test_the_shipped_corpus_is_written_as_spoken() -> None:
    allowed = set("，。？！ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    grammar, rng = Grammar.shipped(), random.Random(3)
    wrong = {
        (template.pattern, c)
        for template in grammar.templates
        for c in grammar.expand(template.pattern, rng)
        if c not in allowed and not "一" <= c <= "鿿"
    }
    assert not wrong


def test_every_role_and_fault_has_templates() -> None:
    acts = {(t.role, t.act) for t in Grammar.shipped().templates}
    wanted = [
        "greeting",
        "identity_check",
        "empathy",
        "time_commitment",
        "farewell",
        "shirking",
        "over_promise",
        "slang",
    ]
    assert {("agent", act) for act in wanted} | {("customer", "threat"), ("customer", "complaint")} <= acts


def test_clean_keeps_what_the_model_can_write() -> None:
    assert clean("您好、请问:“A三”…… 订单(12)!!") == "您好，请问，A三。订单！"


def test_polyphones_are_read_in_context() -> None:
    assert [s[0] for s in pinyin("银行重庆长大") if s] == ["yin2", "hang2", "chong2", "qing4", "zhang3", "da4"]


@pytest.mark.parametrize(
    ("syllable", "sounds"),
    [("yuan2", ["van2"]), ("juan3", ["j", "van3"]), ("jiu3", ["j", "iou3"]), ("wu3", ["u3"]), ("zhi4", ["zh", "i4"])],
)
def test_syllables_split_into_initial_and_toned_final(syllable: str, sounds: list[str]) -> None:
    assert [SOUNDS[n] for n in sounds_of(syllable)] == sounds


def test_vocabulary_is_multilingual_and_in_whispers_order() -> None:
    vocabulary = Vocabulary(("您", "好"))
    assert vocabulary.tokens[0] == ""
    assert vocabulary["<|startoftranscript|>"] == vocabulary["<|endoftext|>"] + 1
    assert vocabulary["<|0.00|>"] == vocabulary["<|notimestamps|>"] + 1
    assert vocabulary.timestamp(1.0) == vocabulary["<|1.00|>"]
    assert len(vocabulary) == vocabulary["<|30.00|>"] + 1


def test_text_survives_the_vocabulary() -> None:
    vocabulary = Vocabulary(("您", "好"))
    assert vocabulary.decode(vocabulary.encode("您好，B！")) == "您好，B！"


def test_templates_know_role_and_act() -> None:
    assert all(isinstance(t, Template) and t.role in {"agent", "customer", "any"} for t in Grammar.shipped().templates)
