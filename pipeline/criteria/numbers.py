"""Numbers as they are read aloud: which digits of a turn, or of several, belong together, and what number they make.

A number is often said in pieces: 幺三八，四个零，后四位零零零零; with 嗯 in between, or with the other's 对 between two
turns. The digits of a turn are put in one row as long as nothing but such linking words stands between them, and the
rows of two turns of one speaker are joined where the other only said a word or two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipeline.conversation import Speaker, Turn
from pipeline.text import matching_form

NumberKind: TypeAlias = Literal["id_card", "bank_card", "phone", "landline"]

_TOKEN = re.compile(
    r"(?=[0-9两x叉前头中后最末尾接然再又面横杠])(?:(?P<many>[2-9两](?=个[0-9])个(?P<digit>[0-9]))|(?P<one>[0-9])|(?P<x>(?<=[0-9])[x叉](?![0-9x]))"
    r"|(?P<link>(?:前|头|中间|后|最后|末|尾|接着|然后|再)?(?:面)?(?:[1-9两]|1[0-9])位(?:数|数字)?是?|然后是?|接着是?|后面是?|再[来是]?|又是?|横杠|横线|杠))"
)
_PHONE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SHORT = 3
"""A turn of the other side of at most so many characters (对, 嗯嗯, 好的) does not end a number."""
_LEAST, _MOST = 10, 19
"""How many digits the numbers of these kinds have."""
_DIGIT = re.compile("[0-9]")
_PIECES = 24


@dataclass(frozen=True, slots=True)
class Piece:
    """Digits of one turn that were said without a break, and the characters of its text where they stand."""

    turn: int
    digits: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read out whole: what it is, its digits, and where, one piece or more."""

    kind: NumberKind
    digits: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    pieces: tuple[Piece, ...]
    opens: bool
    closes: bool


def numbers(turns: Sequence[Turn], speaking: Sequence[int]) -> Iterator[Number]:
    """Numbers of a known kind that are read out in the turns `speaking`, in order.

    Args:
        turns: all turns of the conversation.
        speaking: the indices of those in which numbers are looked for, all of one side.
    """
    wanted = set(speaking)
    row: tuple[Piece, ...] = ()
    open_end = False
    for turn in turns:
        if turn.index not in wanted:
            if turn.speaker is not Speaker.SYSTEM and len(matching_form(turn.text).text) > _SHORT:
                open_end = False
            continue
        for found in _rows(turn):
            if open_end and found.opens:
                row += found.pieces
            else:
                yield from _within(row)
                row = found.pieces
            open_end = found.closes
        if not row or row[-1].turn != turn.index:
            open_end = False
    yield from _within(row)


def digits_of(turn: Turn) -> str:
    """All digits of a turn in one row, 四个零 written out, x for the check digit of an ID card."""
    return "".join(piece.digits for row in _rows(turn) for piece in row.pieces)


def _rows(turn: Turn) -> list[_Row]:
    """The rows of digits of one turn, and whether each begins and ends with the turn."""
    form = matching_form(turn.text)
    if _DIGIT.search(form.text) is None:
        return []
    rows: list[_Row] = []
    pieces: list[Piece] = []
    reached, opens = 0, True

    def close(at_end: bool) -> None:
        nonlocal pieces
        if pieces:
            rows.append(_Row(tuple(pieces), opens, at_end))
        pieces = []

    for match in _TOKEN.finditer(form.text):
        if match.start() > reached:
            close(at_end=False)
            opens = False
        reached = match.end()
        if match["link"]:
            continue
        said = match["digit"] * _count(match["many"][0]) if match["many"] else (match["one"] or "x")
        start, end = form.span(*match.span())
        last = pieces[-1] if pieces else None
        if last is not None and last.end == start:
            pieces[-1] = Piece(turn.index, last.digits + said, last.start, end)
        else:
            pieces.append(Piece(turn.index, said, start, end))
    close(at_end=reached == len(form.text))
    return rows


def _count(sign: str) -> int:
    return 2 if sign == "两" else int(sign)


def _within(row: tuple[Piece, ...]) -> Iterator[Number]:
    """The numbers in a row: the longest runs of whole pieces that make one, from the left."""
    first = 0 if sum(len(piece.digits) for piece in row) >= _LEAST else len(row)
    while first < len(row):
        for last in range(min(len(row), first + _PIECES), first, -1):
            digits = "".join(piece.digits for piece in row[first:last])
            kind = number_kind(digits) if len(digits) <= _MOST else None
            if kind is not None:
                yield Number(kind, digits, row[first:last])
                first = last - 1
                break
        first += 1


def number_kind(digits: str) -> NumberKind | None:
    """What `digits` is by its form and its check digit; `None` if neither card nor telephone number."""
    if _PHONE.fullmatch(digits):
        return "phone"
    if _LANDLINE.fullmatch(digits):
        return "landline"
    if len(digits) == 18 and id_card_fits(digits):
        return "id_card"
    return "bank_card" if digits.isdigit() and 16 <= len(digits) <= 19 and luhn_fits(digits) else None


def id_card_fits(number: str) -> bool:
    """Whether the last of 18 characters is the check digit of the others (ISO 7064 MOD 11-2, GB 11643-1999)."""
    if not number[:17].isdigit():
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10x98765432"[total % 11] == number[17] and 1 <= int(number[10:12]) <= 12 and 1 <= int(number[12:14]) <= 31


def luhn_fits(number: str) -> bool:
    """Whether `number` passes the Luhn check (ISO/IEC 7812-1 annex B)."""
    doubled = (int(d) * 2 if place % 2 else int(d) for place, d in enumerate(reversed(number)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
