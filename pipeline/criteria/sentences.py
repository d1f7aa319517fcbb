"""Sentences and clauses of a turn, as half-open spans of its text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_CLAUSE = re.compile(r"[^。！？!?；;\n，,]+")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences of `text`, without the signs that end them."""
    return (sentence.span() for sentence in _SENTENCE.finditer(text))


def sentences_and_clauses(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences of `text`, each followed by those of its clauses between commas, if it has several."""
    if "，" not in text and "," not in text:
        yield from sentences(text)
        return
    for start, end in sentences(text):
        yield start, end
        clauses = [clause.span() for clause in _CLAUSE.finditer(text, start, end)]
        if len(clauses) > 1:
            yield from clauses
