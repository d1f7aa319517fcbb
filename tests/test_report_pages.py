"""The pages in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from pipeline.reports.html import write_report
from tests.report_nights import night, write_call

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000
"""Milliseconds to wait for a page on a busy machine."""
NOTE_JUMPS = """
window.jumps = [];
const audio = document.getElementById("audio");
audio.addEventListener("seeking", () => window.jumps.push(audio.currentTime));
"""
AT = "document.getElementById('audio').currentTime"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    return write_report(night(write_call(folder / "call.wav")), folder / "out").parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "these tests need chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1300, "height": 800}, offline=True)
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test if a script fails or the policy blocks something."""
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield page
    assert said == []


@pytest.fixture
def call(page: Page, report: Path) -> Page:
    page.goto((report / "interactions" / "C1.html").as_uri())
    _until(page, "document.getElementById('audio').readyState >= 1")
    page.evaluate(NOTE_JUMPS)
    return page


def _until(page: Page, condition: str, arg: object = None) -> None:
    """Wait until a JavaScript condition holds, asked from outside: the page's policy forbids evaluating it inside."""
    for _ in range(PATIENCE // 50):
        if page.evaluate(condition, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {condition}")


def _plays_from(page: Page, second: float) -> None:
    """Wait until the last jump of the audio went to `second`, and until it plays."""
    _until(page, f"Math.abs(window.jumps.at(-1) - {second}) < 0.01")
    _until(page, "!document.getElementById('audio').paused")


def test_a_finding_plays_its_second(call: Page) -> None:
    call.click("#finding-2 .finding-head")
    _plays_from(call, 12.5)


def test_a_quote_plays_its_second_and_shows_its_turn(call: Page) -> None:
    call.click("#finding-1 .evidence button")
    _plays_from(call, 5.0)
    call.wait_for_selector("#turn-1.now")
    assert call.locator("#turn-1 mark.active").inner_text() == "气死我了"


def test_a_marked_word_of_the_transcript_plays_and_selects_its_finding(call: Page) -> None:
    call.click("#turn-2 mark")
    _plays_from(call, 12.5)
    assert "active" in (call.locator("#finding-2").get_attribute("class") or "")


def test_a_marker_on_the_timeline_plays_its_second(call: Page) -> None:
    call.click(".marker[data-finding='1']")
    _plays_from(call, 5.0)


def test_a_click_on_the_waveform_moves_there(call: Page) -> None:
    box = call.locator("#lanes .lane").first.bounding_box()
    assert box
    call.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    _until(call, f"Math.abs({AT} - 12) < 0.2")


def test_the_time_of_a_turn_plays_it(call: Page) -> None:
    call.click("#turn-3 .clock")
    _plays_from(call, 18.0)


def test_n_goes_through_the_lost_points_in_the_order_they_are_heard(call: Page) -> None:
    call.keyboard.press("n")
    _plays_from(call, 5.0)
    call.keyboard.press("n")
    _plays_from(call, 12.5)
    call.keyboard.press("Shift+N")
    _plays_from(call, 5.0)


def test_space_plays_and_pauses(call: Page) -> None:
    call.keyboard.press("Space")
    _until(call, "!document.getElementById('audio').paused")
    call.keyboard.press("Space")
    _until(call, "document.getElementById('audio').paused")


def test_arrows_move_by_five_seconds(call: Page) -> None:
    call.keyboard.press("ArrowRight")
    _until(call, f"{AT} === 5")
    call.keyboard.press("ArrowRight")
    _until(call, f"{AT} === 10")
    call.keyboard.press("ArrowLeft")
    _until(call, f"{AT} === 5")


def test_the_transcript_follows_the_playback(call: Page) -> None:
    call.evaluate("document.getElementById('audio').currentTime = 15.5")
    call.click("#play")
    call.wait_for_selector("#turn-3.now")
    assert call.locator(".turn.now").count() == 1


def test_only_lost_points_hides_the_rest(call: Page) -> None:
    assert call.locator("#finding-0").is_visible()
    call.check("#only-lost")
    assert not call.locator("#finding-0").is_visible()
    assert call.locator("#finding-2").is_visible()


def test_the_speed_can_be_changed(call: Page) -> None:
    call.click("[data-rate='1.5']")
    assert call.evaluate("document.getElementById('audio').playbackRate") == 1.5


def test_a_link_from_an_agents_page_arrives_at_the_second(page: Page, report: Path) -> None:
    page.goto((report / "agents" / "1024.html").as_uri())
    page.click(".moment-bad a")
    page.wait_for_url("**/C1.html#f=rudeness*")
    _until(page, f"Math.abs({AT} - 12.5) < 0.05")
    assert "active" in (page.locator("#finding-2").get_attribute("class") or "")
    assert page.evaluate("document.getElementById('audio').paused")


def test_a_chat_needs_no_audio(page: Page, report: Path) -> None:
    page.goto((report / "interactions" / "T2.html").as_uri())
    assert page.locator("audio").count() == 0
    page.click("#finding-0 .finding-head")
    page.wait_for_selector("#turn-1.flash")


def test_the_charts_are_drawn(page: Page, report: Path) -> None:
    for name in ("index.html", "team.html", "agents/1024.html"):
        page.goto((report / name).as_uri())
        for chart in page.locator(".chart").all():
            chart.locator(".main-svg").first.wait_for()


def test_charts_take_the_colours_of_the_scheme(page: Page, report: Path) -> None:
    page.goto((report / "index.html").as_uri())
    bar = page.locator("[data-figure='chart-distribution'] .bars path").last
    light = bar.evaluate("node => getComputedStyle(node).fill")
    page.emulate_media(color_scheme="dark")
    _until(
        page,
        "colour => [...document.querySelectorAll(\"[data-figure='chart-distribution'] .bars path\")]"
        ".every((node) => getComputedStyle(node).fill !== colour)",
        arg=light,
    )


def test_filters_narrow_the_queue_and_the_list(page: Page, report: Path) -> None:
    page.goto((report / "index.html").as_uri())
    assert _shown(page) == (2, 3)
    page.select_option("select[name='agent']", "1024")
    assert _shown(page) == (1, 1)
    assert page.locator("#queue [data-count]").inner_text() == "1 / 2"
    page.click(".filters button[type='reset']")
    _until(page, "!document.querySelector('.row[hidden]')")
    page.select_option("select[name='reason']", "random_sample")
    assert _shown(page) == (1, 1)
    page.select_option("select[name='reason']", "")
    page.fill("input[name='text']", "粗暴 小李")
    assert _shown(page) == (1, 1)
    page.fill("input[name='text']", "没有这个词")
    assert page.locator("#queue [data-none]").is_visible()


def _shown(page: Page) -> tuple[int, int]:
    return page.locator("#queue .row:visible").count(), page.locator("#all .row:visible").count()


def test_the_list_is_sorted_by_a_click_on_its_head(page: Page, report: Path) -> None:
    page.goto((report / "index.html").as_uri())
    score = page.locator("#all thead button", has_text="得分")
    score.click()
    assert page.locator("#all tbody .score").all_inner_texts() == ["未评分", "40", "100"]
    score.click()
    assert page.locator("#all tbody .score").all_inner_texts() == ["100", "40", "未评分"]


def test_a_row_opens_its_interaction(page: Page, report: Path) -> None:
    page.goto((report / "index.html").as_uri())
    page.click("#queue .reasons >> nth=0")
    page.wait_for_url("**/interactions/C1.html")


@pytest.mark.parametrize("name", ["index.html", "team.html", "agents/1024.html", "interactions/C1.html"])
def test_a_narrow_window_needs_no_sideways_scrolling(page: Page, report: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto((report / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
