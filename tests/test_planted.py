"""Personal data that comes with interactions is in no file that a run, an export or a report writes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from pipeline.cli.stored import export, report
from pipeline.nightly import Nightly, run_local
from pipeline.settings import load_settings
from tests.material import dialogue

PHONE, CARD, NAME, PLACE = "13912345678", "110101199003074135", "欧阳建国", "槐树巷七十二号"
TALK = (
    ("agent", "您好，请问有什么可以帮您？"),
    ("customer", f"我叫{NAME}，电话幺三九一二三四五六七八，单号SF88231077451。"),
    ("agent", f"跟您核对一下，{NAME}先生，{PHONE}，对吗？身份证是{CARD}。"),
    ("customer", f"对，送到{PLACE}，邮箱lily88@example.com，车牌沪A·D1234。"),
    ("agent", "好的，24小时内给您回复。感谢您的来电，再见。"),
)
PLANTED = (
    PHONE,
    "幺三九一二三四五六七八",
    CARD,
    NAME,
    PLACE,
    "lily88@example.com",
    "沪A·D1234",
    "SF88231077451",
    "15900001111",
    "周小梅",
)


def holding(folder: Path, words: str) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_nothing_that_is_written_holds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    attributes = {"caller": "15900001111", "crm": {"name": "周小梅"}}
    content = dialogue("T1", TALK, attributes=attributes, note=f"{NAME}来电")
    (inbox / "a.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    bad = dialogue("T2", TALK) | {"csat": f"电话{PHONE}"}
    (inbox / "b.json").write_text(json.dumps(bad, ensure_ascii=False), encoding="utf-8")
    settings = load_settings()
    nightly = Nightly(inbox, settings)
    with caplog.at_level(logging.DEBUG, logger="pipeline"):
        run_local(nightly)
    outcome = nightly.finish()
    assert [result.evaluation.interaction for result in outcome.results] == ["T1"]
    assert [item.code for item in outcome.set_aside] == ["Z108"]
    report(tmp_path / "out", settings)
    export(settings)
    printed = capsys.readouterr()
    for planted in PLANTED:
        assert (planted, holding(settings.home, planted)) == (planted, [])
        assert holding(tmp_path / "out", planted) == []
        assert planted not in printed.out + printed.err + caplog.text
        assert holding(inbox, planted)
