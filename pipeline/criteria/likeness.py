"""How alike two sentences are in their wording, 0…1."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from pipeline.text import matching_form


def likeness(one: str, other: str, *, least: float = 0.0) -> float:
    """How alike two matching forms are: the mean of two measures that each see what the other does not.

    One is the Dice coefficient of their single characters and pairs of characters (order hardly matters), the other
    their Indel similarity (rapidfuzz `ratio`: order matters). On turns that were not written for it the mean finds more
    at the same rate of false hits than either (`bench/similar.py`; docs/accuracy.md has the figures).

    Args:
        one: a matching form (`pipeline.text.matching_form`).
        other: another.
        least: where the score cannot reach this, 0 is returned without counting further.
    """
    from rapidfuzz.fuzz import ratio

    both = len(one) + len(other)
    if not both or 2 * min(len(one), len(other)) / both < least:
        return 0.0
    ordered = ratio(one, other) / 100
    if (1 + ordered) / 2 < least:
        return 0.0
    grams, others = _grams(one), _grams(other)
    if len(grams) > len(others):
        grams, others = others, grams
    shared = sum(min(count, others[gram]) for gram, count in grams.items() if gram in others)
    return (2 * shared / (2 * both - 2 + (not one) + (not other)) + ordered) / 2


@lru_cache(maxsize=8192)
def _grams(form: str) -> Counter[str]:
    return Counter(form) + Counter(form[place : place + 2] for place in range(len(form) - 1))


def plain(text: str) -> str:
    """The form of `text` that is compared."""
    return matching_form(text).text
