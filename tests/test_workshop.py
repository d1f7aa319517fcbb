"""The workshop picks models by the settings, and knows which cards fit which channel."""

from __future__ import annotations

import pytest

from pipeline.settings import load_settings
from pipeline.workshop import Workshop


def test_second_opinion_is_a_setting_and_changes_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Workshop(load_settings()).reader.digest
    monkeypatch.setenv("ZHIJIAN_READING_SECOND_OPINION", "true")
    assert Workshop(load_settings()).reader.digest != alone
