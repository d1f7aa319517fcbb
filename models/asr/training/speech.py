"""Synthetic speech: sentences spoken by espeak-ng, kept as shards of 16 kHz samples.

A shard `NNNN.npz` holds `samples` (int16, all utterances end to end), `ends` (their ends in samples) and `texts`.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from models.asr.training.sounds import PUNCTUATION, pinyin

RATE = 16_000
HELD_OUT_VARIANTS = ("Annie", "Mike", "f5", "m7", "linda", "Henrique")
VARIANTS = (
    "", "f1", "f2", "f3", "f4", "m1", "m2", "m3", "m4", "m5", "m6", "m8", "adam", "Alex", "Alicia", "Andrea", "Andy",
    "Antonio",
    "anikaRobot", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "Denis", "Diogo", "ed", "edward",
    "Gene", "Gene2",
    "grandma", "grandpa", "gustave", "Hugo", "iven", "iven2", "iven3", "iven4", "Jacky", "john", "kaukovalta",
    "Lee", "marcelo", "Marco", "Mario", "max", "Michael", "michel", "miguel", "norbert", "pablo", "paul", "pedro",
    "quincy", "robert", "sandro", "shelby", "steph", "steph2", "steph3", "Storm", "travis", "Tweaky", "victor",
    "zac",
)  # fmt: skip


def silence(seconds: float) -> NDArray[np.float32]:
    """Samples of nothing."""
    nothing: NDArray[np.float32] = np.zeros(int(seconds * RATE), np.float32)
    return nothing


@dataclass(frozen=True, slots=True)
class Voice:
    """One way of speaking: espeak-ng variant, words a minute, pitch (0…99), extra gap (10 ms), chance of joining.

    `melody` is espeak-ng's pitch range (0…99). Its usual 50 is flat for Chinese: five semitones from the top of tone 1
    to the foot of tone 4. At 99 it is ten, as people speak.
    """

    variant: str
    speed: int
    pitch: int
    gap: int = 0
    joined: float = 0.1
    melody: int = 50

    @classmethod
    def draw(cls, rng: random.Random, *, held_out: bool = False) -> Voice:
        """A random voice, among those trained on or those kept for measuring."""
        variant = rng.choice(HELD_OUT_VARIANTS if held_out else VARIANTS)
        return cls(
            variant,
            rng.randint(125, 215),
            rng.randint(25, 80),
            rng.choice([0, 0, 0, 1, 2]),
            rng.choice([0, 0, 0.15, 0.4]),
            rng.randint(45, 99),
        )


def speak(text: str, voice: Voice, rng: random.Random) -> NDArray[np.int16]:
    """Samples (16 kHz mono) of cleaned text spoken by espeak-ng.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
        RuntimeError: espeak-ng failed.
    """
    words: list[str] = []
    for character, syllables in zip(text, pinyin(text), strict=True):
        if character in PUNCTUATION:
            words.append(" , " if character == "，" else " . ")
        else:
            words.extend(syllable + ("" if rng.random() < voice.joined else " ") for syllable in syllables)
    name = "cmn-latn-pinyin" + (f"+{voice.variant}" if voice.variant else "")
    command = [
        "espeak-ng",
        "-v",
        name,
        "-s",
        str(voice.speed),
        "-p",
        str(voice.pitch),
        "-g",
        str(voice.gap),
        "--stdout",
    ]
    wave = subprocess.run([*command, f"\x01{voice.melody}R {''.join(words)}"], capture_output=True)
    if wave.returncode < 0 and voice.melody > 50:
        # espeak-ng 1.51 crashes now and then on deep voices with a wide melody.
        wave = subprocess.run([*command, f"\x0150R {''.join(words)}"], capture_output=True)
    if wave.returncode:
        raise RuntimeError(f"espeak-ng failed ({wave.returncode}): {wave.stderr.decode(errors='replace').strip()}")
    if len(wave.stdout) <= 44:
        raise RuntimeError(f"espeak-ng said nothing: {wave.stderr.decode(errors='replace').strip()}")
    return resample(np.frombuffer(wave.stdout[44:], dtype=np.int16), 22_050)


def resample(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """The same sound at 16 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    pieces = [out.to_ndarray()[0] for step in (frame, None) for out in resampler.resample(step)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def write_shard(path: Path, texts: list[str], rng: random.Random, *, held_out: bool = False) -> float:
    """Speak sentences with random voices into one shard; returns the hours written."""
    spoken = [(text, speak(text, Voice.draw(rng, held_out=held_out), rng)) for text in texts]
    kept = [(text, trim(samples)) for text, samples in spoken if len(samples) > RATE // 10]
    ends = np.cumsum([len(samples) for _, samples in kept])
    partial = path.with_suffix(".part.npz")
    np.savez(partial, samples=np.concatenate([s for _, s in kept]), ends=ends, texts=np.array([t for t, _ in kept]))
    partial.rename(path)
    return float(ends[-1]) / RATE / 3600


def trim(samples: NDArray[np.int16], keep: int = RATE // 20) -> NDArray[np.int16]:
    """The utterance without the synthesiser's silence around it, but for 50 ms."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 100)
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - keep) : loud[-1] + keep]


def read_shard(path: Path) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Sentence and samples of every utterance of a shard."""
    with np.load(path) as shard:
        samples, ends, texts = shard["samples"], shard["ends"], shard["texts"]
    start = 0
    for text, end in zip(texts, ends, strict=True):
        yield str(text), samples[start:end]
        start = int(end)
