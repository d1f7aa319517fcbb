r"""The small language of phrases: `请问[有]什么[可以|能](帮|帮到|帮助)您`.

`[a|b]` may be there, `(a|b)` must be there, `…` stands for up to `gap` characters, `<number>`, `<digits>`, `<time>`,
`<any 2-4>` and `<list>` are slots, `^` and `$` are the ends of the turn, `\` takes the next sign literally. A pattern
becomes two regular expressions: one over written characters, one over sounds (see `pipeline.text.sounds`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import groupby
from typing import NamedTuple, TypeAlias

from pipeline.criteria.sieve import Clause, Sieve, Sifted, one_of
from pipeline.text import ANY_SOUND, OTHER_SOUND, matching_form, simplified, sound_code, sound_codes, sounds, syllables

_NUMBER_CHARACTERS = "0123456789十百千万亿半两"
_NUMBER = "[0-9十百千万亿半两]"
_UNIT = "(个|)(工作日|小时|钟头|刻钟|分钟|分半钟|秒钟|秒|天|日|周|星期|礼拜|月)"
_HOUR = "(早上|上午|中午|下午|晚上|今晚|明早|明晚|凌晨)"
_BUILT_IN: Mapping[str, str] = {
    "time": (
        f"(<number>{_UNIT}[之|以][内|后|前]|<number>月<number>(日|号)|{_HOUR}<number>点|<number>点(前|之前|以前|半|钟|整)"
        f"|<number>号[前|之前|以前]|(今天|明天|后天|今日|明日|今晚|明早|当天|当日|次日|月底|周末|下班[之|以]前)"
        "|[本|这|下](周|星期|礼拜)(1|2|3|4|5|6|日|天|末))"
    ),
}


MOST_ANY, MOST_NESTED = 100, 20
"""The most characters of `<any …>`, and the most brackets within one another."""
ANYTHING = "\ufffd"
"""Stands in a wording for characters that the pattern leaves open."""
SET_FROM = 8
"""A choice of so many single characters is a set of characters, and is never matched by sound."""
MOST_WAYS = 8
"""In so many ways at most one text of the sieve is written as sounds; a longer one is cut in two."""
MOST_SIEVES = 48

Lists: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
_SIEVES: dict[tuple[Lists, int, str], Sieve] = {}
_SIEVED: ContextVar[bool] = ContextVar("sieved", default=True)


class PatternError(ValueError):
    """A phrase pattern cannot be read: `key` of a sentence `scorecard.error.…` and its arguments."""

    def __init__(self, key: str, **args: str | int) -> None:
        self.key, self.args_of = key, args
        super().__init__(f"{key}: {args}")


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Characters:
    pattern: str
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _End:
    sign: str


@dataclass(frozen=True, slots=True)
class _Choice:
    branches: tuple[_Sequence, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Literal | _Characters | _End | _Choice, ...]


class Found(NamedTuple):
    """Characters `start:end` of a matching form that fit pattern number `pattern`; `by_sound`: only by their sound."""

    pattern: int
    start: int
    end: int
    by_sound: bool


@dataclass(frozen=True)
class Patterns:
    """A list of phrase patterns, ready to search with. Equal lists are equal and are compiled once."""

    sources: tuple[str, ...]
    lists: Lists = ()
    gap: int = 6

    def search(self, text: str) -> tuple[Found, ...]:
        """Every occurrence in the matching form `text` of something written as a pattern says, in order."""
        return self.written.search(text, self.written.sieve.passing(text))

    def search_sounds(self, text: str, *, near: bool, least: int) -> tuple[Found, ...]:
        """Every occurrence in the matching form `text` that sounds like a pattern.

        At least `least` of its characters must be the pattern's own; what gaps and `<any …>` took does not count.
        """
        heard = self.heard(near=near)
        passing = heard.sieve.passing(sound_codes(text, near=near) + text)
        return heard.search_sounds(text, passing, near=near, least=least)

    def heard(self, *, near: bool) -> Compiled:
        """The patterns as sounds, with those as one that many speakers do not tell apart, or without."""
        return self._near if near else self._same

    @cached_property
    def written(self) -> Compiled:
        """The patterns as they are written."""
        return _compiled(self, "written")

    @cached_property
    def _near(self) -> Compiled:
        return _compiled(self, "near")

    @cached_property
    def _same(self) -> Compiled:
        return _compiled(self, "same")


@contextmanager
def every_pattern_tried() -> Iterator[None]:
    """Try every pattern on every text, to see that the sieve loses nothing, and what it is worth."""
    token = _SIEVED.set(False)
    try:
        yield
    finally:
        _SIEVED.reset(token)


def check(source: str, lists: Mapping[str, tuple[str, ...]]) -> None:
    """Read one pattern and say what is wrong with it.

    Raises:
        PatternError: a sign is unbalanced, a slot unknown, or nothing remains to match.
    """
    _parse(source, tuple(sorted(lists.items())))


def wordings(source: str, lists: Mapping[str, tuple[str, ...]], *, most: int) -> tuple[str, ...]:
    """The matching forms that a checked pattern stands for, `ANYTHING` where it leaves characters open.

    A pattern that is not tied to an end of the turn has `ANYTHING` there too, more than any wildcard takes.

    Args:
        source: a pattern.
        lists: the card's lists.
        most: how many are wanted at most; a pattern with more stands for too much to be told, and gives none.
    """
    told = _wordings(_parse(source, tuple(sorted(lists.items()))), most)
    return tuple(_open_ended(text) for text in dict.fromkeys(told or ()))


def _wordings(node: _Sequence | _Literal | _Characters | _End | _Choice, most: int) -> list[str] | None:
    if isinstance(node, _Literal):
        return [node.text]
    if isinstance(node, _Characters):
        return [{_NUMBER: "3", "[0-9]": "1024"}.get(node.pattern, ANYTHING * max(1, node.least))]
    if isinstance(node, _End):
        return [node.sign]
    told: list[str] = [""]
    if isinstance(node, _Choice):
        told = [""] if node.optional else []
        for branch in node.branches:
            more = _wordings(branch, most)
            if more is None or len(told) + len(more) > most:
                return None
            told += more
        return told
    for part in node.parts:
        more = _wordings(part, most)
        if more is None or len(told) * len(more) > most:
            return None
        told = [text + end for text in told for end in more]
    return told


def _open_ended(text: str) -> str:
    start = "" if text.startswith("^") else ANYTHING * MOST_ANY
    end = "" if text.endswith("$") else ANYTHING * MOST_ANY
    return start + text.replace("^", "").replace("$", "") + end


def _told_apart(match: re.Match[str]) -> int:
    """How many characters of a match by sound were not taken by a wildcard; wildcards are the groups that capture."""
    wild = sum(end - start for start, end in match.regs[1:])
    return (match.end() - match.start() - wild) // 2


@lru_cache(maxsize=2048)
def regular_expression(source: str, lists: Lists, gap: int) -> re.Pattern[str]:
    """The regular expression over matching forms that one pattern becomes.

    Raises:
        PatternError: the pattern cannot be read.
    """
    return re.compile(_emit(_parse(source, lists), "written", gap))


@dataclass(frozen=True, slots=True)
class Compiled:
    """Patterns in one writing: regular expressions by their bits in the sieve, in order; `bits` are all of them."""

    writing: str
    expressions: Mapping[int, tuple[int, re.Pattern[str]]]
    bits: int
    sieve: Sieve

    def worth_searching(self, sifted: Sifted, turns: tuple[int, ...]) -> Sequence[int]:
        """Those of the turns in which some pattern can occur."""
        if not _SIEVED.get():
            return turns
        bits = self.bits
        return [index for index in turns if sifted.turn(index) & bits] if sifted.turns(turns) & bits else ()

    def search(self, text: str, passing: int) -> tuple[Found, ...]:
        """Every occurrence in the matching form `text` of what the sieve let pass, in order."""
        trying = self._worth_trying(passing)
        if not trying:
            return ()
        return tuple(
            Found(i, m.start(), m.end(), by_sound=False)
            for i, expression in trying
            for m in expression.finditer(text)
            if m.end() > m.start()
        )

    def search_sounds(self, text: str, passing: int, *, near: bool, least: int) -> tuple[Found, ...]:
        """Every occurrence in the matching form `text` that sounds like what the sieve let pass."""
        trying = self._worth_trying(passing)
        if not trying:
            return ()
        heard = sounds(text, near=near)
        return tuple(
            Found(i, m.start() // 2, m.end() // 2, by_sound=True)
            for i, expression in trying
            for m in expression.finditer(heard)
            if _told_apart(m) >= least
        )

    def _worth_trying(self, passing: int) -> Sequence[tuple[int, re.Pattern[str]]]:
        """The patterns, with their numbers, that the sieve does not rule out."""
        if not _SIEVED.get():
            return tuple(self.expressions.values())
        left = passing & self.bits
        found = []
        while left:
            lowest = left & -left
            found.append(self.expressions[lowest])
            left ^= lowest
        return found


@lru_cache(maxsize=2048)
def _compiled(patterns: Patterns, writing: str) -> Compiled:
    sieve = _sieve(patterns.lists, patterns.gap, writing)
    expressions: dict[int, tuple[int, re.Pattern[str]]] = {}
    for number, source in enumerate(patterns.sources):
        sequence = _parse(source, patterns.lists)
        expression = re.compile(_emit(sequence, writing, patterns.gap))
        expressions[sieve.add(_needed(sequence, writing))] = number, expression
    return Compiled(writing, expressions, sum(expressions), sieve)


def _sieve(lists: Lists, gap: int, writing: str) -> Sieve:
    """The sieve of all patterns that share lists and gap, as those of a card do."""
    key = (lists, gap, writing)
    found = _SIEVES.get(key)
    if found is None or found.full:
        if len(_SIEVES) >= MOST_SIEVES:
            _SIEVES.clear()
        found = _SIEVES[key] = Sieve()
    return found


@cache
def _parse(source: str, lists: Lists) -> _Sequence:
    sequence = _Parser(source, dict(lists)).read()
    if not _least(sequence):
        raise PatternError("pattern_empty", pattern=source)
    return sequence


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(
        self, source: str, lists: Mapping[str, tuple[str, ...]], *, exact: bool = False, depth: int = 0
    ) -> None:
        self.source, self.lists, self.exact, self.depth = simplified(source).replace("...", "…"), lists, exact, depth
        self.position = 0
        self.nested = 0
        if depth > 8:
            raise PatternError("pattern_circle", pattern=source)

    def read(self) -> _Sequence:
        branches = self._branches(closing="")
        return branches[0] if len(branches) == 1 else _Sequence((_Choice(branches, optional=False),))

    def _branches(self, closing: str) -> tuple[_Sequence, ...]:
        branches = [self._sequence()]
        while self.position < len(self.source) and self.source[self.position] == "|":
            self.position += 1
            branches.append(self._sequence())
        here = self.source[self.position] if self.position < len(self.source) else ""
        if here != closing:
            key = "pattern_unclosed" if closing else "pattern_closes_nothing"
            raise PatternError(key, pattern=self.source, place=self.position + 1, sign=closing or here)
        self.position += 1
        return tuple(branches)

    def _sequence(self) -> _Sequence:
        parts: list[_Literal | _Characters | _End | _Choice] = []
        literal = ""
        while self.position < len(self.source) and self.source[self.position] not in "|])":
            ch = self.source[self.position]
            self.position += 1
            if ch == "\\" and self.position < len(self.source):
                literal += self.source[self.position]
                self.position += 1
                continue
            if ch not in "[(<…^$":
                literal += ch
                continue
            parts.extend(self._literal(literal))
            literal = ""
            if ch in "[(":
                self.nested += 1
                if self.nested > MOST_NESTED:
                    raise PatternError("pattern_deep", pattern=self.source[:40] + "…", most=MOST_NESTED)
                branches = self._branches(closing="]" if ch == "[" else ")")
                self.nested -= 1
                parts.append(_Choice(_character_set(branches), optional=ch == "["))
            elif ch == "<":
                parts.append(self._slot())
            else:
                parts.append(_Characters("", 0, None) if ch == "…" else _End(ch))
        parts.extend(self._literal(literal))
        return _Sequence(tuple(parts))

    def _literal(self, text: str) -> tuple[_Literal, ...]:
        form = matching_form(text).text
        return (_Literal(form, self.exact),) if form else ()

    def _slot(self) -> _Characters | _Choice:
        end = self.source.find(">", self.position)
        name = self.source[self.position : end].strip()
        if end < 0:
            raise PatternError("pattern_unclosed", pattern=self.source, place=self.position, sign=">")
        self.position = end + 1
        if name == "number":
            return _Characters(_NUMBER, 1, 12)
        if name == "digits":
            return _Characters("[0-9]", 3, 30)
        counts = re.fullmatch(r"any (\d+)(?:-(\d+))?", name)
        if counts:
            least, most = int(counts[1]), int(counts[2] or counts[1])
            if least > most or most > MOST_ANY:
                raise PatternError("pattern_counts", pattern=self.source, slot=name, most=MOST_ANY)
            return _Characters(".", least, most)
        if name in _BUILT_IN:
            return _Choice((_Parser(_BUILT_IN[name], {}, exact=True, depth=self.depth + 1).read(),), optional=False)
        if name in self.lists:
            entries = self.lists[name]
            exact = all(len(matching_form(entry).text) == 1 for entry in entries)
            branches = tuple(_Parser(e, self.lists, exact=exact, depth=self.depth + 1).read() for e in entries)
            return _Choice(branches, optional=False)
        allowed = ", ".join(["number", "digits", "time", "any 2-4", *sorted(self.lists)])
        raise PatternError("pattern_slot", pattern=self.source, slot=name, allowed=allowed)


def _character_set(branches: tuple[_Sequence, ...]) -> tuple[_Sequence, ...]:
    """A choice of many single characters (surnames) sounds like nearly anything: it is matched as written."""
    single = [b.parts[0] for b in branches if len(b.parts) == 1 and _least(b) == 1]
    literals = [part for part in single if isinstance(part, _Literal)]
    if len(branches) < SET_FROM or len(literals) < len(branches):
        return branches
    return tuple(_Sequence((_Literal(literal.text, exact=True),)) for literal in literals)


def _least(node: _Sequence | _Literal | _Characters | _End | _Choice) -> int:
    """The fewest characters that `node` matches."""
    if isinstance(node, _Literal):
        return len(node.text)
    if isinstance(node, _Characters):
        return node.least
    if isinstance(node, _Choice):
        return 0 if node.optional else min(_least(branch) for branch in node.branches)
    return sum(_least(part) for part in node.parts) if isinstance(node, _Sequence) else 0


def _emit(node: _Sequence | _Literal | _Characters | _End | _Choice, writing: str, gap: int) -> str:
    if isinstance(node, _Sequence):
        return "".join(_emit(part, writing, gap) for part in node.parts)
    if isinstance(node, _Choice):
        inner = "|".join(_emit(branch, writing, gap) for branch in node.branches)
        return f"(?:{inner})" + ("?" if node.optional else "")
    if isinstance(node, _End):
        return r"\A" if node.sign == "^" else r"\Z"
    if isinstance(node, _Characters):
        one = node.pattern or "."
        if writing != "written":
            one = f"(?:{ANY_SOUND}{one})"
        many = f"{one}{{{node.least},{gap if node.most is None else node.most}}}"
        if node.pattern not in ("", "."):
            return many
        return f"{many}?" if writing == "written" else f"({many}?)"
    return re.escape(node.text) if writing == "written" else "".join(_sound_of(node, near=writing == "near"))


def _sound_of(literal: _Literal, *, near: bool) -> Iterator[str]:
    for ch, codes in _codes_of(literal, near=near):
        yield f"[{codes}]." if codes else ANY_SOUND + re.escape(ch)


def _codes_of(literal: _Literal, *, near: bool) -> Iterator[tuple[str, str]]:
    """Each character with the codes that it may sound as: in its phrase, and alone; none where it counts as written."""
    together = syllables(literal.text)
    for ch, syllable in zip(literal.text, together, strict=True):
        codes = {sound_code(s, near=near) for s in (syllable, *syllables(ch))}
        yield ch, "" if literal.exact or codes == {OTHER_SOUND} else "".join(sorted(codes))


def _needed(node: _Sequence | _Literal | _Characters | _End | _Choice, writing: str) -> tuple[Clause, ...]:
    """Texts that must occur where `node` matches: characters, or codes of sounds; in each clause one is enough."""
    if isinstance(node, _Sequence):
        return tuple(clause for part in node.parts for clause in _needed(part, writing))
    if isinstance(node, _Choice):
        return () if node.optional else one_of(_needed(branch, writing) for branch in node.branches)
    if isinstance(node, _Literal):
        return (
            (frozenset((node.text,)),) if writing == "written" else tuple(_needed_sounds(node, near=writing == "near"))
        )
    if isinstance(node, _Characters) and node.least and node.pattern not in ("", "."):
        return (frozenset(ch for ch in _NUMBER_CHARACTERS if re.fullmatch(node.pattern, ch)),)
    return ()


def _needed_sounds(literal: _Literal, *, near: bool) -> Iterator[Clause]:
    for written, places in groupby(_codes_of(literal, near=near), key=lambda place: not place[1]):
        if written:
            yield frozenset(("".join(ch for ch, _ in places),))
            continue
        ways = [""]
        for _, codes in places:
            if len(ways) * len(codes) > MOST_WAYS:
                yield frozenset(ways)
                ways = [""]
            ways = [way + code for way in ways for code in codes]
        yield frozenset(ways)
