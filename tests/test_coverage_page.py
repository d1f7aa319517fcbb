"""docs/coverage.md: every criterion has its paragraphs, every row a criterion that names them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from pipeline.scorecard import Scorecard, find_scorecard, shipped_scorecards

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
ROW = re.compile(r"^\| ([^|]+) \| (S\d [^|]+) \| ([^|]+) \|$", re.M)


@cache
def card(name: str) -> Scorecard:
    return find_scorecard(name)


@cache
def rows() -> tuple[tuple[str, frozenset[str], tuple[tuple[str, str], ...]], ...]:
    """Title, paragraphs, and (card, criterion) of every row."""
    found = []
    for title, paragraphs, criteria in ROW.findall(PAGE.read_text(encoding="utf-8")):
        named = tuple((c.split(": ")[0], c.split(": ")[1]) for c in criteria.strip().split(" · "))
        found.append((title, told(paragraphs), named))
    return tuple(found)


def told(source: str) -> frozenset[str]:
    """`S0 1.1/2.2, S3 3.3` → S0 1.1, S0 2.2, S3 3.3."""
    documents = (part.strip().split(" ", 1) for part in source.split(","))
    return frozenset(f"{name} {number}" for name, numbers in documents for number in numbers.split("/"))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_criteria_of_a_row_name_its_paragraphs(row: tuple[str, frozenset[str], tuple[tuple[str, str], ...]]) -> None:
    _, paragraphs, criteria = row
    sources = [told(card(name).criterion(criterion).source) for name, criterion in criteria]
    for (name, criterion), source in zip(criteria, sources, strict=True):
        assert source & paragraphs, (name, criterion, source)
    assert paragraphs <= frozenset().union(*sources)


@pytest.mark.parametrize("name", [name for name in shipped_scorecards() if name != "blank"])
def test_every_criterion_of_a_card_stands_in_a_row(name: str) -> None:
    listed = {criterion for _, _, criteria in rows() for of, criterion in criteria if of in (name, "hotline")}
    assert {criterion.id for criterion in card(name).criteria} <= listed


def test_the_four_cards_share_what_the_page_says_they_share() -> None:
    common = {criterion.id for criterion in card("hotline").criteria}
    assert {criterion.id for criterion in card("online-chat").criteria} == common
    assert common <= {criterion.id for criterion in card("complaint").criteria}
    assert common <= {criterion.id for criterion in card("fmcg").criteria}
