"""Cards bent at random: whatever a file holds, it is a card, or findings say where it is none; never a traceback."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.check import validate
from pipeline.conversation import Channel
from pipeline.scorecard import dialogue, find_scorecard, shipped_scorecards
from pipeline.scorecard import read as read_card
from pipeline.scoring import score

STEADY = settings(
    derandomize=True, database=None, deadline=None, max_examples=70, suppress_health_check=list(HealthCheck)
)
"""The same examples every time, and no clock."""
PIECES = tuple(
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "bad_cards").glob("[a-f]*.yaml"))[:20]
)
"""Little cards with mistakes of their own, which are quick to read."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("inf"), float("nan"), 10**30, "", " ", "5分", "80%", "０", "是", "agent",
    "客户", "<hello>", "<", "(您好", "[a|b", "…", "^$", "\\", "<any 9-1>", "(" * 30, "1..2", "2..1", "..", "-1..1",
    "1.2.3..", "3 turns", "0 s", "upset", "greeting", "坐席: 您好", "[1-", "@channel fax", "@reading 9 x=1", "\u2028",
    "𠮷", "<<", "*", [], {}, [[]], [{}], [None], {"a": None}, {"": ""}, {"any": "您好"}, {"not": {"not": "upset"}},
    {"condition": "upset"}, {"turns": 0}, {"phrase": []}, {"before": "1 turns"}, ["您好"] * 3, "x" * 3000,
)  # fmt: skip
"""Values that people hardly write, and programs trip over."""

SIGNS = (
    "", "\t", "  ", "\n", ":", "：", "- ", "[", "]", "{", "}", '"', "'", "&a ", "*a ", "!!x ", "|", "#", "，", "\0",
    "---\n", "%", "<", ">", "..", "0",
)  # fmt: skip
"""What slips into a text."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cards")


def checked(text: str | bytes, folder: Path) -> None:
    """Read and validate; a card that is right scores, one that is not says where."""
    path = folder / "card.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    lines = path.read_bytes().count(b"\n") + 2
    problems = validate(path, language="en")
    for problem in problems:
        assert problem.message
        assert problem.spot.line is not None
        assert 1 <= problem.spot.line <= lines or problem.spot.file != str(path)
    card, _, found = read_card(path)
    assert (card is None) is bool(found)
    if card is not None:
        talk = dialogue("[0-2] 坐席: 您好\n[9-11] 客户(0.4): 太差了\n[2-4] 未知: 嗯", channel=Channel.CALL)
        score(talk, card, engine_version="test")


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything within `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in [(*here, key), *places(item, (*here, key))]]


def bent(card: Any, luck: random.Random) -> Any:
    """The card with one thing deleted, doubled, replaced, moved, renamed or put into another."""
    every = places(card)
    if not every:
        return card
    *above, key = luck.choice(every)
    parent = card
    for part in above:
        parent = parent[part]
    value = parent[key]
    how = luck.randrange(7)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, list):
        parent.insert(luck.randrange(len(parent) + 1), value)
    elif how == 2:
        parent[key] = copy.deepcopy(luck.choice(ODD))
    elif how == 3:
        parent[key] = luck.choice(([value], {"any_of": value}, str(value), {"not": value}, [value, value]))
    elif how == 4 and isinstance(parent, dict):
        name = str(key)
        cut = luck.randrange(len(name) + 1)
        parent[name[:cut] + luck.choice(("", "x", "：", " ", "条件")) + name[cut + 1 :]] = parent.pop(key)
    else:
        other = card
        for part in luck.choice(every)[:-1]:
            other = other[part]
        if isinstance(other, dict):
            other[str(key)] = copy.deepcopy(value)
        elif isinstance(other, list):
            other.append(copy.deepcopy(value))
    return card


@STEADY
@given(seed=st.integers(0, 10**9), bends=st.integers(1, 4), which=st.integers(0, 10**9))
def test_a_shipped_card_with_parts_bent_is_a_card_or_tells_where_it_is_none(
    folder: Path, seed: int, bends: int, which: int
) -> None:
    luck = random.Random(seed)
    names = shipped_scorecards()
    card = yaml.safe_load(find_scorecard(names[which % len(names)]).text)
    # three criteria of the card are enough to break, and quick to read
    if isinstance(card.get("criteria"), list) and len(card["criteria"]) > 3:
        card["criteria"] = luck.sample(card["criteria"], 3)
    for _ in range(bends):
        card = bent(card, luck)
    checked(yaml.safe_dump(card, allow_unicode=True, sort_keys=False), folder)


@STEADY
@given(seed=st.integers(0, 10**9), cuts=st.integers(1, 3))
def test_a_card_with_characters_lost_or_changed_is_a_card_or_tells_where_it_is_none(
    folder: Path, seed: int, cuts: int
) -> None:
    luck = random.Random(seed)
    text = luck.choice(PIECES)
    for _ in range(cuts):
        start = luck.randrange(len(text) + 1)
        end = min(len(text), start + luck.choice((0, 1, 2, 10)))
        piece = luck.choice(SIGNS)
        text = text[:start] + piece + text[end:]
    checked(text, folder)


WORDS = (
    "id: x\n", "version: 1\n", "title: t\n", "pass: 1\n", "criteria:\n", "  - ", "- ", "phrase: ", "any: ", "[", "]",
    "{", "}", ", ", ": ", "：", "\n", "  ", "\t", "'", '"', "|", ">", "&a ", "*a", "? ", "! ", "# ", "您好", "0", "~",
    "%", "lists: {a: <a>}\n", "flag: ", "conditions: ", "\u2028", "\ufeff", "\x07", "...\n", "---\n", "<<: ",
    "settings: ", "include: ",
)  # fmt: skip
YAML_LIKE = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@STEADY
@given(text=st.one_of(YAML_LIKE, st.text(max_size=60)))
@example(text="")
@example(text="[" * 5000)
@example(text="- " * 5000)
@example(text="{a: " * 200)
@example(text="a: &a [*a]")
@example(text="\ud800")
@example(text="pass: 1e400\nversion: 0x" + "f" * 400)
def test_any_text_is_a_card_or_tells_where_it_is_none(folder: Path, text: str) -> None:
    checked(text, folder)


@settings(STEADY, max_examples=25)
@given(content=st.binary(max_size=80))
def test_any_bytes_are_a_card_or_tell_where_they_are_none(folder: Path, content: bytes) -> None:
    checked(content, folder)
