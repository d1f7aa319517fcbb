"""The workshop picks models by the settings, and knows which cards fit which channel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.asr.engine import REQUIRED_FILES
from models.registry import manifest
from pipeline.conversation import Channel, Interaction, Speaker, Turn
from pipeline.settings import load_settings
from pipeline.speech_models import model_name
from pipeline.store.records import ears
from pipeline.workshop import Workshop


def test_second_opinion_is_a_setting_and_changes_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Workshop(load_settings()).reader.digest
    monkeypatch.setenv("ZHIJIAN_READING_SECOND_OPINION", "false")
    assert Workshop(load_settings()).reader.digest != alone


def test_models_are_named_with_their_digests_and_a_text_needs_no_ears(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "our@model"
    folder.mkdir()
    for name in (*REQUIRED_FILES, "vocabulary.json"):
        (folder / name).write_text(name, encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_ASR_MODEL", str(folder))
    workshop = Workshop(load_settings())
    heard = workshop.models(Interaction("C1", Channel.CALL, "sha256:1", "x", recording="x.wav"))
    written = workshop.models(Interaction("T1", Channel.CHAT, "sha256:2", "x", turns=(Turn(0, Speaker.AGENT, "您好"),)))
    assert list(heard) == ["asr", "tone"]
    assert re.fullmatch(r"our@model@sha256:[0-9a-f]{64}", heard["asr"])
    assert re.fullmatch(r"zhijian-reader-zh-small@sha256:[0-9a-f]{64}", heard["tone"])
    assert written == {"tone": heard["tone"]}
    assert ears(heard) == heard["asr"].removeprefix("our@model@")
    assert ears(written) == ""


def test_a_model_of_the_manifest_goes_by_its_name_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_name(load_settings()) == manifest().shipped
    monkeypatch.setenv("ZHIJIAN_ASR_MODEL", "turbo")
    assert model_name(load_settings()) == "turbo"
