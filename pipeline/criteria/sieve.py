"""Which of many patterns can occur in a text at all, told in one pass over the text.

A pattern cannot occur without certain literal texts. All such texts of all patterns stand in one automaton (Aho and
Corasick 1975: Efficient string matching); only patterns whose texts it finds need to be tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import ahocorasick

Clause: TypeAlias = frozenset[str]
"""Literal texts one of which must occur."""

CLAUSES = 3
"""So many clauses of each pattern are held against a text, those that are met least often."""
_MOST_PATTERNS = 6000
_USUAL = 0.04
"""How often a character stands at a place, roughly; only the order of clauses depends on it."""


class Sieve:
    """Numbers the patterns given to it, and says for a text which numbers can occur in it.

    A number takes `CLAUSES` bits of an integer, one a clause. The sieve may be shared between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found_by: dict[str, int] = {}
        self._free = 0
        self.count = 0
        self._built: _Built | None = None

    @property
    def full(self) -> bool:
        """Whether it holds so many patterns that a new sieve should be begun."""
        return self.count >= _MOST_PATTERNS

    def add(self, clauses: Sequence[Clause]) -> int:
        """Take in a pattern that needs all `clauses`; gives its bit in what `passing` says."""
        with self._lock:
            place = self.count * CLAUSES
            for layer, clause in enumerate(sorted(clauses, key=_how_often)[:CLAUSES]):
                for text in clause:
                    self._found_by[text] = self._found_by.get(text, 0) | 1 << (place + layer)
            for layer in range(min(CLAUSES, len(clauses)), CLAUSES):
                self._free |= 1 << (place + layer)
            self.count += 1
            self._built = None
            return 1 << place

    def passing(self, text: str) -> int:
        """The bits of the patterns whose clauses are all met by `text`; bits of no pattern may be set too."""
        built = self._built or self._build()
        met = built.free
        for _, bits in built.automaton.iter(text):
            met |= bits
        found = met
        for layer in range(1, CLAUSES):
            found &= met >> layer
        return found

    def _build(self) -> _Built:
        with self._lock:
            automaton = ahocorasick.Automaton()
            # An automaton must not be empty, and no matching form holds a line break.
            automaton.add_word("\n", 0)
            for text, bits in self._found_by.items():
                automaton.add_word(text, bits)
            automaton.make_automaton()
            self._built = _Built(automaton, self._free)
            return self._built


@dataclass(frozen=True, slots=True)
class _Built:
    """The automaton, and the bits that need nothing."""

    automaton: ahocorasick.Automaton
    free: int


class Sifted:
    """What a sieve of so many `patterns` lets through of the turns of one conversation, each held against it once."""

    def __init__(self, sieve: Sieve, text: Callable[[int], str]) -> None:
        """With the text of a turn by its index."""
        self.patterns = sieve.count
        self._sieve, self._text = sieve, text
        self._turn: dict[int, int] = {}
        self._turns: dict[tuple[int, ...], int] = {}

    def turn(self, index: int) -> int:
        """The bits of the patterns that can occur in one turn."""
        found = self._turn.get(index)
        if found is None:
            found = self._turn[index] = self._sieve.passing(self._text(index))
        return found

    def turns(self, indices: tuple[int, ...]) -> int:
        """The bits of the patterns that can occur in some of these turns."""
        found = self._turns.get(indices)
        if found is None:
            known = self._turn
            found = 0
            for index in indices:
                found |= known[index] if index in known else self.turn(index)
            self._turns[indices] = found
        return found


def one_of(clauses: Iterable[Sequence[Clause]]) -> tuple[Clause, ...]:
    """What a choice between branches needs: the rarest clause of any branch; nothing if a branch needs nothing."""
    rarest = [min(branch, key=_how_often) if branch else None for branch in clauses]
    if None in rarest or not rarest:
        return ()
    return (frozenset().union(*(clause for clause in rarest if clause is not None)),)


def _how_often(clause: Clause) -> tuple[float, int]:
    return sum(_USUAL ** len(text) for text in clause), len(clause)
