"""Where the sample calls hold speech, and where tones and noise do not."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from models.audio import SAMPLE_RATE, Samples, decode
from models.vad import Interval, speech, speech_by_channel, split_long, total

SAMPLES = Path(__file__).parents[1] / "samples"
TELEPHONE = "C20251015-0005"


@cache
def call(name: str) -> tuple[Samples, ...]:
    (file,) = (path for path in (SAMPLES / "inbox").glob(f"{name}.*") if path.suffix != ".json")
    return decode(file).channels


def spoken(name: str, speaker: str) -> list[Interval]:
    turns = json.loads((SAMPLES / "truth" / f"{name}.json").read_text(encoding="utf-8"))["turns"]
    return [(turn["start"], turn["end"]) for turn in turns if turn["speaker"] == speaker]


def covered(truth: list[Interval], found: tuple[Interval, ...]) -> float:
    common = sum(max(0.0, min(b, d) - max(a, c)) for a, b in truth for c, d in found)
    return common / total(truth)


@pytest.mark.parametrize("speaker", ["agent", "customer"])
def test_no_speech_of_a_narrow_band_call_is_lost(speaker: str) -> None:
    found = speech(call(TELEPHONE)[("agent", "customer").index(speaker)])
    assert covered(spoken(TELEPHONE, speaker), found) > 0.95


def test_the_silence_of_a_channel_is_not_speech() -> None:
    left, _ = call(TELEPHONE)
    assert covered(spoken(TELEPHONE, "customer"), speech(left)) < 0.15


def test_intervals_are_in_order_apart_and_within_the_sound() -> None:
    (left, _) = call(TELEPHONE)
    cut = left[: int(9.9 * SAMPLE_RATE)]
    found = speech(cut)
    edges = [edge for interval in found for edge in interval]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(cut) / SAMPLE_RATE


def test_channels_in_parallel_give_what_each_gives_alone() -> None:
    channels = [channel[: 8 * SAMPLE_RATE] for channel in call(TELEPHONE)]
    assert speech_by_channel(channels, threads=2) == [speech(channel) for channel in channels]


TIME = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
NOT_SPEECH = {
    "nothing": np.zeros(0),
    "silence": np.zeros_like(TIME),
    "hiss": np.random.default_rng(0).normal(0, 0.02, len(TIME)),
    "ringing": 0.1 * np.sin(2 * np.pi * 450 * TIME) * (TIME % 5 < 1),
    "keys": 0.05 * (np.sin(2 * np.pi * 770 * TIME) + np.sin(2 * np.pi * 1336 * TIME)) * (TIME % 0.4 < 0.15),
    "hum": 0.05 * np.sin(2 * np.pi * 50 * TIME),
}


@pytest.mark.parametrize("name", NOT_SPEECH)
def test_other_sound_is_not_speech(name: str) -> None:
    assert speech(NOT_SPEECH[name].astype(np.float32)) == ()


def test_long_speech_is_cut_where_it_is_quiet() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 30 * SAMPLE_RATE).astype(np.float32)
    sound[int(18.0 * SAMPLE_RATE) : int(18.2 * SAMPLE_RATE)] = 0
    pieces = split_long([(0.0, 30.0)], sound, longest=20.0)
    assert len(pieces) == 2
    assert 18.0 <= pieces[0][1] <= 18.2
    assert pieces[0][1] == pieces[1][0]
    assert total(pieces) == pytest.approx(30.0)
