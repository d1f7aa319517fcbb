"""How high a voice is, and the combs that hear it."""

from __future__ import annotations

import math

import pytest
import torch

from models.asr.training.augment import MELS, RATE, LogMel
from models.asr.training.pitch import BINS, UNVOICED, combs, pitch_bins


def buzz(hertz: float, seconds: float = 0.5) -> torch.Tensor:
    """A voice-like sound: harmonics of `hertz`, falling by 1 / n."""
    at = torch.arange(int(seconds * RATE)) / RATE
    waves = [torch.sin(2 * math.pi * n * hertz * at) / n for n in range(1, int(3000 / hertz))]
    return torch.stack(waves).sum(0) * 0.2


@pytest.mark.parametrize("hertz", [80, 120, 200, 300])
def test_the_pitch_of_a_buzz_is_found(hertz: int) -> None:
    bins = pitch_bins(buzz(hertz))[3:-3]
    assert (bins != UNVOICED).all()
    assert (bins - 24 * math.log2(hertz / 50)).abs().max() <= 1


def test_noise_has_no_pitch() -> None:
    noise = torch.randn(RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    assert (pitch_bins(noise) == UNVOICED).float().mean() > 0.9


@pytest.mark.parametrize("hertz", [100, 150, 250])
def test_the_comb_of_a_pitch_answers_loudest(hertz: int) -> None:
    frames = LogMel()(buzz(hertz))[:, 10:-10].mean(1)
    assert combs().shape == (BINS, MELS)
    assert abs(int((combs() @ frames).argmax()) - 24 * math.log2(hertz / 50)) <= 2
