"""Personal data in a turn's text hidden behind marks such as 〔号码〕, with the way back to the text.

Hidden are numbers that are read out digit by digit or written (phones, ID and bank cards, orders, staff numbers),
e-mail addresses, number plates, accounts, addresses, and names where they are said as names. Amounts, dates and times
stay, because questions are about them. What it misses, a person's judgement must not rest on: it is a net, no proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.text import DIGITS, matching_form

NUMBER, EMAIL, PLATE, ACCOUNT, ADDRESS, NAME = "〔号码〕", "〔邮箱〕", "〔车牌〕", "〔账号〕", "〔地址〕", "〔姓名〕"

LEAST_DIGITS = 3
"""Digits in a row from this length on are hidden, unless a unit says that they are an amount or a date."""
ALWAYS_HIDDEN = 7
"""Digits in a row from this length on are hidden whatever follows."""

_UNIT = re.compile(
    r"元|块|毛|角|万|千|百|十|亿|年|月|日|天|周|小时|分|秒|点|个|件|次|台|部|张|条|份|箱|斤|克|公斤|千克|米|厘米|毫米|升|毫升|瓦|度|折|倍|%|"
    r"块钱|积分|g\b|mb|gb|kg|cm|mm|ml"
)
_RUN = re.compile(r"[0-9]+x?")
_CODE = re.compile(r"[A-Za-z0-9]+(?:[-_ ][A-Za-z0-9]+)*")
_EMAIL = re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]\s?[A-Za-z]\s?[·.]?\s?[A-Za-z0-9]{5,6}(?![A-Za-z0-9])"
)
_ACCOUNT = re.compile(
    r"(?:微信|QQ|qq|账号|帐号|账户|用户名|密码|验证码|旺旺)[^,，。；!！?？\w]?(?:号)?(?:是|为|:|：)?\s*([A-Za-z0-9_.-]{3,})"
)
_PLACE = r"[\u4e00-\u9fa5]{1,6}"
_ADDRESS = re.compile(
    rf"(?:{_PLACE}(?:省|市|区|县|镇|乡))*{_PLACE}(?:路|街|大道|胡同|巷|弄|村|小区|花园|新村|公寓)"
    rf"[\u4e00-\u9fa5A-Za-z0-9-]{{0,8}}(?:号楼|号院|号|栋|幢|单元|室)(?:[A-Za-z0-9一二三四五六七八九十百零]+(?:号楼|号|栋|幢|单元|层|室)?)*"
)
_SURNAMES = (
    "欧阳|上官|司马|诸葛|司徒|令狐|皇甫|慕容|尉迟|"
    "[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石"
    "姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文施洪褚严华戚柳鲍费岑倪滕殷毕邬安乐卞齐伍卜顿]"
)
_TITLES = "先生|女士|小姐|太太|老师|师傅|经理|主管|主任|总(?=[,，。！!？?吗的])|阿姨|大哥|大姐|同学"
_NAMES = (
    re.compile(
        rf"(?:我叫|名叫|名字叫|叫做|姓名(?:是|为|:|：)?|名字(?:是|:|：)|收件人(?:是|叫|:|：)?|联系人(?:是|叫|:|：)?|机主(?:是|叫)?|户主(?:是|叫)?|我是|您是|你是|请问是|本人)\s*((?:{_SURNAMES})[\u4e00-\u9fa5]{{1,2}})(?=[,，。；;、!！?？\s]|$|先生|女士|小姐|吗|本人|的|吧|对)"
    ),
    re.compile(rf"(?:免贵姓|贵姓|我姓|您姓|姓)\s*({_SURNAMES})(?![\u4e00-\u9fa5]*名)"),
    re.compile(rf"((?:{_SURNAMES})[\u4e00-\u9fa5]{{0,2}}?)(?={_TITLES})"),
    re.compile(rf"(?:我叫|名叫|(?:收件人|联系人|机主|户主)(?:是|叫|写|填)?)\s*((?:{_SURNAMES})[\u4e00-\u9fa5]{{1,2}})"),
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` without personal data; `offsets[i]` is where its character `i` stands in the original.

    A mark's characters all stand where what it hides begins; `ends[i]` is one past where character `i` ends there.
    """

    text: str
    offsets: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the original that `text[start:end]` stands for."""
        return self.offsets[start], max(self.ends[start:end])


def redact(text: str, *, names: Iterable[str] = ()) -> Redacted:
    """`text` with personal data hidden.

    Args:
        text: a turn's text.
        names: names that are known from elsewhere, hidden wherever they stand.
    """
    hidden = _merged([*_found(text), *_known(text, names)])
    pieces: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    position = 0
    for start, end, mark in [*hidden, (len(text), len(text), "")]:
        pieces += (text[position:start], mark)
        offsets += [*range(position, start), *[start] * len(mark)]
        ends += [*range(position + 1, start + 1), *[end] * len(mark)]
        position = end
    return Redacted("".join(pieces), tuple(offsets), tuple(ends))


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    for pattern, mark in ((_EMAIL, EMAIL), (_PLATE, PLATE), (_ADDRESS, ADDRESS)):
        yield from ((*match.span(), mark) for match in pattern.finditer(text))
    yield from ((*match.span(1), ACCOUNT) for match in _ACCOUNT.finditer(text))
    for pattern in _NAMES:
        yield from ((*match.span(1), NAME) for match in pattern.finditer(text))
    yield from _numbers(text)


def _known(text: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    for name in names:
        if len(name) > 1:
            yield from ((*match.span(), NAME) for match in re.finditer(re.escape(name), text))


def _numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Digits in a row, written or spoken, blanks and fillers between or not, with the code that they stand in."""
    form = matching_form(text)
    codes = [match.span() for match in _CODE.finditer(text) if sum(map(str.isdigit, match.group())) >= LEAST_DIGITS]
    for run in _RUN.finditer(form.text):
        digits = run.group().removesuffix("x")
        start, end = form.span(run.start(), run.start() + len(digits))
        spoken = sum(ch in DIGITS for ch in text[start:end])
        if len(digits) < LEAST_DIGITS and not (spoken == 2 and _only_digits(form.text)):
            continue
        if len(digits) < ALWAYS_HIDDEN and (
            _UNIT.match(text[end:].lstrip()) or text[:start].rstrip().endswith(("¥", "￥"))
        ):
            continue
        start, end = form.span(*run.span())
        for first, last in codes:
            if first < end and start < last:
                start, end = min(start, first), max(end, last)
        yield start, end, NUMBER


def _only_digits(form: str) -> bool:
    """Whether a turn is hardly more than digits: part of a number that is dictated over several turns."""
    return sum(map(str.isdigit, form)) * 2 > len(form)


def _merged(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The spans in order, overlapping ones as one with the mark of the first and longest."""
    merged: list[tuple[int, int, str]] = []
    for start, end, mark in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if merged and start < merged[-1][1]:
            first, last, kept = merged[-1]
            merged[-1] = (first, max(last, end), kept)
        else:
            merged.append((start, end, mark))
    return merged
