"""Named things in a text and their values, written and spoken."""

from datetime import date

import pytest

from pipeline.entities import entities, spoken_number

SUNDAY = date(2025, 10, 12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500", 500), ("1,280", 1280), ("1.5万", 15000), ("3万5", 35000),
        ("五百", 500), ("三百五", 350), ("两千", 2000),
        ("两万三", 23000), ("一百零五", 105), ("一千零五十", 1050), ("二十五", 25), ("十二", 12), ("一二三", 123),
        ("三点五", 3.5), ("三千五百二十一", 3521),
        ("一亿两千万", 120_000_000), ("零", 0), ("好", None), ("三点好", None),
    ],
)  # fmt: skip
def test_numbers_as_they_are_spoken(text: str, value: float | None) -> None:
    assert spoken_number(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("amount", "给您三百五十块钱，另加5毛", {"三百五十块钱": 350, "5毛": 0.5}),
        ("amount", "一共3块5毛，不是五块五", {"3块5毛": 3.5, "五块五": 5.5}),
        ("amount", "￥1,280起，退1.5万元", {"￥1,280": 1280, "1.5万元": 15000}),
        ("amount", "一块去吧，两块电池，三单元，八百元件", {}),
        ("percent", "百分之八十，最多95%，百分之百", {"百分之八十": 80, "95%": 95, "百分之百": 100}),
        ("duration", "30分钟内，最晚48小时", {"30分钟": 1800, "48小时": 172800}),
        ("duration", "一个半小时或者两天半，不会超过半天", {"一个半小时": 5400, "两天半": 216000, "半天": 43200}),
        ("duration", "三日内，3个工作日，三个月", {"三日": 259200, "3个工作日": 259200, "三个月": 7776000}),
        ("duration", "2025年买的，下周三去修", {}),
        ("number", "买了两件，型号12", {"两": 2, "12": 12}),
        ("phone", "打幺三八 一二三四五六七八", {"幺三八 一二三四五六七八": "13812345678"}),
        ("phone", "或者400-820-8820", {"400-820-8820": "4008208820"}),
        ("phone", "订单88621234", {}),
        ("order_number", "订单号是 AB8862 1234", {"AB8862 1234": "ab88621234"}),
        ("email", "发到 Li.Lei@example.com", {"Li.Lei@example.com": "li.lei@example.com"}),
        ("plate", "车牌京A12345", {"京A12345": "京a12345"}),
    ],
)  # fmt: skip
def test_what_is_named_and_its_value(kind: str, text: str, found: dict[str, float | str]) -> None:
    assert {text[slice(*one.span)]: one.value for one in entities(kind, text)} == found


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10月12日", "2025-10-12"), ("十月十五号", "2025-10-15"), ("1月3日", "2026-01-03"),
        ("2024-02-29", "2024-02-29"),
        ("2025年3月1日", "2025-03-01"), ("去年五月三号", "2024-05-03"), ("后天", "2025-10-14"),
        ("下周三", "2025-10-15"),
        ("周五", "2025-10-17"), ("本周日", "2025-10-12"), ("上星期一", "2025-09-29"),
    ],
)  # fmt: skip
def test_dates_are_told_from_the_day_of_the_conversation(text: str, day: str) -> None:
    (found,) = entities("date", text, today=SUNDAY)
    assert found.value == date.fromisoformat(day).toordinal()


@pytest.mark.parametrize(("text", "count"), [("后天", 1), ("10月12日", 1), ("二月三十号", 0), ("13月1日", 0)])
def test_a_date_that_cannot_be_told_has_no_value(text: str, count: int) -> None:
    assert [one.value for one in entities("date", text)] == [None] * count


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("下午三点半", 930), ("18:30", 1110), ("晚上八点", 1200), ("8点15分", 495), ("中午十二点", 720),
        ("下午两点三刻", 885), ("九点", 540),
        ("快一点", None), ("三点建议", None), ("24小时", None), ("早点休息", None), ("一点五", None),
    ],
)  # fmt: skip
def test_times_of_day(text: str, minutes: float | None) -> None:
    assert [one.value for one in entities("time", text)] == ([] if minutes is None else [minutes])
