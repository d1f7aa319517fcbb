"""What callers, agents and files are called, and what they say, is text on the pages, whatever it looks like."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from pipeline.conversation import SetAside, Verdict
from pipeline.reports.html import write_report
from tests import report_nights
from tests.report_nights import CHAT, LI, finding, quote

EVIL = """</script><script>alert("1")</script>'"><img src=x onerror=alert(1)>{{ 7 * 7 }}"""
OTHERS = ["agents/1031.html", "interactions/T2.html"]
"""Pages that tell of nothing hostile."""


class Page(HTMLParser):
    """The elements of a page that could do something, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        harmless = tag != "script" or "src" in names or names.get("type") == "application/json"
        loud = [name for name in names if name.startswith("on")]
        if not harmless or loud or names.get("src") == "x":
            self.active.append(f"<{tag} {names}>")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """All pages of a night in which every text is hostile, by name."""
    turns = tuple(replace(turn, text=f"{EVIL}{turn.text}", original=EVIL) for turn in CHAT)
    agent = replace(LI, id=EVIL, name=EVIL, team=EVIL)
    found = (finding("rudeness", Verdict.UNMET, quote(turns[1], EVIL)),)
    case = report_nights.case(EVIL, agent, found, turns=turns, total=40.0, reasons=("fatal:rudeness", EVIL), priority=1)
    night = replace(
        report_nights.night(),
        cases=(case, report_nights.kind_chat()),
        set_aside=(SetAside(EVIL, "Z103", EVIL, EVIL),),
    )
    out = tmp_path_factory.mktemp("report")
    write_report(night, out)
    read: dict[str, Page] = {}
    for path in out.rglob("*.html"):
        page = read[path.relative_to(out).as_posix()] = Page()
        page.feed(path.read_text(encoding="utf-8"))
    return read


def test_hostile_words_do_nothing(pages: dict[str, Page]) -> None:
    assert {name: page.active for name, page in pages.items() if page.active} == {}


def test_hostile_words_are_shown_as_they_are(pages: dict[str, Page]) -> None:
    assert sorted(name for name, page in pages.items() if EVIL not in page.text) == OTHERS
