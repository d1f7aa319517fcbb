"""The sieve: only patterns that can occur are tried, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reading import conversations
from models.utterance import CueReader
from pipeline.conversation import Conversation, Speaker, Turn
from pipeline.criteria.index import Index
from pipeline.criteria.patterns import Patterns, every_pattern_tried
from pipeline.criteria.sieve import CLAUSES, Sieve, one_of
from pipeline.dialogue import build
from pipeline.flagging import flag
from pipeline.ingest import ingest_files
from pipeline.reading import read
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score
from pipeline.text import matching_form
from tests.dialogues import talk

ROOT = Path(__file__).parent.parent


def passes(sieve: Sieve, bit: int, text: str) -> bool:
    return bool(sieve.passing(text) & bit)


def test_a_pattern_passes_where_each_of_its_clauses_is_met() -> None:
    sieve = Sieve()
    bit = sieve.add([frozenset(("请问", "请讲")), frozenset(("帮您",))])
    assert passes(sieve, bit, "您好请问有什么可以帮您")
    assert passes(sieve, bit, "我帮您请讲")
    assert not passes(sieve, bit, "您好请问")
    assert not passes(sieve, bit, "我帮您")


def test_a_text_within_another_is_seen() -> None:
    sieve = Sieve()
    long, short = sieve.add([frozenset(("为您服务",))]), sieve.add([frozenset(("您",))])
    assert passes(sieve, short, "很高兴为您服务")
    assert passes(sieve, long, "很高兴为您服务")
    assert passes(sieve, short, "谢谢您")
    assert not passes(sieve, long, "谢谢您")


def test_a_pattern_without_clauses_always_passes() -> None:
    sieve = Sieve()
    bit = sieve.add([])
    assert passes(sieve, bit, "")
    assert passes(sieve, bit, "您好")


def test_a_pattern_that_is_added_later_is_seen_in_a_text_known_before() -> None:
    sieve = Sieve()
    sieve.add([frozenset(("再见",))])
    assert not passes(sieve, 1 << CLAUSES, "请稍等")
    assert passes(sieve, sieve.add([frozenset(("稍等",))]), "请稍等")


def test_a_conversation_is_sifted_again_for_patterns_that_are_added_later() -> None:
    index = Index(talk("坐席: 请稍等"))
    first = Patterns(("再见",)).written
    assert not index.sifted(first).turn(0) & first.bits
    later = Patterns(("稍等片刻", "稍等")).written
    assert first.sieve is later.sieve
    assert list(later.worth_searching(index.sifted(later), (0,))) == [0]


def test_turns_that_were_not_heard_hold_no_sounds_of_heard_turns() -> None:
    index = Index(talk("坐席: 请稍等\n坐席(0.9): 请稍等"))
    patterns = Patterns(("稍等",)).heard(near=True)
    assert list(patterns.worth_searching(index.sifted(patterns, unheard=False), (0, 1))) == [1]
    assert list(patterns.worth_searching(index.sifted(patterns), (0, 1))) == [0, 1]


def test_a_choice_needs_what_its_branches_need() -> None:
    assert one_of([[frozenset(("稍等",))], [frozenset(("等",)), frozenset(("一下",))]]) == (
        frozenset(("稍等", "一下")),
    )
    assert one_of([[frozenset(("稍等",))], []]) == ()


PIECES = (
    "您好",
    "请",
    "[请]",
    "(等|候|稍等)",
    "(您|)",
    "…",
    "<any 1-2>",
    "<number>",
    "<digits>",
    "<time>",
    "<名>",
    "^",
    "$",
    "一下",
)
LISTS = (("名", ("(王|李|张|刘|陈|杨|赵|黄)", "小<any 1>")),)
TEXTS = st.lists(
    st.sampled_from(("您好", "你好", "请", "清", "等", "稍等", "一下", "1024", "三天内", "今天", "王", "小李", "我")),
    max_size=8,
).map("".join)


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(pattern=st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join), text=TEXTS)
def test_no_pattern_loses_an_occurrence(pattern: str, text: str) -> None:
    patterns, form = Patterns((f"{pattern}好", f"您{pattern}"), LISTS), matching_form(text).text
    found = patterns.search(form), patterns.search_sounds(form, near=True, least=1)
    with every_pattern_tried():
        assert found == (patterns.search(form), patterns.search_sounds(form, near=True, least=1))


@cache
def dialogues() -> tuple[Conversation, ...]:
    """Sample calls, written exam dialogues and generated turns: as text, and as if every turn had been heard."""
    waiting = [*_sampled(), *_generated()]
    heard = [replace(c, turns=tuple(replace(turn, confidence=0.9) for turn in c.turns)) for c in waiting]
    return read([*waiting, *heard], reader=CueReader())


def _sampled() -> Iterator[Conversation]:
    files = [*sorted((ROOT / "samples" / "truth").glob("*.json")), ROOT / "bench" / "exam.jsonl"]
    for interaction in ingest_files(files).interactions[::3]:
        yield build(interaction, interaction.turns)


def _generated() -> Iterator[Conversation]:
    for number, said in enumerate(conversations(120)):
        blank = talk("坐席: 您好", interaction_id=f"G{number}")
        turns = [Turn(i, Speaker(u.role), u.text, u.text) for i, u in enumerate(said)]
        yield build(replace(blank.interaction, turns=tuple(turns)), turns)


@pytest.mark.parametrize("name", ["hotline", "online-chat"])
def test_an_evaluation_is_the_same_where_every_pattern_is_tried(name: str) -> None:
    card = find_scorecard(name)

    def scored() -> list[object]:
        evaluations = [score(conversation, card, engine_version="test") for conversation in dialogues()]
        return [(e, flag(e, c, card)) for e, c in zip(evaluations, dialogues(), strict=True)]

    sieved = scored()
    with every_pattern_tried():
        assert sieved == scored()
