"""What stands in a text in the place of personal data: 〔电话〕 for a telephone number, and so on.

A placeholder is read as something of its kind. Where wording is compared or a model reads, a made-up value stands in
for it (`stand_in`), so that a masked text is understood as the text was; every place leads back to the placeholder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LABELS = {
    "name": "姓名",
    "phone": "电话",
    "landline": "座机",
    "id_card": "身份证",
    "bank_card": "银行卡",
    "address": "地址",
    "plate": "车牌",
    "email": "邮箱",
    "order": "订单号",
    "account": "账号",
    "number": "号码",
}
"""What is written for each kind of personal data; `number` is digits of which nobody said what they are."""

_STAND_INS = {
    "姓名": "王芳",
    "电话": "13800138000",
    "座机": "01062003800",
    "身份证": "110101199001011237",
    "银行卡": "6222021001113820073",
    "地址": "和平路8号2单元301室",
    "车牌": "京A12345",
    "邮箱": "li@example.com",
    "订单号": "2025101200071",
    "账号": "zs8812345",
    "号码": "88120071",
}
"""Made-up values; none belongs to anybody."""

_SURNAME_BEFORE = re.compile(r"姓[\s，,]*$")
_TITLE_BEHIND = re.compile("先生|女士|小姐|太太|阿姨|叔叔|大哥|大姐|老师|师傅|经理|主管|主任|同学|总")

PLACEHOLDER = re.compile(f"〔(?:{'|'.join(LABELS.values())})〕")


def placeholder(kind: str) -> str:
    """What is written for something of `kind`, such as 〔电话〕.

    Raises:
        KeyError: there is no such kind.
    """
    return f"〔{LABELS[kind]}〕"


@dataclass(frozen=True, slots=True)
class StoodIn:
    """`text` with made-up values for its placeholders; character `i` comes from `starts[i]:ends[i]` of the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the original that `text[start:end]` comes from; placeholders are taken whole.

        Raises:
            IndexError: the span is empty or outside the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise IndexError(f"span {start}..{end} of {len(self.text)} characters")
        return self.starts[start], self.ends[end - 1]


def stand_in(text: str) -> StoodIn | None:
    """`text` with made-up values for its placeholders, with the way back; `None` where it has none."""
    return _stood_in(text) if "〔" in text and PLACEHOLDER.search(text) else None


@lru_cache(maxsize=1024)
def _stood_in(text: str) -> StoodIn:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for match in PLACEHOLDER.finditer(text):
        value = _STAND_INS[match.group()[1:-1]]
        if match.group() == placeholder("name") and (
            _SURNAME_BEFORE.search(text[: match.start()]) or _TITLE_BEHIND.match(text, match.end())
        ):
            value = value[0]
        pieces += (text[position : match.start()], value)
        starts += [*range(position, match.start()), *[match.start()] * len(value)]
        ends += [*range(position + 1, match.start() + 1), *[match.end()] * len(value)]
        position = match.end()
    pieces.append(text[position:])
    starts += range(position, len(text))
    ends += range(position + 1, len(text) + 1)
    return StoodIn("".join(pieces), tuple(starts), tuple(ends))


def blanked(text: str) -> str:
    """`text` with every placeholder covered by as many signs that nobody writes, so that nothing is found in it."""
    return PLACEHOLDER.sub(lambda match: "囗" * len(match.group()), text) if "〔" in text else text
