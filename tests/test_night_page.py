"""The page of a night."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api._generated import Page

from pipeline.conversation import Channel, SetAside
from pipeline.night_figures import NightFigures
from pipeline.reports.material import CardText, CriterionText
from pipeline.reports.night_page import write_night
from pipeline.reports.words import Words
from tests.night_material import judged, night, plain_night
from tests.test_report_pages import browser, context, page  # noqa: F401

CARD = CardText(
    "online-chat",
    {"zh": "在线客服", "en": "Online chat"},
    criteria={"taboo_words": CriterionText({"zh": "服务<禁语>", "en": "Bare refusals"}, "conduct", fault=True)},
)


def tonight() -> NightFigures:
    return night(
        [
            judged(1, faults={"taboo_words": True}, passed=False, reasons=("fatal:x",), csat=2, seconds=0.01),
            judged(2, channel=Channel.CALL, seconds=90, audio_seconds=600),
            judged(3, faults={"taboo_words": False}, csat=5),
        ],
        run=9,
        set_aside=(SetAside("坏<的>.wav", "Z103", "录音被截断", "请重新导出"),),
        worker_hour=4.0,
    )


def written(folder: Path, now: NightFigures, before: list[NightFigures], *warnings: str) -> str:
    path = write_night(now, before, warnings, folder, [CARD], zone="Asia/Shanghai", words=Words("zh"))
    return path.read_text(encoding="utf-8")


def test_the_page_tells_counts_cost_and_files(tmp_path: Path) -> None:
    text = written(tmp_path, tonight(), [plain_night(run) for run in range(8, 0, -1)], "投诉风险指数 27。")
    for told in (
        "投诉风险指数 27。",
        "电话 1 · 文字 2",
        "9.0",
        "约 0.60 CNY",
        "坏&lt;的&gt;.wav",
        "录音被截断",
        "请重新导出",
        "共 2 个评分",
        "不到 0.1 秒",
        "比上一夜 ±0",
    ):
        assert told in text, told
    assert json.loads(_figure(text, "chart-faults"))["data"][0]["y"] == ["服务<禁语>"]


def _figure(text: str, name: str) -> str:
    return text.split(f'id="{name}">')[1].split("</script>")[0]


def test_the_charts_show_every_night_and_what_is_usual(tmp_path: Path) -> None:
    text = written(tmp_path, tonight(), [plain_night(run) for run in range(8, 0, -1)])
    quality = json.loads(_figure(text, "chart-quality"))
    assert [len(line["x"]) for line in quality["data"]] == [9, 9, 9, 9]
    bars, marks = json.loads(_figure(text, "chart-faults"))["data"]
    assert (bars["x"], marks["x"]) == ([50.0], [1.0])
    (cost,) = json.loads(_figure(text, "chart-cost"))["data"]
    assert cost["y"] == [None] * 8 + [9.0]


def test_two_nights_of_a_day_are_told_apart(tmp_path: Path) -> None:
    first = plain_night(8)
    second = replace(tonight(), made_at=first.made_at.replace(minute=30))
    text = written(tmp_path, second, [first])
    assert len(set(json.loads(_figure(text, "chart-volume"))["data"][0]["x"])) == 2


def test_the_first_night_says_that_it_has_nothing_to_compare(tmp_path: Path) -> None:
    assert "这是第一夜" in written(tmp_path, tonight(), [])


def test_an_empty_night_makes_a_page(tmp_path: Path) -> None:
    text = written(tmp_path, night(run=3), [])
    assert "没有新的会话" in text
    assert "所有文件都处理了" in text


@pytest.mark.parametrize("width", [1300, 390])
def test_the_page_is_drawn_and_needs_no_sideways_scrolling(page: Page, tmp_path: Path, width: int) -> None:  # noqa: F811
    written(tmp_path, tonight(), [plain_night(run) for run in range(8, 0, -1)])
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((tmp_path / "index.html").as_uri())
    for chart in page.locator(".chart").all():
        chart.locator(".main-svg").first.wait_for()
    assert page.locator(".chart").count() == 4
    assert page.evaluate("document.documentElement.scrollWidth") == width
