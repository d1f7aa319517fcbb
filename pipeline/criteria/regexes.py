"""Regular expressions that people write into cards: read, judged for runaway search, compiled.

A backtracking search takes exponential time on some text exactly where one stretch of a loop can be read in two ways
(Weideman, van der Merwe, Berglund, Watson: Analyzing matching time behavior of backtracking regular expression
matchers by using ambiguity of NFA, CIAA 2016). The expression is turned into its position automaton (Glushkov 1961),
and is refused where a state of a loop comes back to itself by two different paths over the same characters. Nothing
depends on a clock, so a card is good or bad on every machine.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from importlib import import_module
from operator import or_
from typing import Any

_parser: Any = import_module("re._parser")
_WRITTEN_OUT = 20
"""Counted repetitions up to this are written out; longer ones are taken for endless ones, which judges them harder."""
_POSITIONS = 600
_STEPS = 400_000
_WIDE = 8
"""A counted repetition that leaves so much choice is taken for an endless one too."""
_NEIGHBOURS, _LOOPS = 2, 3
"""So many endless repetitions of the same characters may follow one another with nothing in between, and in all."""
_SAMPLES = "0５a中Zé_ \n，.!-"
"""One character of every sort that classes such as \\d, \\w and \\s tell apart."""


class RegexError(ValueError):
    """A regular expression that cannot be used: `key` of a sentence `scorecard.error.…` and its arguments."""

    def __init__(self, key: str, **args: str | int) -> None:
        self.key, self.args_of = key, args
        super().__init__(f"{key}: {args}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the automaton: what may come first and last in it, and in how many ways each, or nothing, may."""

    first: Counter[int]
    last: Counter[int]
    empty: int


@dataclass(slots=True)
class _Automaton:
    alphabet: str
    classes: list[int] = field(default_factory=list)
    follow: list[Counter[int]] = field(default_factory=list)
    groups: dict[int, Any] = field(default_factory=dict)

    def position(self, characters: int) -> _Part:
        if len(self.classes) >= _POSITIONS:
            raise OverflowError
        self.classes.append(characters)
        self.follow.append(Counter())
        here = Counter({len(self.classes) - 1: 1})
        return _Part(here, here, empty=0)

    def join(self, one: _Part, other: _Part) -> None:
        for place, ways in one.last.items():
            for following, more in other.first.items():
                self.follow[place][following] += ways * more

    def sequence(self, parts: Iterable[_Part]) -> _Part:
        whole = _Part(Counter(), Counter(), empty=1)
        for part in parts:
            self.join(whole, part)
            whole = _Part(
                whole.first + _times(part.first, whole.empty),
                part.last + _times(whole.last, part.empty),
                whole.empty * part.empty,
            )
        return whole


def _times(ways: Counter[int], more: int) -> Counter[int]:
    return Counter({place: count * more for place, count in ways.items()})


@lru_cache(maxsize=1024)
def compiled(source: str) -> re.Pattern[str]:
    """The compiled expression; letters match in both cases.

    Raises:
        RegexError: it is no regular expression, matches the empty text, or may run away.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            expression = re.compile(source, re.IGNORECASE)
            tree = _parser.parse(source, re.IGNORECASE)
    except re.error as error:
        raise RegexError("regex_invalid", regex=source, detail=str(error)) from None
    except (RecursionError, OverflowError, Warning) as error:
        raise RegexError("regex_invalid", regex=source, detail=str(error) or type(error).__name__) from None
    if expression.search(""):
        raise RegexError("regex_empty", regex=source)
    try:
        _judge(source, tree)
    except (RecursionError, OverflowError):
        raise RegexError("regex_large", regex=source) from None
    return expression


def _judge(source: str, tree: Any) -> None:
    automaton = _Automaton("".join(sorted({*_SAMPLES, *_characters(tree)})))
    _build(tree, automaton)
    loops = list(_components({place: set(after) for place, after in enumerate(automaton.follow)}))
    if _crowded(loops, automaton):
        raise RegexError("regex_crowd", regex=source)
    for loop in loops:
        if any(automaton.follow[p][q] > 1 for p in loop for q in automaton.follow[p] if q in loop):
            raise RegexError("regex_runaway", regex=source)
        if _two_ways(loop, automaton):
            raise RegexError("regex_runaway", regex=source)


def _two_ways(loop: set[int], automaton: _Automaton) -> bool:
    """Whether some state of the loop comes back to itself over the same characters by two different paths."""
    edges: dict[tuple[int, int], set[tuple[int, int]]] = {}
    waiting = [(place, place) for place in loop]
    steps = 0
    while waiting:
        pair = waiting.pop()
        if pair in edges:
            continue
        edges[pair] = set()
        for one in automaton.follow[pair[0]]:
            for other in automaton.follow[pair[1]]:
                steps += 1
                if one in loop and other in loop and automaton.classes[one] & automaton.classes[other]:
                    edges[pair].add((one, other))
                    waiting.append((one, other))
        if steps > _STEPS:
            raise OverflowError
    return any(
        any(one == other for one, other in group) and any(one != other for one, other in group)
        for group in _components(edges)
    )


def _components(edges: dict[Any, set[Any]]) -> Iterator[set[Any]]:
    """Strongly connected components that hold a circle (Tarjan 1972, without recursion)."""
    number: dict[Any, int] = {}
    low: dict[Any, int] = {}
    stack: list[Any] = []
    inside: set[Any] = set()
    for root in edges:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        inside.add(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, following = work[-1]
            for other in following:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    inside.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in inside:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    group: set[Any] = set()
                    while node not in group:
                        group.add(stack.pop())
                    inside -= group
                    if len(group) > 1 or node in edges[node]:
                        yield group


def _build(tree: Any, automaton: _Automaton) -> _Part:
    return automaton.sequence([_node(str(operator), value, automaton) for operator, value in tree])


def _node(operator: str, value: Any, automaton: _Automaton) -> _Part:
    nothing = _Part(Counter(), Counter(), empty=1)
    if operator in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return automaton.position(_members(operator, value, automaton.alphabet))
    if operator == "SUBPATTERN":
        if value[0] is not None:
            automaton.groups[value[0]] = value[-1]
        return _build(value[-1], automaton)
    if operator == "GROUPREF":
        return _build(automaton.groups[value], automaton) if value in automaton.groups else nothing
    if operator == "ATOMIC_GROUP":
        return _build(value, automaton)
    if operator in ("ASSERT", "ASSERT_NOT"):
        _build(value[1], automaton)
        return nothing
    if operator == "BRANCH":
        return _either([_build(branch, automaton) for branch in value[1]])
    if operator == "GROUPREF_EXISTS":
        return _either([_build(branch, automaton) if branch else nothing for branch in value[1:]])
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = value
        return _repeat(least, most, body, automaton)
    return nothing


def _either(parts: list[_Part]) -> _Part:
    first: Counter[int] = Counter()
    last: Counter[int] = Counter()
    for part in parts:
        first, last = first + part.first, last + part.last
    return _Part(first, last, sum(part.empty for part in parts))


def _repeat(least: int, most: Any, body: Any, automaton: _Automaton) -> _Part:
    if most <= _WRITTEN_OUT and most - least < _WIDE:
        parts = [_build(body, automaton) for _ in range(most)]
        more = _Part(Counter(), Counter(), empty=1)
        for part in reversed(parts[least:]):
            whole = automaton.sequence([part, more])
            more = _Part(whole.first, whole.last, whole.empty + 1)
        return automaton.sequence([*parts[:least], more])
    part = _build(body, automaton)
    automaton.join(part, part)
    return _Part(part.first, part.last, part.empty + (least == 0))


def _characters(tree: Any) -> Iterator[str]:
    """Every character that an expression names, with its neighbours where it names a range."""
    for operator, value in _nodes(tree):
        if operator in ("LITERAL", "NOT_LITERAL"):
            yield from (chr(value).lower(), chr(value).upper()[:1])
        elif operator == "RANGE":
            for code in (value[0] - 1, *value, value[1] + 1):
                if 0 <= code <= 0x10FFFF:
                    yield chr(code)


def _nodes(tree: Any) -> Iterator[tuple[str, Any]]:
    for operator, value in tree:
        yield str(operator), value
        for inner in _inside(str(operator), value):
            yield from _nodes(inner)


def _inside(operator: str, value: Any) -> list[Any]:
    """The expressions within one node."""
    if operator == "IN":
        return [value]
    if operator in ("SUBPATTERN", "MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [value[-1]]
    if operator == "BRANCH":
        return list(value[1])
    if operator in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    if operator == "GROUPREF_EXISTS":
        return [branch for branch in value[1:] if branch]
    return [value] if operator == "ATOMIC_GROUP" else []


def _members(operator: str, value: Any, alphabet: str) -> int:
    """The characters of `alphabet` that one position takes, as the bits of a number."""
    return sum(1 << place for place, ch in enumerate(alphabet) if _takes(operator, value, ch))


def _takes(operator: str, value: Any, ch: str) -> bool:
    if operator == "LITERAL":
        return ch.lower() == chr(value).lower()
    if operator == "NOT_LITERAL":
        return ch.lower() != chr(value).lower()
    if operator == "ANY":
        return ch != "\n"
    parts = [(str(kind), item) for kind, item in value]
    within = any(_in_class(kind, item, ch) for kind, item in parts)
    return within is not any(kind == "NEGATE" for kind, _ in parts)


def _in_class(kind: str, item: Any, ch: str) -> bool:
    if kind == "LITERAL":
        return ch.lower() == chr(item).lower()
    if kind == "RANGE":
        return any(item[0] <= ord(case) <= item[1] for case in {ch, ch.lower()[:1], ch.upper()[:1]})
    if kind != "CATEGORY":
        return False
    name = str(item).removeprefix("CATEGORY_")
    of = {"DIGIT": ch.isdigit(), "SPACE": ch.isspace(), "WORD": ch.isalnum() or ch == "_"}
    return not of[name.removeprefix("NOT_")] if name.startswith("NOT_") else of[name]


def _crowded(loops: list[set[int]], automaton: _Automaton) -> bool:
    """Whether too many loops on one path can take the same characters: the time grows with a power of the length."""
    taken = [reduce(or_, (automaton.classes[place] for place in loop)) for loop in loops]
    beside = [{following for place in loop for following in automaton.follow[place]} for loop in loops]
    beyond = [_reached(near, automaton) for near in beside]
    return _chain(loops, taken, beside) > _NEIGHBOURS or _chain(loops, taken, beyond) > _LOOPS


def _reached(places: set[int], automaton: _Automaton) -> set[int]:
    reached, waiting = set(places), list(places)
    while waiting:
        new = automaton.follow[waiting.pop()].keys() - reached
        reached |= new
        waiting.extend(new)
    return reached


def _chain(loops: list[set[int]], taken: list[int], after: list[set[int]]) -> int:
    """The most loops in a row, each among what comes after the one before it and able to take its characters."""
    longest: dict[int, int] = {}

    def length(here: int) -> int:
        if here not in longest:
            following = (
                n for n, loop in enumerate(loops) if n != here and taken[n] & taken[here] and loop & after[here]
            )
            longest[here] = 1 + max(map(length, following), default=0)
        return longest[here]

    return max(map(length, range(len(loops))), default=0)
