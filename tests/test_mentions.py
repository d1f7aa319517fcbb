"""Many names and sentences are found in a text: names where they stand alone, sentences anywhere."""

from __future__ import annotations

import pytest

from pipeline.mentions import Mentions


@pytest.mark.parametrize("text", ["C-1", "见 C-1。", '<a href="C-1.html">', "C-1/C-12"])
def test_a_name_is_found_where_it_stands_alone(text: str) -> None:
    assert Mentions(["C-1"]).within(text)


@pytest.mark.parametrize("text", ["", "C-12", "C-1-2", "AC-1", "通话C-1", "C-1_备份"])
def test_a_longer_name_is_another(text: str) -> None:
    assert not Mentions(["C-1"]).within(text)


def test_a_sentence_is_found_within_others() -> None:
    assert Mentions(["C-1"], ["把地板泡了"]).within("热水器漏水把地板泡了呀")


def test_nothing_finds_nothing() -> None:
    assert not Mentions([]).within("您好")
