"""Step 5: character error rate through faster-whisper itself, clean and by telephone, with bootstrap intervals."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.asr.engine import load_model
from models.asr.training.augment import telephone
from models.asr.training.encoder import Utterance
from models.asr.training.export import HEARING
from models.asr.training.outside import sentences
from models.asr.training.sounds import PUNCTUATION, clean
from models.asr.training.speech import RATE, Voice, read_shard, silence, speak, trim
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary

_MARKS = {ord(mark): None for mark in PUNCTUATION}


@dataclass(frozen=True, slots=True)
class Clip:
    """Samples of one window and what was said in them."""

    samples: NDArray[np.float32]
    text: str


@dataclass(frozen=True, slots=True)
class Errors:
    """Edits and characters of each clip."""

    edits: tuple[int, ...]
    characters: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Character error rate."""
        return sum(self.edits) / max(1, sum(self.characters))

    def interval(self, draws: int = 1000) -> tuple[float, float]:
        """95 % bootstrap interval over clips."""
        rng = np.random.default_rng(0)
        picks = rng.integers(0, len(self.edits), (draws, len(self.edits)))
        rates = np.array(self.edits)[picks].sum(1) / np.array(self.characters)[picks].sum(1)
        low, high = np.percentile(rates, [2.5, 97.5])
        return float(low), float(high)


def clips(utterances: Sequence[Utterance], seconds: float, seed: int = 5) -> list[Clip]:
    """Utterances packed in random order into clips as long as the model's windows, about `seconds` of sound in all."""
    rng = random.Random(seed)
    utterances = rng.sample(utterances, len(utterances))
    result: list[Clip] = []
    pieces: list[NDArray[np.float32]] = []
    texts: list[str] = []
    for text, samples in utterances:
        sound = (samples / 32768).astype(np.float32)
        if texts and sum(map(len, pieces)) + len(sound) > HEARING["chunk_seconds"] * RATE:
            result.append(Clip(np.concatenate(pieces), "".join(texts)))
            pieces, texts = [], []
        pieces += [sound, silence(rng.uniform(0.3, 0.9))]
        texts.append(text)
        if sum(len(clip.samples) for clip in result) > seconds * RATE:
            break
    return result


def measure(model: Any, sounds: Sequence[Clip], change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Errors:
    """Errors of a batched faster-whisper pipeline over clips put through `change`; marks do not count."""
    from rapidfuzz.distance import Levenshtein

    edits, characters = [], []
    for clip in sounds:
        samples = change(clip.samples)
        whole = [{"start": 0.0, "end": len(samples) / RATE}]
        segments, _ = model.transcribe(samples, language="zh", beam_size=5, clip_timestamps=whole, batch_size=8)
        said = clip.text.translate(_MARKS)
        edits.append(Levenshtein.distance(said, "".join(s.text for s in segments).translate(_MARKS).replace(" ", "")))
        characters.append(len(said))
    return Errors(tuple(edits), tuple(characters))


def evaluate(options: argparse.Namespace) -> None:
    """Print the error rates of the model in `--out` on held-out sentences spoken by held-out voices.

    Held-out service sentences and, where `--outside` is given, those of outside dialogues are told apart; those of the
    conversations of `--labelled` are spoken now.
    """
    from faster_whisper import BatchedInferencePipeline

    model = BatchedInferencePipeline(load_model(options.out, threads=options.threads))
    spoken = [u for path in sorted((options.work / "held_out").glob("*.npz")) for u in read_shard(path)]
    outside = _sentences_from_outside(options)
    parts = {"service": [u for u in spoken if u[0] not in outside], "outside": [u for u in spoken if u[0] in outside]}
    if options.labelled is not None:
        parts["labelled"] = list(voiced(options.labelled, random.Random(options.seed)))
    noise = np.random.default_rng(3)

    def noisy(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        loudness = float(np.sqrt(np.mean(samples**2)))
        return (samples + noise.standard_normal(len(samples)) * loudness * 0.1).astype(np.float32)

    for part, utterances in parts.items():
        sounds = clips(utterances, seconds=options.minutes * 60)
        seconds = sum(len(clip.samples) for clip in sounds) / RATE
        for name, change in (("clean 16 kHz", lambda s: s), ("telephone 8 kHz", telephone), ("noise 20 dB", noisy)):
            begin = time.monotonic()
            errors = measure(model, sounds, change)
            low, high = errors.interval()
            speed = seconds / (time.monotonic() - begin)
            size = f"{sum(errors.characters)} characters, {speed:.0f}× real time"
            sys.stdout.write(f"{part:8} {name:16} CER {errors.rate:6.2%}  [{low:.2%}, {high:.2%}]  {size}\n")


def voiced(conversations: Path, rng: random.Random) -> Iterator[Utterance]:
    """What is said in conversations (`.jsonl`, as zhijian takes them in), spoken by held-out voices.

    Sentences with Arabic digits or foreign words are left out.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
    """
    for line in conversations.read_text(encoding="utf-8").splitlines():
        for turn in json.loads(line)["turns"]:
            for text in sentences(turn["text"]):
                samples = trim(speak(text, Voice.draw(rng, held_out=True), rng))
                if len(samples) > RATE // 10:
                    yield text, samples


def _sentences_from_outside(options: argparse.Namespace) -> set[str]:
    """The held-out sentences that come from outside dialogues; the others are expansions of held-out templates."""
    if options.outside is None:
        return set()
    texts = Texts.load(Vocabulary.load(options.work / "vocabulary.json"), options.outside)
    return {clean(text) for text in texts.outside_held_out}
