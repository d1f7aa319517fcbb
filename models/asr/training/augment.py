"""From samples to log-mel frames, by way of rooms, telephones and noise.

`LogMel` gives the numbers of faster-whisper's `FeatureExtractor` (10 ms, maximum − 8 floor), in torch. Whisper's own
25 ms window and 80 mels blur the harmonics of a voice below 160 Hz into one another, and with them the tones: with
them, a third of the tones was wrong, whatever the voice. Windows of 50 ms and 128 mels keep harmonics 80 Hz apart;
faster-whisper takes both numbers from preprocessor_config.json.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RATE = 16_000
MELS = 128
WINDOW = 800


class LogMel:
    """Log-mel spectrogram of one stretch of samples, shape `(MELS, frames)`, one frame 10 ms."""

    def __init__(self) -> None:
        from faster_whisper.feature_extractor import FeatureExtractor

        self.filters = torch.from_numpy(
            FeatureExtractor(feature_size=MELS, n_fft=WINDOW).mel_filters.astype(np.float32)
        )
        self.window = torch.hann_window(WINDOW)

    def __call__(self, samples: Tensor) -> Tensor:
        """Frames of float samples of shape `(n,)`, as faster-whisper would compute them."""
        padded = torch.nn.functional.pad(samples, (0, 160))
        spectrum = torch.stft(
            padded, WINDOW, 160, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        log = torch.log10((self.filters @ spectrum[..., :-1].abs().square()).clamp_min(1e-10))
        return (torch.maximum(log, log.max() - 8.0) + 4.0) / 4.0


def disturb(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One random recording condition: loudness, telephone band, µ-law, room, noise, other speed. Seeded by `rng`."""
    sound = samples
    if rng.random() < 0.3:
        factor = rng.uniform(0.92, 1.08)
        grid = np.arange(0, len(sound) - 1, factor)
        sound = np.interp(grid, np.arange(len(sound)), sound).astype(np.float32)
    if rng.random() < 0.1:
        sound = _room(sound, rng)
    if rng.random() < 0.55:
        sound = sound + _noise(len(sound), rng) * _rms(sound) * 10 ** (-rng.uniform(12, 45) / 20)
    if rng.random() < 0.4:
        sound = telephone(sound, low=rng.uniform(200, 350), high=rng.uniform(3000, 3700), mu_law=rng.random() < 0.6)
    gain = 10 ** rng.uniform(-1.5, 0.2)
    return np.clip(sound * gain, -1, 1).astype(np.float32)


def telephone(
    samples: NDArray[np.float32], *, low: float = 300, high: float = 3400, mu_law: bool = True
) -> NDArray[np.float32]:
    """The sound through an 8 kHz telephone line: band-passed, and quantised by µ-law (ITU-T G.711, µ = 255)."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    edge = 1 / (1 + np.exp(-(hertz - low) / 20)) * 1 / (1 + np.exp((hertz - high) / 60))
    sound = np.fft.irfft(spectrum * edge, len(samples)).astype(np.float32)
    if mu_law:
        peak = max(float(np.abs(sound).max()), 1e-6)
        code = np.sign(sound) * np.log1p(255 * np.abs(sound) / peak) / math.log(256)
        code = np.round(code * 127) / 127
        sound = np.sign(code) * (256 ** np.abs(code) - 1) / 255 * peak
    return sound.astype(np.float32)


def _rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples)) + 1e-12))


def _noise(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    white = rng.standard_normal(count).astype(np.float32)
    tilt = rng.uniform(0, 1.2)
    spectrum = np.fft.rfft(white)
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-tilt / 2)
    if rng.random() < 0.2:
        hum = rng.choice([50, 100, 150]) * count // RATE
        spectrum[min(hum, len(spectrum) - 1)] *= 30
    noise = np.fft.irfft(spectrum, count)
    noise /= _rms(noise.astype(np.float32))
    if rng.random() < 0.3:
        noise *= np.interp(np.arange(count), np.linspace(0, count, 8), rng.uniform(0.2, 1.6, 8))
    return cast(NDArray[np.float32], noise.astype(np.float32))


def _room(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    length = int(RATE * rng.uniform(0.05, 0.25))
    tail = rng.standard_normal(length) * np.exp(-np.linspace(0, 6, length)) * rng.uniform(0.02, 0.12)
    tail[0] = 1.0
    size = len(samples) + length
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return wet.astype(np.float32)


def mask(features: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment (Park et al. 2019): up to one band and one short stretch set to the mean."""
    mean = features.mean()
    for _ in range(rng.integers(0, 2)):
        width = int(rng.integers(1, MELS // 8))
        start = int(rng.integers(0, MELS - width))
        features[start : start + width] = mean
    for _ in range(rng.integers(0, 2)):
        width = int(rng.integers(1, 8))
        start = int(rng.integers(0, max(1, features.shape[1] - width)))
        features[:, start : start + width] = mean
    return features
