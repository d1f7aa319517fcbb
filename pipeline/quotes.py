"""Quotes as people read them: one of a single character says nothing by itself and is told within its clause."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pipeline.conversation import Finding, Turn

AROUND = 12
"""Characters of the clause that are shown on either side at most."""
_LIMIT = re.compile(r"[，。！？；：、,.!?;:\s…～~]")
_QUOTES = {"quote": "turn", "answer": "answer_turn"}
"""Arguments of a reason that quote, and those that number the turn."""


def in_clause(text: str, span: tuple[int, int]) -> str:
    """The clause round some characters of a turn, these in 【】; the characters alone where they are all of it."""
    low, high = span
    before = _LIMIT.split(text[:low])[-1]
    after = _LIMIT.split(text[high:])[0]
    if not before and not after:
        return text[low:high]
    start = f"…{before[-AROUND:]}" if len(before) > AROUND else before
    end = f"{after[:AROUND]}…" if len(after) > AROUND else after
    return f"{start}【{text[low:high]}】{end}"


def readable(finding: Finding, turns: Sequence[Turn]) -> Mapping[str, str | int | float]:
    """The arguments of a finding's reason, with quotes of a single character told within their clauses.

    Args:
        finding: the finding.
        turns: of its conversation; without them quotes stay as they are.
    """
    told = dict(finding.why.args)
    for name, numbered in _QUOTES.items():
        quote = told.get(name)
        if isinstance(quote, str) and len(quote) == 1 and turns:
            told[name] = _told(quote, told.get(numbered), finding, turns)
    return MappingProxyType(told)


def _told(quote: str, number: object, finding: Finding, turns: Sequence[Turn]) -> str:
    texts = {turn.index: turn.text for turn in turns}
    for place in finding.evidence:
        low, high = place.span
        text = texts.get(place.turn, "")
        at = text.find(quote, low, high)
        if at >= 0 and number in (None, place.turn + 1):
            return in_clause(text, (at, at + 1))
    return quote
