"""The outline of the sound: taken while a recording is heard, kept with it, silent where personal data is said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.conversation import Channel, Hearing, Interaction, Speaker, Turn
from pipeline.dialogue import build
from pipeline.nightly import Nightly, run_local
from pipeline.privacy import masked
from pipeline.reports.media import drawn
from pipeline.retention import retain
from pipeline.settings import load_settings
from pipeline.store import open_store
from pipeline.waveform import POINTS, heights, silenced, waveform

SAMPLES = Path(__file__).parents[1] / "samples" / "inbox"
CALL = "C20251014-0004"
RATE = 1000


def test_the_outline_tells_how_loud_each_channel_is() -> None:
    loud = np.concatenate([np.zeros(5000), np.full(5000, -0.5)]).astype(np.float32)
    soft = np.full(10_000, 0.125, dtype=np.float32)
    outline = waveform([loud, soft], RATE)
    assert [len(row) for row in outline] == [500, 500]
    left, right = heights(outline)
    assert (left[0], left[-1]) == (0, 1)
    assert right[0] == pytest.approx(0.25, abs=0.01)


def test_a_long_recording_has_no_more_points_than_a_short_one() -> None:
    assert len(waveform([np.ones(60 * RATE, dtype=np.float32)], RATE)[0]) == POINTS
    assert waveform([np.ones(1, dtype=np.float32)], RATE) == (b"\xff",)


def test_nothing_sounds_in_silence_and_nothing_in_no_sound() -> None:
    assert heights(waveform([np.zeros(100, dtype=np.float32)], RATE)) == ((0.0,) * 5,)
    assert waveform([], RATE) == ()
    assert heights(()) == ()


def test_a_part_that_touches_a_span_or_its_margin_is_silent() -> None:
    (row,) = silenced((b"\xff" * 100,), [(2.05, 2.95), (9.9, 12.0)], 10.0)
    assert [at for at, value in enumerate(row) if not value] == [*range(19, 31), 98, 99]


def test_where_personal_data_is_said_nothing_is_kept_of_the_outline() -> None:
    hearing = Hearing(10.0, 8000, 2, 8.0, 0.9, waveform=(b"\xff" * 100, b"\x80" * 100))
    turn = Turn(0, Speaker.CUSTOMER, "我的电话是13800138000。", start=3.0, end=6.0)
    told = masked(
        build(Interaction("C1", Channel.CALL, "sha256:C1", "C1.wav"), [turn], hearing=hearing), load_settings(), None
    )
    assert told.hearing is not None
    assert [set(row[30:60]) for row in told.hearing.waveform] == [{0}, {0}]
    assert [row[10] for row in told.hearing.waveform] == [255, 128]


def test_what_was_masked_later_is_not_drawn_either() -> None:
    hearing = Hearing(10.0, 8000, 1, 8.0, 0.9, waveform=(b"\xff" * 100,))
    sound = drawn(hearing, [(4.0, 5.0)])
    assert sound is not None
    assert (sound.duration, sound.peaks[0][45], sound.peaks[0][10]) == (10.0, 0.0, 1.0)
    assert drawn(None, ()) is drawn(replace(hearing, waveform=()), ()) is None


def test_a_page_of_a_heard_recording_is_drawn_without_its_sound_and_deleted_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    for suffix in (".json", ".ogg"):
        shutil.copyfile(SAMPLES / f"{CALL}{suffix}", folder / f"{CALL}{suffix}")
    monkeypatch.setenv("ZHIJIAN_RETENTION_AUDIO_OTHER", "30")
    monkeypatch.setenv("ZHIJIAN_RETENTION_AUDIO_COMPLAINT", "30")
    settings = load_settings()
    nightly = Nightly(folder, settings)
    run_local(nightly)
    nightly.finish()
    with open_store(settings.store_url, media=settings.media) as store:
        (kept,) = store.results()
        assert kept.conversation.hearing is not None
        assert [len(row) for row in kept.conversation.hearing.waveform] == [POINTS, POINTS]
        retain(store, settings)
        (silent,) = store.results()
    assert silent.conversation.hearing == replace(kept.conversation.hearing, waveform=())
