"""Sound files of many kinds, made here, and what `models.audio` makes of them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from models.audio import QUIETEST, SAMPLE_RATE, AudioError, Samples, decode, lasting_level, level, same_sound
from tests.material import encode


def tone(hertz: float, seconds: float = 2.0) -> Samples:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    # A beat in the loudness, so that one stretch of sound is not like the next.
    return (0.3 * np.sin(2 * np.pi * hertz * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * time))).astype(np.float32)


def write_wav(path: Path, *channels: Samples, rate: int = SAMPLE_RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


def test_two_channels_stay_apart(tmp_path: Path) -> None:
    sound = decode(write_wav(tmp_path / "a.wav", tone(300), tone(700)))
    assert len(sound.channels) == 2
    assert sound.duration == pytest.approx(2.0, abs=0.01)
    assert sound.channels[0].dtype == np.float32
    peaks = [np.abs(np.fft.rfft(channel)).argmax() / sound.duration for channel in sound.channels]
    assert peaks == pytest.approx([300, 700], abs=2)


def test_mono_is_one_channel_not_two_equal_ones(tmp_path: Path) -> None:
    assert len(decode(write_wav(tmp_path / "a.wav", tone(300))).channels) == 1


def test_eight_kilohertz_is_resampled_and_remembered(tmp_path: Path) -> None:
    sound = decode(write_wav(tmp_path / "a.wav", tone(300)[::2].copy(), rate=8000))
    assert sound.sample_rate == 8000
    assert sound.duration == pytest.approx(2.0, abs=0.01)


def test_more_than_two_channels_are_mixed_to_one(tmp_path: Path) -> None:
    assert len(decode(write_wav(tmp_path / "a.wav", tone(300), tone(400), tone(500), tone(600))).channels) == 1


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "mp3"), ("a.m4a", "aac"), ("a.flac", "flac")])
def test_coded_sound_is_decoded(tmp_path: Path, name: str, codec: str) -> None:
    coded = encode(write_wav(tmp_path / "a.wav", tone(300), tone(700)), tmp_path / name, codec)
    sound = decode(coded)
    assert len(sound.channels) == 2
    assert sound.duration == pytest.approx(2.0, abs=0.15)
    assert not sound.truncated


def test_a_file_cut_short_is_known_by_the_length_it_claims(tmp_path: Path) -> None:
    whole = encode(write_wav(tmp_path / "a.wav", tone(300, 8), tone(700, 8)), tmp_path / "a.flac", "flac")
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    assert decode(cut).truncated


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(None, "missing", id="no file"),
        pytest.param(b"", "not_audio", id="0 bytes"),
        pytest.param("这不是录音".encode() * 50, "not_audio", id="text"),
    ],
)
def test_what_is_no_sound_says_why(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        decode(path)
    assert caught.value.fault == fault
    assert caught.value.path == path


def test_a_header_without_samples_is_empty(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros(0, dtype=np.float32))
    with pytest.raises(AudioError) as caught:
        decode(path)
    assert caught.value.fault == "empty"


def test_dual_mono_is_known_at_any_gain_and_after_lossy_coding(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * SAMPLE_RATE).astype(np.float32)
    voice = tone(300, 3) + noise
    assert same_sound(voice, 0.5 * voice)
    coded = decode(encode(write_wav(tmp_path / "a.wav", voice, voice), tmp_path / "a.mp3", "mp3"))
    assert same_sound(*coded.channels)


def test_two_channels_that_leak_into_each_other_are_not_dual_mono() -> None:
    first, second = tone(300), tone(700)
    first[SAMPLE_RATE:] = 0
    second[:SAMPLE_RATE] = 0
    assert not same_sound(first + 0.1 * second, second + 0.1 * first)


def test_two_voices_and_a_silent_channel_are_not_dual_mono() -> None:
    assert not same_sound(tone(300), tone(700))
    assert not same_sound(tone(300), np.zeros_like(tone(300)))
    assert not same_sound(np.zeros_like(tone(300)), np.zeros_like(tone(300)))


def test_level_is_told_relative_to_full_scale() -> None:
    sine = np.sin(np.arange(SAMPLE_RATE) * 2 * np.pi * 440 / SAMPLE_RATE).astype(np.float32)
    assert level(sine) == pytest.approx(-3.01, abs=0.01)
    assert level(sine / np.float32(10)) == pytest.approx(-23.01, abs=0.01)
    assert level(np.zeros(100, dtype=np.float32)) == QUIETEST
    assert level(np.zeros(0, dtype=np.float32)) == QUIETEST


def test_a_click_in_a_quiet_gap_is_not_a_lasting_sound() -> None:
    gap = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    gap[SAMPLE_RATE : SAMPLE_RATE + 200] = 0.9
    assert lasting_level(gap) == QUIETEST
    assert lasting_level(tone(440, 4)) == pytest.approx(level(tone(440, 4)), abs=2)
