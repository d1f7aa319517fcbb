"""The Python interface follows the settings, as the commands do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import api
from pipeline.errors import InputError
from pipeline.settings import Settings
from tests.dialogues import talk


@pytest.fixture
def scored(settings: Settings) -> api.Scored:
    return api.score([talk("坐席: 您好\n客户: 再见").interaction], settings=settings)


def test_errors_speak_the_language_of_the_settings(scored: api.Scored) -> None:
    english = replace(scored, settings=scored.settings.model_copy(update={"language": "en"}))
    with pytest.raises(InputError, match="没有坐席"):
        api.compare(scored, "1", "2")
    with pytest.raises(InputError, match="no interaction"):
        api.compare(english, "1", "2")


def test_pages_speak_the_language_of_the_settings(scored: api.Scored, tmp_path: Path) -> None:
    english = replace(scored, settings=scored.settings.model_copy(update={"language": "en"}))
    assert '<html lang="en">' in api.report(english, tmp_path).read_text(encoding="utf-8")


def test_pages_show_the_time_of_the_settings_zone(scored: api.Scored, tmp_path: Path) -> None:
    made = []
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        there = replace(scored, settings=scored.settings.model_copy(update={"time_zone": zone}))
        page = api.report(there, tmp_path).read_text(encoding="utf-8")
        made.append(re.findall(r'class="made">.*?(\d+日)', page))
    assert all(made)
    assert made[0] != made[1], "there are never two places 26 hours apart with the same day"


def test_what_is_told_without_settings_at_hand_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_LANGUAGE", "en")
    (aside,) = api.load(tmp_path).set_aside
    assert aside.reason.isascii()
