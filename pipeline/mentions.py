"""Looking for many names and sentences in a text at once, in a time that does not grow with how many there are."""

from __future__ import annotations

from collections.abc import Iterable

import ahocorasick


class Mentions:
    """Tells whether a text mentions one of many words (Aho and Corasick, 1975).

    Args:
        names: found where they stand alone: neither a letter, a digit, `_` nor `-` is beside them.
        sentences: found anywhere.
    """

    def __init__(self, names: Iterable[str], sentences: Iterable[str] = ()) -> None:
        self._automaton = ahocorasick.Automaton()
        for name in names:
            self._automaton.add_word(name, len(name))
        for sentence in sentences:
            self._automaton.add_word(sentence, 0)
        self._automaton.make_automaton()

    def __len__(self) -> int:
        return len(self._automaton)

    def within(self, text: str) -> bool:
        """Whether one of the words is in `text`."""
        if not self:
            return False
        return any(not name or _alone(text, end - name + 1, end + 1) for end, name in self._automaton.iter(text))


def _alone(text: str, start: int, end: int) -> bool:
    return not (_joins(text[start - 1 : start] if start else "") or _joins(text[end : end + 1]))


def _joins(character: str) -> bool:
    return character.isalnum() or character in ("_", "-")
