"""What the whole model is taught on sound: where each character lies, and how its timing heads should look."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from models.asr.training.joint import lay_out, untimely, widened
from models.asr.training.network import GUIDED_HEADS, TIMING_HEADS


def test_a_character_lasts_from_its_first_sound_to_the_next_characters() -> None:
    owner = np.full(40, -1)
    owner[[10, 14, 20, 24]] = [0, 0, 1, 1]
    wide = widened(owner)
    assert wide[8:18].tolist() == [0] * 10
    assert set(wide[18:30].tolist()) == {1}
    assert set(wide[[0, 7, 39]].tolist()) == {-1}


def test_nothing_said_lasts_nowhere() -> None:
    assert set(widened(np.full(9, -1)).tolist()) == {-1}


def test_timing_heads_that_look_evenly_at_the_character_lose_nothing() -> None:
    heads = len(GUIDED_HEADS) + len(TIMING_HEADS)
    spans = torch.zeros(1, 1, 8, dtype=torch.bool)
    spans[..., 2:6] = True
    even = (spans / 4).expand(1, heads, 1, 8)
    sharp = torch.zeros(1, heads, 1, 8)
    sharp[..., 2] = 1.0
    assert abs(float(untimely(even, spans))) < 1e-5
    assert float(untimely(sharp, spans)) > len(TIMING_HEADS) * math.log(4)


def test_utterances_are_laid_out_in_order_within_the_window() -> None:
    def utterances() -> Iterator[tuple[str, NDArray[np.int16]]]:
        while True:
            yield "您好", (np.ones(16_000) * 1000).astype(np.int16)

    for seed in range(20):
        sound, lines = lay_out(utterances(), random.Random(seed), longest=29.0)
        times = [time for line in lines for time in (line.start, line.end)]
        assert times == sorted(times)
        assert all(line.end <= 29.0 for line in lines)
        assert len(sound) <= 29.2 * 16_000
        for line in lines:
            assert np.abs(sound[round(line.start * 16_000) : round(line.end * 16_000)]).min() > 0
