"""Personal data that check digit or form prove, in the turns of one side: what it is, where, and whether it was given.

The criterion `privacy` judges by these, and masking begins with them (`pipeline.finders` adds what is only likely).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pipeline.conversation import Speaker, Turn
from pipeline.placeholders import blanked
from pipeline.spoken_numbers import Number, digits_of, numbers
from pipeline.text import matching_form

NUMBERS = ("id_card", "bank_card", "phone", "landline")
_SAME_ADDRESS = 85
"""From this partial ratio (rapidfuzz, 0…100) an address is the one that the other side gave."""

_NUMBERED = r"[0-9十百]{1,5}(?:号楼|号院|号|弄|栋|幢|座|单元|楼|层|室|组)"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""First characters of number plates."""
_IN_FORM: dict[str, re.Pattern[str]] = {
    "address": re.compile(
        rf"[\u4e00-\u9fff]{{0,2}}(?P<core>[\u4e00-\u9fff]{{2}}(?:路|街|大道|巷|弄|胡同|新村|村|小区|花园|公寓|大厦|家园|苑)"
        rf"[东西南北中]?(?:{_NUMBERED})+(?:[0-9]{{2,5}})?)"
    ),
    "plate": re.compile(rf"(?P<core>[{PROVINCES}][a-z](?=[a-z]*[0-9])[a-z0-9]{{5,6}})(?![a-z0-9])"),
    "order": re.compile(
        r"(?:订单|运单|快递单|物流单|工单|保单|合同|流水|取件|单)(?:编号|号码|号)(?:是|为)?(?P<core>(?=[a-z]*[0-9])[a-z0-9]{6,})"
    ),
    "account": re.compile(
        r"(?:[账帐](?:号|户)|户号|会员卡?号|客户号|卡号|登录名|用户名)(?:码)?(?:是|为)?(?P<core>(?=[a-z]*[0-9])[a-z0-9]{6,})"
    ),
    "email": re.compile(r"(?P<core>[a-z0-9]{3,}(?:艾特|圈a|at)[a-z0-9]{2,}点(?:com|cn|net|org))"),
}
"""What is told by its form, over matching forms; `core` is what the other side may have said before."""
_FORMS = frozenset((*_IN_FORM, "email"))
SIGN = re.compile("[0-9a-z]")
"""Without one of these in its matching form a text has no digits, no plate, no code and no address of mail."""
_COUNTED = re.compile("[0-9a-z十百]")
"""Without one of these it has nothing of `_IN_FORM`."""
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Place:
    """Characters `start:end` of the text of the turn with that index."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Personal:
    """Something personal: its kind, its characters without signs, where it is said, piece by piece, and how surely."""

    kind: str
    core: str
    places: tuple[Place, ...]
    certain: bool = True


def certain(turns: Sequence[Turn], speaking: Sequence[int], kinds: Collection[str]) -> Iterator[Personal]:
    """What check digit or form prove to be personal.

    Args:
        turns: all turns of the conversation.
        speaking: the indices of those that are searched, all of one side.
        kinds: what is looked for, of `NUMBERS`, `address`, `email`, `plate`, `order`, `account`.
    """
    if not set(NUMBERS).isdisjoint(kinds):
        for number in numbers(turns, speaking):
            if number.kind in kinds:
                yield of_number(number)
    if not _FORMS.isdisjoint(kinds):
        for index in speaking:
            yield from _by_form(turns[index], kinds)


def of_number(number: Number) -> Personal:
    """The same as something personal, one place a turn."""
    spans: dict[int, tuple[int, int]] = {}
    for piece in number.pieces:
        spans[piece.turn] = (spans.get(piece.turn, (piece.start, 0))[0], piece.end)
    return Personal(number.kind, number.digits, tuple(Place(turn, *span) for turn, span in spans.items()))


def _by_form(turn: Turn, kinds: Collection[str]) -> Iterator[Personal]:
    text = blanked(turn.text)
    form = matching_form(text)
    for kind, expression in _IN_FORM.items() if _COUNTED.search(form.text) else ():
        if kind in kinds:
            for match in expression.finditer(form.text):
                yield Personal(kind, match["core"], (Place(turn.index, *form.span(*match.span("core"))),))
    if "email" in kinds and "@" in text:
        for match in _EMAIL.finditer(text):
            yield Personal("email", matching_form(match[0]).text, (Place(turn.index, *match.span()),))


def given(said: Personal, others: Sequence[Turn]) -> int | None:
    """The last of `others` (turn index) from which on they say the same; `None` where they do not.

    Args:
        said: something personal.
        others: turns of the other side before it, in order.
    """
    spoken = [_spoken(said, turn) for turn in others]
    if not _holds(said, "".join(spoken)):
        return None
    later = ""
    for turn, words in zip(reversed(others), reversed(spoken), strict=True):
        later = words + later
        if _holds(said, later):
            return turn.index
    return others[0].index


def others_before(said: Personal, turns: Sequence[Turn], side: Collection[Speaker]) -> list[Turn]:
    """Turns before `said` that are neither of `side` nor of a bot or the system."""
    aside = {*side, Speaker.BOT, Speaker.SYSTEM}
    return [turn for turn in turns[: said.places[0].turn] if turn.speaker not in aside]


def _spoken(said: Personal, turn: Turn) -> str:
    text = turn.text
    return digits_of(turn) if said.kind in NUMBERS else matching_form(blanked(text)).text


def _holds(said: Personal, words: str) -> bool:
    if said.kind in NUMBERS:
        return said.core.removeprefix("86") in words
    if said.kind != "address":
        return said.core in words
    from rapidfuzz.fuzz import partial_ratio

    return len(words) >= len(said.core) and partial_ratio(said.core, words) >= _SAME_ADDRESS
