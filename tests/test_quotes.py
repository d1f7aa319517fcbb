"""A quote of a single character is told within its clause, and stays what it is in the evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import api
from pipeline.conversation import Evaluation, ReviewItem
from pipeline.formats_out import evaluation_record, why
from pipeline.quotes import in_clause
from pipeline.scoring import score
from pipeline.settings import Settings
from tests.cards import card
from tests.dialogues import talk

TEXT = "坐席: 您好\n客户: 我在开会，视频刚才又断了，怎么办？"
BROKEN = """\
  - id: broken
    title: 断线
    section: s
    points: 1
    phrase: {any: [断], by: customer}"""


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("我在开会，视频刚才又断了，怎么办？", 10, "视频刚才又【断】了"),
        ("断", 0, "断"),
        ("好，断！行", 2, "断"),
        ("断了", 0, "【断】了"),
        (
            "一二三四五六七八九十一二三断四五六七八九十一二三四五",
            13,
            "…二三四五六七八九十一二三【断】四五六七八九十一二三四五",
        ),
        ("他说 断网 了", 3, "【断】网"),
    ],
)
def test_the_clause_goes_to_the_next_sign_on_either_side(text: str, at: int, told: str) -> None:
    assert in_clause(text, (at, at + 1)) == told


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    return score(talk(TEXT), card(tmp_path, BROKEN), engine_version="test")


def test_the_reason_says_more_than_the_evidence_points_at(evaluation: Evaluation, tmp_path: Path) -> None:
    review = ReviewItem("T1", flagged=False, priority=0.0, reasons=())
    record = evaluation_record(evaluation, review, card(tmp_path, BROKEN), "zh", talk(TEXT).turns)
    assert isinstance(record["criteria"], list)
    assert isinstance(record["criteria"][0], dict)
    assert record["criteria"][0]["why"] == "客户在第 2 句说了“视频刚才又【断】了”。"
    assert record["criteria"][0]["evidence"] == [
        {"turn": 1, "start": None, "end": None, "span": [10, 11], "quote": "断"}
    ]


def test_without_the_turns_the_quote_is_told_as_it_is(evaluation: Evaluation) -> None:
    assert why(evaluation.findings[0], "zh") == "客户在第 2 句说了“断”。"


def test_longer_quotes_stay_as_they_are(tmp_path: Path) -> None:
    (finding,) = score(talk(TEXT), card(tmp_path, BROKEN.replace("[断]", "[断了]")), engine_version="test").findings
    assert why(finding, "zh", talk(TEXT).turns) == "客户在第 2 句说了“断了”。"


def test_pages_tell_the_clause(tmp_path: Path, settings: Settings) -> None:
    card(tmp_path, BROKEN)
    scored = api.score([talk(TEXT).interaction], scorecard=str(tmp_path / "card.yaml"), settings=settings)
    api.report(scored, tmp_path / "out")
    (page,) = (tmp_path / "out" / "interactions").iterdir()
    assert "“视频刚才又【断】了”" in page.read_text(encoding="utf-8")
