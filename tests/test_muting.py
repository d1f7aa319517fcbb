"""The copy that reviewers hear is silent where personal data is said; the recording stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.audio import SAMPLE_RATE, Samples, decode
from pipeline.conversation import Mark, Speaker, Turn, Word
from pipeline.redact import masked_seconds
from pipeline.reports.media import publish
from pipeline.reports.muting import samples_of, silence
from tests.material import encode, write_wave


def loudness(path: Path, start: float, end: float) -> float:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        samples = np.concatenate([frame.to_ndarray().astype(np.float64) for frame in container.decode(stream)], axis=1)
        part = samples[:, int(start * stream.rate) : int(end * stream.rate)]
    return float(np.abs(part).mean() / np.abs(samples).max())


def test_the_copy_is_silent_where_it_is_muted(tmp_path: Path) -> None:
    source = write_wave(tmp_path / "call.wav", 4.0)
    before = source.read_bytes()
    copy = publish(source, tmp_path / "media", "C1", mute=[(1.0, 2.0)])
    assert loudness(copy, 1.1, 1.9) < 0.01
    assert loudness(copy, 0.1, 0.7) > 0.2
    assert loudness(copy, 2.4, 3.6) > 0.2
    assert source.read_bytes() == before


def spoken(folder: Path, name: str, **options: str) -> Path:
    """Four seconds of sound on two channels in Opus."""
    folder.mkdir(exist_ok=True)
    return encode(write_wave(folder / "plain.wav", 4.0), folder / name, "libopus", rate=48_000, **options)


def decoded(path: Path) -> Samples:
    return np.stack(decode(path).channels)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("call.ogg", {}),
        ("call.opus", {"application": "voip", "frame_duration": "60", "b": "16000"}),
        ("call.webm", {"application": "lowdelay", "frame_duration": "2.5"}),
        ("lossy.opus", {"application": "voip", "fec": "1", "packet_loss": "30", "b": "24000"}),
    ],
)
def test_packets_of_opus_are_copied_but_for_those_that_are_muted(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    source = spoken(tmp_path / "sound", name, **options)
    copy = publish(source, tmp_path / "media", "C1", mute=[(1.0, 2.0), (3.9, 9.0)])
    before, after = decoded(source), decoded(copy)
    assert copy.suffix == ".ogg"
    assert before.shape == after.shape
    assert not after[:, int(0.9 * SAMPLE_RATE) : int(2.1 * SAMPLE_RATE)].any()
    assert not after[:, int(3.8 * SAMPLE_RATE) :].any()
    assert np.array_equal(before[:, : int(0.7 * SAMPLE_RATE)], after[:, : int(0.7 * SAMPLE_RATE)])
    # After the span a decoder needs some packets to find back.
    assert np.abs(before - after)[:, int(2.5 * SAMPLE_RATE) : int(3.6 * SAMPLE_RATE)].max() < 0.02


def test_no_packet_of_a_muted_span_is_in_the_copy(tmp_path: Path) -> None:
    import av

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    source = spoken(tmp_path / "sound", "call.ogg")
    before = packets(source)
    after = packets(publish(source, tmp_path / "media", "C1", mute=[(1.0, 2.0)]))
    changed = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    # 20 ms each: 0.1 s of margin, and two packets more on either side.
    assert (changed[0], changed[-1]) == (43, 106)
    assert {after[at] for at in changed} == {bytes((0xFC, 0xFF, 0xFE))}


def test_the_same_copy_has_the_same_bytes(tmp_path: Path) -> None:
    source = spoken(tmp_path / "sound", "call.ogg")
    one, other = (publish(source, tmp_path / name, "C1", mute=[(1.0, 2.0)]) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kind", range(32))
@pytest.mark.parametrize(("form", "frames"), [(0, 1), (1, 2), (2, 2), (3, 3)])
def test_a_silent_packet_is_as_long_as_the_one_that_it_stands_for(kind: int, form: int, frames: int) -> None:
    packet = bytes((kind << 3 | 4 | form, frames)) + bytes(30)
    milliseconds = ((10, 20, 40, 60) * 3 + (10, 20) * 2 + (2.5, 5, 10, 20) * 4)[kind] * frames
    quiet = silence(packet)
    assert samples_of(packet) == samples_of(quiet) == 48 * milliseconds
    assert quiet[0] & 4


def test_a_copy_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    import av

    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    for mute in ((), [(0.0, 1.0)]):
        with pytest.raises(av.FFmpegError):
            publish(broken, tmp_path / "media", "C1", mute=mute)
    assert list((tmp_path / "media").iterdir()) == []


def test_a_copy_that_was_not_muted_goes_away(tmp_path: Path) -> None:
    source = write_wave(tmp_path / "call.wav", 2.0)
    plain = publish(source, tmp_path / "media", "C1")
    other = publish(source, tmp_path / "media", "C10")
    copy = publish(source, tmp_path / "media", "C1", mute=[(0.5, 1.0)])
    assert not plain.exists()
    assert other.exists()
    assert publish(source, tmp_path / "media", "C1", mute=[(0.5, 1.5)]) != copy
    assert not copy.exists()


def test_the_words_of_a_placeholder_tell_when_it_is_said() -> None:
    words = (
        Word("电话", 1.0, 1.5, 0.9),
        Word("〔电话〕", 1.6, 1.8, 0.9),
        Word("", 1.8, 2.9, 0.9),
        Word("对", 3.5, 3.6, 0.9),
    )
    mark = Mark("phone", (2, 6), 11, 0, certain=True)
    turn = Turn(0, Speaker.CUSTOMER, "电话〔电话〕对", start=1.0, end=3.6, words=words, marks=(mark,))
    assert masked_seconds([turn]) == ((1.6, 2.9),)


def test_a_turn_without_words_is_muted_whole() -> None:
    mark = Mark("phone", (0, 4), 11, 0, certain=True)
    turn = Turn(0, Speaker.CUSTOMER, "〔电话〕", start=1.0, end=3.0, marks=(mark,))
    assert masked_seconds([turn]) == ((1.0, 3.0),)
