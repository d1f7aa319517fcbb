"""Named things in a turn's text with their values: amounts, spans of time, dates, times of day, numbers, phones.

Numbers are understood as they are written and as they are spoken (500, 五百, 三百五, 1.5万, 两千). A value that the
words leave open, such as the date of 后天 in a conversation of unknown date, is `None`.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.placeholders import stand_in
from pipeline.text import DIGITS, matching_form

_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
_ONES = {**{sign: int(digit) for sign, digit in DIGITS.items()}, "两": 2, "俩": 2}
_TOKEN = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|.")
_SIGNS = "".join(_ONES) + "".join(_SMALL) + "".join(_BIG)
NUMBER = rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?(?:[{_SIGNS}]+\d*)*|[{_SIGNS}]+(?:点[{_SIGNS}]+)?(?:\d+)?)"
"""Regular expression of a number, written or spoken."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
UNITS = {
    "秒": 1.0, "秒钟": 1.0, "分钟": MINUTE, "小时": HOUR, "钟头": HOUR, "天": DAY, "工作日": DAY, "日": DAY,
    "周": 7 * DAY,
    "星期": 7 * DAY, "礼拜": 7 * DAY, "月": 30 * DAY, "年": 365 * DAY,
    "s": 1.0, "min": MINUTE, "minutes": MINUTE, "h": HOUR, "hour": HOUR, "hours": HOUR,
    "d": DAY, "day": DAY, "days": DAY,
}  # fmt: skip
"""Seconds of a unit of time; a working day counts as a day, a month as 30, a year as 365."""

_AMOUNT = re.compile(
    rf"(?:[¥￥]|RMB|人民币)\s*(?P<signed>{NUMBER})|"
    rf"(?P<yuan>{NUMBER})\s*(?P<unit>元(?![件素旦宵])|圆|块钱|块)(?:零?(?P<jiao>{NUMBER})(?:角|毛)?)?|"
    rf"(?P<only>{NUMBER})\s*(?:角|毛钱|毛(?=[,，。;；!！?？]|$))"
)
_MONEY = re.compile(r"[,，。;；!！?？、]|$|的|吧|以|左右|内|多|就|补|优惠|给|退|了|呢|啊")
"""What follows 块 where few of them are money, and not pieces of something (两块电池)."""
_PERCENT = re.compile(rf"(?P<before>{NUMBER})\s*[%％]|百分之(?P<after>{NUMBER})")
_DURATION = re.compile(
    rf"(?P<half>半)\s*个?\s*(?P<half_unit>小时|钟头|天|月|年)|"
    rf"(?P<number>{NUMBER})\s*(?P<and>个半|个)?\s*(?P<unit>工作日|小时|钟头|分钟|秒钟?|天|日(?=内|之内|以内)|周(?![一二三四五六日末岁])|"
    rf"星期(?![一二三四五六日天])|礼拜(?![一二三四五六日天])|(?<=个)月|年(?!\s*[{_SIGNS}\d]+月))(?P<more>半)?"
)
_DATE = re.compile(
    rf"(?:(?P<year>\d{{4}}|[{_SIGNS}]{{4}}|今|明|去)年)?(?P<month>\d{{1,2}}|[{_SIGNS}]{{1,3}})月(?:份)?(?P<day>\d{{1,2}}|[{_SIGNS}]{{1,3}})[日号]?|"
    r"(?P<iso>\d{4}-\d{1,2}-\d{1,2})|(?P<near>大前天|前天|昨天|今天|今日|明天|明日|大后天|后天|今晚|明早|明晚)|"
    r"(?P<weeks>上上|上|这|本|下下|下)?(?:个)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
)
_NEAR = {
    "大前天": -3, "前天": -2, "昨天": -1, "今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1,
    "后天": 2, "大后天": 3,
}  # fmt: skip
_WEEKS = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_TIME = re.compile(
    rf"(?P<part>凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|今晚|明早|明晚|夜里)?(?:的)?(?:"
    rf"(?P<clock>\d{{1,2}})[:：](?P<clock_minute>\d{{2}})|"
    rf"(?P<hour>{NUMBER})(?:点(?P<whole>钟|整)?|时(?=[{_SIGNS}\d整]))"
    rf"(?:(?P<quarter>半|一刻|三刻)|(?P<minute>{NUMBER})分?(?!钟))?)"
)
_NO_TIME = re.compile(r"建议|意见|要求|原因|问题|五|儿|吧|好")
_PHONE = re.compile(r"(?<!\d)(?:(?:86)?(1[3-9]\d{9})|([48]00\d{7})|(0\d{2,3}\d{7,8}))(?!\d)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·.]?[A-Za-z0-9]{5,6}(?![A-Za-z0-9])"
)
_ORDER = re.compile(r"(?:订单|单号|运单|工单|快递单|编号|流水)号?(?:码)?(?:是|为)?([0-9a-z]*\d[0-9a-z]{4,})")


@dataclass(frozen=True, slots=True)
class Entity:
    """Characters of a text that name something, and its value: a number, a text, or `None` where that is left open."""

    span: tuple[int, int]
    value: float | str | None


def entities(kind: str, text: str, *, today: date | None = None) -> tuple[Entity, ...]:
    """All that `text` names of `kind`, in order.

    Values: `amount` in yuan, `percent` in percent, `duration` in seconds, `number` as it is; `date` as days since year
    1, resolved from `today`; `time` in minutes since midnight; `phone`, `order_number`, `email`, `plate` as text.

    A placeholder of masked personal data counts as something of its kind; its value is made up.

    Raises:
        KeyError: there is no such kind.
    """
    stood_in = stand_in(text)
    if stood_in is None:
        return tuple(KINDS[kind](text, today))
    return tuple(Entity(stood_in.span(*one.span), one.value) for one in KINDS[kind](stood_in.text, today))


def spoken_number(text: str) -> float | None:
    """The value of a number as it is written or spoken; `None` where it is none.

    A digit after a unit without its own stands for the next lower one (三百五 = 350, 两万三 = 23000).
    """
    if "点" in text:
        whole, _, places = text.partition("点")
        digits = "".join(str(_ONES[sign]) for sign in places if sign in _ONES)
        before = spoken_number(whole)
        return None if before is None or not digits or len(digits) < len(places) else float(f"{before:g}.{digits}")
    total = section = 0.0
    current: float | None = None
    unit, gap, single = 1.0, False, False
    for token in _TOKEN.findall(text):
        if token[0].isdigit() or token in _ONES:
            digit = float(token.replace(",", "")) if token[0].isdigit() else float(_ONES[token])
            gap = gap or (token in ("零", "〇") and current is None and unit > 1)
            single = len(token) == 1 and current is None
            current = digit if current is None or (gap and current == 0) else current * 10 + digit
        elif token in _SMALL:
            unit = _SMALL[token]
            section += (1.0 if current is None else current) * unit
            current, gap = None, False
        elif token in _BIG:
            unit = _BIG[token]
            section += current or 0.0
            total = (total + section) * unit if unit == _BIG["亿"] else total + (section or 1.0) * unit
            section, current, gap = 0.0, None, False
        else:
            return None
    if current is not None:
        section += current * unit / 10 if unit >= 100 and single and not gap and current < 10 else current
    elif unit == 1.0:
        return None
    return total + section


def _amounts(text: str, _: date | None) -> Iterator[Entity]:
    for match in _AMOUNT.finditer(text):
        if match["only"] is not None:
            tenth = spoken_number(match["only"])
            yield Entity(match.span(), None if tenth is None else tenth / 10)
            continue
        few = match["unit"] == "块" and len(match["yuan"]) == 1 and not match["jiao"]
        if few and not _MONEY.match(text[match.end() :]):
            continue
        value = spoken_number(match["signed"] or match["yuan"])
        tenth = spoken_number(match["jiao"]) if match["jiao"] else 0.0
        if match["jiao"] and tenth is not None and tenth >= 10:
            tenth /= 10
        yield Entity(match.span(), None if value is None or tenth is None else value + tenth / 10)


def _percents(text: str, _: date | None) -> Iterator[Entity]:
    for match in _PERCENT.finditer(text):
        value = 100.0 if match["after"] == "百" else spoken_number(match["before"] or match["after"])
        yield Entity(match.span(), value)


def _durations(text: str, _: date | None) -> Iterator[Entity]:
    for match in _DURATION.finditer(text):
        if match["half"]:
            yield Entity(match.span(), UNITS[match["half_unit"]] / 2)
            continue
        number = spoken_number(match["number"])
        halves = 0.5 if match["more"] or match["and"] == "个半" else 0.0
        unit = UNITS[match["unit"]]
        calendar_year = match["unit"] == "年" and number is not None and number > 100
        if not calendar_year:
            yield Entity(match.span(), None if number is None else (number + halves) * unit)


def _dates(text: str, today: date | None) -> Iterator[Entity]:
    for match in _DATE.finditer(text):
        try:
            found = _day(match, today)
        except ValueError:
            continue
        yield Entity(match.span(), None if found is None else float(found.toordinal()))


def _day(match: re.Match[str], today: date | None) -> date | None:
    """The day that is meant; `None` where it cannot be told.

    Raises:
        ValueError: the words are no date.
    """
    if match["iso"]:
        return date.fromisoformat("-".join(part.zfill(2) for part in match["iso"].split("-")))
    if match["month"]:
        month, day = spoken_number(match["month"]), spoken_number(match["day"])
        return _calendar(match["year"], int(month or 0), int(day or 0), today)
    if today is None:
        return None
    if match["near"]:
        return today + timedelta(days=_NEAR[match["near"]])
    monday = today - timedelta(days=today.weekday())
    place = "一二三四五六日".index(match["weekday"].replace("天", "日"))
    if match["weeks"]:
        return monday + timedelta(days=7 * _WEEKS[match["weeks"]] + place)
    coming = monday + timedelta(days=place)
    return coming if coming >= today else coming + timedelta(days=7)


def _calendar(year: str | None, month: int, day: int, today: date | None) -> date | None:
    """The day of a month; without a year the one that lies nearest to `today`."""
    date(2024, month, day)
    if year is not None and year not in ("今", "明", "去"):
        number = spoken_number(year)
        return None if number is None else date(int(number), month, day)
    if today is None:
        return None
    if year is not None:
        return date(today.year + {"今": 0, "明": 1, "去": -1}[year], month, day)
    around = (today.year + n for n in (-1, 0, 1))
    possible = [date(one, month, day) for one in around if (month, day) != (2, 29) or isleap(one)]
    return min(possible, key=lambda found: abs(found - today), default=None)


def _times(text: str, _: date | None) -> Iterator[Entity]:
    for match in _TIME.finditer(text):
        if match["clock"]:
            hour, minute = float(match["clock"]), float(match["clock_minute"])
        else:
            told = match["part"] or match["whole"] or match["quarter"] or match["minute"]
            if not told and (_NO_TIME.match(text[match.end() :]) or match["hour"] in ("一", "1", "几")):
                continue
            if match["minute"] and len(match["minute"]) == 1 and not match.group().endswith("分"):
                continue
            hour = spoken_number(match["hour"]) if match["hour"] else None  # type: ignore[assignment]
            minute = {"半": 30.0, "一刻": 15.0, "三刻": 45.0}.get(match["quarter"] or "", -1.0)
            if minute < 0:
                minute = (spoken_number(match["minute"]) or 0.0) if match["minute"] else 0.0
        if hour is None or not 0 <= hour <= 24 or hour != int(hour) or not 0 <= minute < 60:
            continue
        if match["part"] in ("下午", "傍晚", "晚上", "今晚", "明晚", "夜里") and hour < 12:
            hour += 12 if hour >= 5 or match["part"] in ("下午", "傍晚") else 0
        if match["part"] == "中午" and hour < 3:
            hour += 12
        yield Entity(match.span(), hour * 60 + minute)


def _numbers(text: str, _: date | None) -> Iterator[Entity]:
    for match in re.finditer(NUMBER, text):
        value = spoken_number(match.group())
        if value is not None:
            yield Entity(match.span(), value)


def _phones(text: str, _: date | None) -> Iterator[Entity]:
    form = matching_form(text)
    for match in _PHONE.finditer(form.text):
        yield Entity(form.span(*match.span()), match[1] or match[2] or match[3])


def _orders(text: str, _: date | None) -> Iterator[Entity]:
    form = matching_form(text)
    for match in _ORDER.finditer(form.text):
        yield Entity(form.span(*match.span(1)), match[1])


def _written(pattern: re.Pattern[str]) -> Callable[[str, date | None], Iterator[Entity]]:
    def find(text: str, _: date | None) -> Iterator[Entity]:
        for match in pattern.finditer(text):
            yield Entity(match.span(), match.group().lower())

    return find


KINDS: dict[str, Callable[[str, date | None], Iterator[Entity]]] = {
    "amount": _amounts,
    "percent": _percents,
    "duration": _durations,
    "date": _dates,
    "time": _times,
    "number": _numbers,
    "phone": _phones,
    "order_number": _orders,
    "email": _written(_EMAIL),
    "plate": _written(_PLATE),
}
"""How things of each kind are found."""
