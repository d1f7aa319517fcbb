"""What the page of one interaction shows of advice, severity, lost sections, bonuses and the critical sub-score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.flagging import flag
from pipeline.i18n import Language
from pipeline.night import night_of
from pipeline.reports import cases, summary
from pipeline.reports.cases import FindingView, SectionView
from pipeline.reports.html import write_report
from pipeline.reports.material import Night
from pipeline.reports.timeline import timeline
from pipeline.reports.words import Words
from pipeline.scoring import score
from pipeline.store.records import Result
from tests.cards import card
from tests.dialogues import talk

SECTIONS = "sections: {opening: {zh: 开场, en: Opening}, closing: {zh: 结束, en: Closing}}"
CRITERIA = """\
  - {id: hello, title: 问候, section: opening, points: 5, phrase: 您好}
  - {id: verify, title: 核身, section: opening, points: 5, severity: critical, phrase: 核对,
     advice: {zh: 先核对身份再查询。, en: Verify first.}}
  - {id: leak, title: 泄密, section: opening, fatal: section, phrase: 密码是}
  - {id: bye, title: 告别, section: closing, points: 5, phrase: 再见, advice: {zh: 道别后再挂机。, en: Say goodbye.}}
  - {id: warm, title: 祝福, section: closing, bonus: 2, phrase: 生日快乐}"""
MADE_AT = datetime(2026, 3, 12, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


def night(folder: Path, *texts: str, top: str = SECTIONS) -> Night:
    scorecard = card(folder, CRITERIA, top=top)
    results = []
    for number, text in enumerate(texts):
        conversation = talk(text, interaction_id=f"C{number}")
        evaluation = score(conversation, scorecard, engine_version="test")
        results.append(Result(conversation, evaluation, flag(evaluation, conversation, scorecard)))
    return night_of(results, set_aside=(), cards=[scorecard], made_at=MADE_AT)


def views(folder: Path, text: str, language: Language = "zh") -> Sequence[SectionView]:
    made = night(folder, text)
    (case,) = made.cases
    axis = timeline(case.conversation, None).axis
    return cases.sections(case, made, Words(language), axis)


def view(folder: Path, text: str, criterion: str) -> FindingView:
    return next(v for section in views(folder, text) for v in section.findings if v.id == criterion)


def test_advice_stands_beside_what_was_lost_only(tmp_path: Path) -> None:
    assert view(tmp_path, "坐席: 您好", "verify").advice == "先核对身份再查询。"
    assert view(tmp_path, "坐席: 您好，核对", "verify").advice == ""
    assert view(tmp_path, "坐席: 喂", "hello").advice == ""


def test_section_that_was_lost_shows_no_points_and_says_why(tmp_path: Path) -> None:
    found = view(tmp_path, "坐席: 您好，核对，密码是，再见", "leak")
    assert (found.section_fatal, found.points) == (True, "本板块 0 分")
    assert [section.points for section in views(tmp_path, "坐席: 您好，核对，密码是，再见")] == ["0 / 10", "5 / 5"]


@pytest.mark.parametrize(("text", "points", "look"), [("生日快乐", "+2", "good"), ("嗯", "—", "na")])
def test_bonus_is_shown_as_a_gain_and_never_as_a_loss(tmp_path: Path, text: str, points: str, look: str) -> None:
    found = view(tmp_path, f"坐席: {text}", "warm")
    assert (found.points, found.look, found.lost) == (points, look, False)


def test_lost_section_comes_first_among_the_losses(tmp_path: Path) -> None:
    (case,) = night(tmp_path, "坐席: 密码是").cases
    assert next(finding.criterion for finding in summary.worst_findings(case)) == "leak"


def test_rates_leave_bonuses_out(tmp_path: Path) -> None:
    assert "warm" not in summary.rates(night(tmp_path, "坐席: 您好").cases)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("zh", ["关键项得分 0", "改进建议：先核对身份再查询。", "板块清零", "关键项"]),
        ("en", ["critical score 0", "Advice: Verify first.", "Section lost", "Critical"]),
    ],
)
def test_page_says_it_in_words(tmp_path: Path, language: Language, sentences: Sequence[str]) -> None:
    path = write_report(night(tmp_path, "坐席: 您好，密码是，再见"), tmp_path / "report", language=language)
    page = next((path.parent / "interactions").glob("*.html")).read_text(encoding="utf-8")
    assert [sentence for sentence in sentences if sentence not in page] == []


def test_minimum_of_a_sample_reaches_the_report(tmp_path: Path) -> None:
    rule = "\nflag: [{random: 0%, at_least: 1, per: channel, priority: 0.1}]"
    made = night(tmp_path, *["坐席: 您好，核对，再见"] * 3, top=SECTIONS + rule)
    assert [case.review.reasons for case in made.cases if case.review.flagged] == [("random_sample",)]
