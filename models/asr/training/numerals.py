"""Numbers, dates and times in words, as they are spoken on the telephone."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_PROVINCES = "京沪粤苏浙鲁川湘鄂豫冀晋陕甘辽吉黑皖闽赣桂云贵琼津渝蒙宁青新藏"


def read_digits(digits: str, *, yao: bool) -> str:
    """`1380` → 一三八零, with 幺 for 1 in telephone style."""
    words = "".join(DIGITS[int(d)] for d in digits)
    return words.replace("一", "幺") if yao else words


def in_words(number: int) -> str:
    """A whole number 0…99,999,999 in words: 10 → 十, 305 → 三百零五, 20,000 → 两万.

    Raises:
        ValueError: the number is out of range.
    """
    if not 0 <= number < 10**8:
        raise ValueError(f"{number} is out of range 0…99,999,999")
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        head = "两万" if high == 2 else f"{in_words(high)}万"
        return head if not low else head + ("零" if low < 1000 else "") + in_words(low)
    if number < 10:
        return DIGITS[number]
    text = ""
    digits = str(number)
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit != "0":
            text += DIGITS[int(digit)] + _UNITS[place]
        elif not text.endswith("零"):
            text += "零"
    text = text.rstrip("零")
    return text.removeprefix("一") if text.startswith("一十") else text


def _digits(rng: random.Random, argument: str) -> str:
    count = int(argument or rng.randint(3, 8))
    return read_digits("".join(rng.choices("0123456789", k=count)), yao=rng.random() < 0.4)


def _phone(rng: random.Random, _: str) -> str:
    number = "1" + rng.choice("356789") + "".join(rng.choices("0123456789", k=9))
    words = read_digits(number, yao=rng.random() < 0.6)
    return words if rng.random() < 0.6 else f"{words[:3]}，{words[3:7]}，{words[7:]}"


def _order(rng: random.Random, _: str) -> str:
    letter = rng.choice(_LETTERS) if rng.random() < 0.3 else ""
    return letter + read_digits("".join(rng.choices("0123456789", k=rng.randint(6, 12))), yao=rng.random() < 0.3)


def _idcard4(rng: random.Random, _: str) -> str:
    words = read_digits("".join(rng.choices("0123456789", k=4)), yao=rng.random() < 0.3)
    return words if rng.random() < 0.9 else words[:3] + "X"


def _plate(rng: random.Random, _: str) -> str:
    return rng.choice(_PROVINCES) + rng.choice(_LETTERS) + _digits(rng, "5")


def _num(rng: random.Random, argument: str) -> str:
    low, _, high = argument.partition("-")
    return in_words(rng.randint(int(low or 1), int(high or 99)))


def _money(rng: random.Random, _: str) -> str:
    amount = rng.choice(
        [rng.randint(1, 100), rng.randint(1, 1000), rng.randint(10, 500) * 10, rng.randint(1, 99) * 1000]
    )
    unit = rng.choice(["元", "块", "块钱", "块"])
    if rng.random() < 0.25 and amount < 1000:
        tail = DIGITS[rng.randint(1, 9)] + (rng.choice(["", "毛"]) if unit.startswith("块") else "角")
        return in_words(amount) + ("块" if unit.startswith("块") else "元") + tail
    return ("两" if amount == 2 else in_words(amount)) + unit


def _percent(rng: random.Random, _: str) -> str:
    return "百分之" + in_words(rng.randint(1, 100))


def _date(rng: random.Random, _: str) -> str:
    month = in_words(rng.randint(1, 12))
    day = in_words(rng.randint(1, 31))
    full = f"{month}月{day}{rng.choice('号号日')}"
    return rng.choice([full, full, f"{day}号", f"上个月{day}号", f"这个月{day}号"])


def _time(rng: random.Random, _: str) -> str:
    part = rng.choice(["上午", "下午", "晚上", "早上", "中午", ""])
    hour = rng.randint(1, 12)
    clock = ("两" if hour == 2 else in_words(hour)) + "点"
    minute = rng.choice(["", "", "半", "一刻", "钟", in_words(rng.randint(11, 59)) + "分", "零五分"])
    return part + clock + minute


def _weekday(rng: random.Random, _: str) -> str:
    return rng.choice(["星期", "周", "礼拜", "下周", "这周"]) + rng.choice("一二三四五六")


def _duration(rng: random.Random, _: str) -> str:
    number = rng.choice([1, 2, 3, 5, 7, 10, 12, 15, 20, 24, 30, 48, 72, rng.randint(1, 90)])
    unit = rng.choice(["分钟", "个小时", "小时", "天", "个工作日", "个月", "个星期", "秒"])
    return ("两" if number == 2 else in_words(number)) + unit


SLOTS: Mapping[str, Callable[[random.Random, str], str]] = {
    "digits": _digits,
    "phone": _phone,
    "tail": lambda rng, _: _digits(rng, "4"),
    "order": _order,
    "idcard4": _idcard4,
    "plate": _plate,
    "num": _num,
    "money": _money,
    "percent": _percent,
    "date": _date,
    "time": _time,
    "weekday": _weekday,
    "duration": _duration,
}
