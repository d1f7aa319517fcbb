"""Numbers as they are read aloud: which digits of a turn, or of several, belong together, and what number they make.

A number is often said in pieces: 幺三八，四个零，后四位零零零零; with 嗯 in between, or with the other's 对 between two
turns. The digits of a turn are put in one row as long as nothing but such linking words stands between them, and the
rows of two turns of one speaker are joined where the other only said a word or two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, TypeAlias

from pipeline.conversation import Speaker, Turn
from pipeline.placeholders import blanked
from pipeline.text import MatchingForm, matching_form

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
_ECHO = re.compile(r"[0-9x]|[2-9两]个(?=[0-9])|嗯|对|好的?|是的?|您说|请说|继续|然后呢?|还有呢?|记下?了?|收到|没错|ok")
"""What the other side says while a number is dictated, besides the digits that it says after the speaker."""
_SOUNDS = {
    "0": "领灵凌另令洞", "1": "腰妖吆要医衣依", "2": "儿而尔两俩", "3": "山伞散", "4": "是事死寺似十时",
    "5": "舞无吴武午", "6": "流留刘柳溜", "7": "期其奇妻齐拐", "8": "吧爸把巴罢", "9": "就久酒旧勾",
}  # fmt: skip
"""What a recogniser writes for a digit, and how digits are said on the radio; counted only within a row of digits."""
_DIGIT_OF = {sign: digit for digit, signs in _SOUNDS.items() for sign in signs}
ALIKE = "".join(_DIGIT_OF)
_MISHEARD = re.compile(
    rf"(?<=[0-9]{{2}})[{ALIKE}](?=[0-9]{{2}})|(?<=[0-9])[{ALIKE}](?=[0-9]{{3}})|(?<=[0-9]{{3}})[{ALIKE}](?=[0-9](?![0-9]))"
    rf"|[腰妖吆要](?=[3-9][0-9]{{8}})|^[{ALIKE}](?=[0-9]{{2,}}$)|(?<=^[0-9]{{2}})[{ALIKE}]$|(?<=[0-9]{{3}})[{ALIKE}]$"
)
_COMMA = re.compile("[，,、。；;！!？?]")
_SIFTED = 3
"""Turns can be passed over where rows of so many digits are looked for, or of more."""
_LEAST, _MOST = 10, 19
"""How many digits the numbers of these kinds have."""
_DIGIT = re.compile("[0-9]")
_TWO_DIGITS = re.compile("[0-9]{2}")
"""Only beside digits that stand together anything is misheard for a digit."""
_IN_ROW = f"[0-9x叉两{ALIKE}前头中间后最末尾接着然再面位数字是来又横杠线]"
"""What a row of digits may be made of, but for 个."""
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
    for row in rows(turns, speaking, _LEAST):
        yield from within(row)


def rows(turns: Sequence[Turn], speaking: Sequence[int], least: int = 1) -> Iterator[tuple[Piece, ...]]:
    """Digits in the turns `speaking` that are said in one go, with linking words and short turns of others between.

    Args:
        turns: all turns of the conversation.
        speaking: the indices of those in which digits are looked for, all of one side.
        least: rows of fewer digits may be left out.
    """
    where = speaking if least < _SIFTED else _promising(turns, speaking, least)
    if not where:
        return
    wanted = set(speaking)
    row: tuple[Piece, ...] = ()
    open_end = False
    for turn in turns:
        if turn.index not in wanted:
            if open_end and turn.speaker is not Speaker.SYSTEM and _interrupts(turn):
                open_end = False
            continue
        for found in _rows(turn) if turn.index in where else ():
            if open_end and found.opens:
                row += found.pieces
            else:
                if row:
                    yield row
                row = found.pieces
            open_end = found.closes
        if not row or row[-1].turn != turn.index:
            open_end = False
    if row:
        yield row


def _promising(turns: Sequence[Turn], speaking: Sequence[int], least: int) -> frozenset[int]:
    """Those of the turns `speaking` that may hold a row of so many digits (`_SIFTED` at least) or a piece of one."""
    likely = _of_rows(least)
    return frozenset(index for index in speaking if likely.search(matching_form(blanked(turns[index].text)).text))


@cache
def _of_rows(least: int) -> re.Pattern[str]:
    """What a turn has that holds such a row or a piece of one: a long row, or one at its beginning or end."""
    return re.compile(rf"[0-9](?:{_IN_ROW}{{{least - 3},}}[0-9]|{_IN_ROW}*$|个[0-9])|^{_IN_ROW}*[0-9]|两个[0-9]")


def _interrupts(turn: Turn) -> bool:
    """Whether a turn of the other side is more than an echo of what is dictated."""
    form = matching_form(turn.text).text
    return len(form) > _SHORT and len(_ECHO.sub("", form)) > _SHORT


def digits_of(turn: Turn) -> str:
    """All digits of a turn in one row, 四个零 written out, x for the check digit of an ID card."""
    return "".join(piece.digits for row in _rows(turn) for piece in row.pieces)


def _rows(turn: Turn) -> list[_Row]:
    """The rows of digits of one turn, and whether each begins and ends with the turn."""
    form = matching_form(blanked(turn.text))
    if _DIGIT.search(form.text) is None:
        return []
    heard = _heard(form)
    rows: list[_Row] = []
    pieces: list[Piece] = []
    reached, opens = 0, True

    def close(at_end: bool) -> None:
        nonlocal pieces
        if pieces:
            rows.append(_Row(tuple(pieces), opens, at_end))
        pieces = []

    for match in _TOKEN.finditer(heard):
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
    close(at_end=reached == len(heard))
    return rows


def _heard(form: MatchingForm) -> str:
    """The form with misheard digits as digits; only where no comma or stop stands around them."""

    def digit(match: re.Match[str]) -> str:
        place, end = match.start(), match.end()
        around = form.offsets[max(0, place - 1) : end + 1]
        straight = not any(_COMMA.search(form.source, before + 1, after) for before, after in pairwise(around))
        return _DIGIT_OF[match.group()] if straight else match.group()

    heard = form.text
    if _TWO_DIGITS.search(heard) is None:
        return heard
    for _ in range(2):
        heard = _MISHEARD.sub(digit, heard)
    return heard


def _count(sign: str) -> int:
    return 2 if sign == "两" else int(sign)


def within(row: tuple[Piece, ...]) -> Iterator[Number]:
    """The numbers in a row: the longest runs of whole pieces that make one, from the left."""
    first = 0 if sum(len(piece.digits) for piece in row) >= _LEAST else len(row)
    while first < len(row):
        best: tuple[int, Number] | None = None
        for last in range(min(len(row), first + _PIECES), first, -1):
            digits = "".join(piece.digits for piece in row[first:last])
            kind = number_kind(digits) if len(digits) <= _MOST and not _strays(row, first, last) else None
            # Nearly every second number passes one of two checks by chance, that of ID cards hardly any.
            if kind is not None and (best is None or (kind == "id_card" and best[1].kind == "bank_card")):
                best = last, Number(kind, digits, row[first:last])
        if best is not None:
            yield best[1]
            first = best[0] - 1
        first += 1


def _strays(row: tuple[Piece, ...], first: int, last: int) -> bool:
    """Whether the run ends with a single digit that begins another turn, such as 一 of 一共."""
    return last - first > 1 and len(row[last - 1].digits) == 1 and row[last - 2].turn != row[last - 1].turn


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
