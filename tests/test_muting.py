"""The copy that reviewers hear is silent where personal data is said; the recording stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.conversation import Mark, Speaker, Turn, Word
from pipeline.redact import masked_seconds
from pipeline.reports.media import publish
from tests.material import write_wave


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
