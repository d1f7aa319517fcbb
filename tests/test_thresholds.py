import re

import pytest

from pipeline.alerts.thresholds import Kind, Warned, warnings
from pipeline.alerts.wording import MOST_CASES, Grave, grave_message, harmless, night_message, trial_message
from pipeline.conversation import SetAside
from pipeline.i18n import Language
from pipeline.night_figures import NightFigures
from pipeline.settings_tables import Alerts
from tests.night_material import BEGAN, judged, night, plain_night

BEFORE = [plain_night(run) for run in range(1, 8)]
TITLES = {"online-chat": "在线客服", "online-chat/taboo_words": "服务禁语", "rudeness": "态度粗暴"}


def found(now: NightFigures, **more: object) -> list[tuple[str, str]]:
    alerts = Alerts.model_validate({**Alerts().model_dump(), **more})
    return [(one.kind.value, one.name) for one in warnings(now, BEFORE, alerts)]


def rated(*ratings: int) -> NightFigures:
    return night([judged(number, csat=csat) for number, csat in enumerate(ratings)], run=9)


def test_a_night_like_the_others_warns_of_nothing() -> None:
    assert found(plain_night(9)) == []


def test_a_fault_that_rises_is_told() -> None:
    assert found(plain_night(9, faulty=14)) == [("fault", "taboo_words")]


def test_a_queue_and_its_agent_off_their_base_line_are_told() -> None:
    assert found(plain_night(9, bad=20)) == [("queue", "售后"), ("agent", "1024")]


def test_a_new_queue_has_no_base_line() -> None:
    assert ("queue", "新业务") not in found(plain_night(9, bad=60, queue="新业务"))


def test_many_series_make_each_test_stricter() -> None:
    many = [f"{number:04d}" for number in range(400)]
    before = [
        night([judged(n, agent=a, passed=n % 10 > 0) for a in many for n in range(20)], run=r) for r in range(1, 8)
    ]
    now = night([judged(n, agent=a, passed=n >= (5 if a == "0007" else 2)) for a in many for n in range(20)], run=9)
    assert [one.name for one in warnings(now, before, Alerts())] == []
    alone = night([judged(n, agent="0007", passed=n >= 6) for n in range(20)], run=9)
    assert [one.name for one in warnings(alone, before, Alerts(chance=0.05)) if one.kind is Kind.AGENT] == ["0007"]


def test_satisfaction_below_its_limit_is_told_from_enough_ratings_on() -> None:
    assert found(rated(*[5] * 17, 1, 1, 1)) == [("satisfaction", "")]
    assert found(rated(*[5] * 18, 1, 1)) == []
    assert found(rated(5, 1, 1)) == []
    assert found(rated(5, 1, 1), least_ratings=3) == [("satisfaction", "")]


def test_the_complaint_risk_is_told_from_its_limit_on() -> None:
    angry = night([judged(number, complaint_level=1) for number in range(5)], run=9)
    assert found(angry) == [("risk", "")]
    assert found(angry, risk=61) == []


@pytest.mark.parametrize(
    ("language", "title", "line"),
    [
        (
            "zh",
            "质检夜报（1月15日）：1 项需要关注",
            "在线客服里“服务禁语”突然增多：200 通里有 14 通（7%），前 7 夜是 1%。",
        ),
        (
            "en",
            "zhijian, night of 2026-01-15: 1 to look at",
            "“服务禁语” (在线客服) rose suddenly: 14 of 200 (7%), 1% in the 7 nights before.",
        ),
    ],
)
def test_a_night_is_told_with_its_warnings_first(language: Language, title: str, line: str) -> None:
    now = plain_night(9, faulty=14)
    warned = warnings(now, BEFORE, Alerts())
    message = night_message(now, warned, TITLES, report="/srv/n.html", zone="Asia/Shanghai", language=language)
    assert (message.kind, message.title, message.lines[0]) == ("warning", title, line)
    assert len(message.lines) == 3


def test_a_quiet_night_says_so() -> None:
    empty = night(run=9, set_aside=(SetAside("a.wav", "Z102", "不是录音"),))
    message = night_message(empty, (), {}, report="", zone="Asia/Shanghai", language="zh")
    assert message.title == "质检夜报（1月15日）：没有异常"
    assert message.lines == ("没有新的会话。", "有 1 个文件未能处理。")


def test_many_warnings_are_cut_short() -> None:
    warned = [Warned(Kind.RISK, value=30, limit=25)] * 14
    message = night_message(night(), warned, {}, report="", zone="UTC", language="zh")
    assert message.lines[10] == "另有 4 项，见报告。"


def grave(number: int, identifier: str = "C1") -> Grave:
    return Grave(f"sha256:{number}", identifier, "1024", ("rudeness",), gravest=True)


def test_grave_cases_are_told_by_id_reason_and_agent() -> None:
    message = grave_message([grave(1)], TITLES, made_at=BEGAN, report="", language="zh")
    assert message.title == "紧急：1 通会话需要马上处理"
    assert message.lines == ("C1：触犯红线（态度粗暴）、一级投诉（坐席 1024）",)
    assert message.subjects == ("sha256:1",)


def test_of_many_grave_cases_some_are_named() -> None:
    message = grave_message([grave(n) for n in range(25)], TITLES, made_at=BEGAN, report="", language="zh")
    assert len(message.lines) == MOST_CASES + 1
    assert message.lines[-1] == "另有 15 通，见报告。"
    assert len(message.subjects) == 25


def test_other_cases_make_another_alert() -> None:
    first, second = (grave_message([grave(n)], {}, made_at=BEGAN, report="", language="zh").alert for n in (1, 2))
    assert first != second
    assert first == grave_message([grave(1)], {}, made_at=BEGAN, report="x", language="en").alert


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("13800001234_20251012", "…_20251012"),
        ("rec-+86 138-0000-1234.wav", "rec-….wav"),
        ("010-12345678", "…"),
        ("11010519491231002X", "…"),
        ("6222020200112233445", "…"),
        ("wang.li@example.com", "…"),
        ("C20251012-0007", "C20251012-0007"),
        ("20251012093105", "20251012093105"),
        ("1024", "1024"),
    ],
)
def test_names_lose_what_may_be_personal(name: str, shown: str) -> None:
    assert harmless(name) == shown


def test_a_trial_is_a_message_of_its_own_each_time() -> None:
    one, other = (
        trial_message(made_at=BEGAN, language="zh"),
        trial_message(made_at=BEGAN.replace(hour=3), language="zh"),
    )
    assert one.alert != other.alert
    assert re.search("测试", one.title)
