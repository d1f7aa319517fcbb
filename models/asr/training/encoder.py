"""Step 1: the encoder learns to hear sounds (CTC), on short stretches at random places of the window."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.augment import LogMel, disturb, mask
from models.asr.training.network import Encoder, Size
from models.asr.training.optimise import descend, optimiser, schedule
from models.asr.training.pitch import BINS, UNVOICED, pitch_bins
from models.asr.training.sounds import pinyin, sounds_of
from models.asr.training.speech import read_shard
from models.asr.training.vocabulary import Vocabulary

Utterance = tuple[str, NDArray[np.int16]]
_FRAMES = (192, 256, 320, 384, 448, 512, 640, 768, 1024, 1280, 1600)


def sounds_by_character(text: str) -> list[tuple[int, int]]:
    """The sounds of cleaned text, each with the place of its character."""
    return [(n, at) for at, syllables in enumerate(pinyin(text)) for syllable in syllables for n in sounds_of(syllable)]


def sound_numbers(text: str) -> list[int]:
    """The sounds of cleaned text."""
    return [number for number, _ in sounds_by_character(text)]


def spoken(folder: Path, rng: random.Random, keep: int = 40) -> Iterator[Utterance]:
    """Endless utterances, drawn from `keep` random shards at a time; new shards are taken up as they appear."""
    while True:
        paths = [p for p in sorted(folder.glob("*.npz")) if ".part" not in p.name]
        chosen = rng.sample(paths, min(keep, len(paths)))
        utterances = [u for path in chosen[: max(1, keep // 4)] for u in read_shard(path)]
        rng.shuffle(utterances)
        yield from utterances


def short_batches(
    folder: Path, seed: int, frames: int = 12_800, gentle: int = 0
) -> Iterator[tuple[Tensor, Tensor, list[str], Tensor]]:
    """Batches of disturbed utterances of like length: features `(b, mels, t)`, their frames `(b,)`, texts, pitch.

    The last is `(b, t / 2)`, see `pitch.pitch_bins`.

    A batch holds about `frames` mel frames; utterances are padded with zeros, as faster-whisper pads its windows.
    There are few shapes, because oneDNN prepares every new shape anew. The first `gentle` batches are
    of short utterances and for the most part undisturbed, so that alignment is found early.
    """
    rng, noise, log_mel = random.Random(seed), np.random.default_rng(seed), LogMel()
    buckets: dict[int, list[Utterance]] = {size: [] for size in _FRAMES}
    for text, samples in spoken(folder, rng):
        need = len(samples) // 160 + 36
        size = next((f for f in _FRAMES if f >= need), None)
        if size is None or (gentle > 0 and size > 320):
            continue
        buckets[size].append((text, samples))
        if len(buckets[size]) < max(1, frames // size):
            continue
        batch, buckets[size] = buckets[size], []
        features, pitch = [], []
        for _, samples in batch:
            lead = np.zeros(int(noise.integers(0, 2400)), np.float32)
            sound = np.concatenate([lead, samples.astype(np.float32) / 32768])
            sound = np.pad(sound, (0, -len(sound) % 3200))
            mild = gentle > 0 and noise.random() < 0.7
            heard_sound = torch.from_numpy(sound if mild else disturb(sound, noise))
            mel = log_mel(heard_sound)
            features.append((mel if mild else mask(mel, noise))[:, :size])
            bins = pitch_bins(heard_sound)[: size // 2]
            pitch.append(F.pad(bins, (0, size // 2 - len(bins)), value=UNVOICED))
        gentle -= 1
        padded = torch.stack([F.pad(f, (0, size - f.shape[1])) for f in features])
        lengths = torch.tensor([f.shape[1] for f in features])
        yield padded, lengths, [text for text, _ in batch], torch.stack(pitch)


def ctc(logits: Tensor, lengths: Tensor, targets: list[list[int]]) -> Tensor:
    """Connectionist temporal classification loss per target, in nats; the blank is the last class.

    `logits` `(b, frames, classes)`, of windows with `lengths` `(b,)` mel frames.
    """
    flat = torch.tensor([n for target in targets for n in target])
    counts = torch.tensor([len(target) for target in targets])
    scores = logits.float().log_softmax(-1).transpose(0, 1)
    steps = torch.clamp((lengths + 1) // 2 + 4, max=logits.shape[1])
    blank = logits.shape[2] - 1
    loss = F.ctc_loss(scores, flat, steps, counts, blank=blank, reduction="sum", zero_infinity=True)
    return loss / counts.sum()


def heard(logits: Tensor, lengths: Tensor) -> list[list[int]]:
    """The classes that a greedy reading of the frames gives; the last is the blank."""
    blank = logits.shape[2] - 1
    results = []
    for row, length in zip(logits.argmax(-1), lengths, strict=True):
        frames = row[: (int(length) + 1) // 2 + 4].tolist()
        results.append([n for i, n in enumerate(frames) if n != blank and (i == 0 or frames[i - 1] != n)])
    return results


def encoder(options: argparse.Namespace) -> None:
    """Step 1: the encoder learns to hear sounds; short utterances, places drawn at random in the window."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    model = Encoder(Size(len(vocabulary)))
    if (options.work / "encoder.pt").exists():
        model.load_state_dict(torch.load(options.work / "encoder.pt"), strict=False)
    high = torch.nn.Linear(model.width, BINS)
    optimizer = optimiser(torch.nn.ModuleList([model, high]), peak=options.rate)
    batches = short_batches(options.work / "train", options.seed, gentle=options.gentle)
    begin, step, total = time.monotonic(), 0, options.minutes * 60
    running = 0.0
    while (elapsed := time.monotonic() - begin) < total:
        features, lengths, texts, pitch = next(batches)
        frames = features.shape[2] // 2
        offsets = torch.randint(0, 1500 - frames + 1, (len(texts),))
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
        with torch.autocast("cpu", torch.bfloat16):
            stream, early = model.hear(features, offsets)
            guessed = high(early)
            sounds = model.normed(stream)
        loss = ctc(model.sound_logits(sounds), lengths, [sound_numbers(text) for text in texts])
        place = model.place_loss(sounds, offsets)
        pitched = F.cross_entropy(guessed.flatten(0, 1).float(), pitch.flatten(), ignore_index=UNVOICED)
        descend(model, optimizer, loss + 0.5 * place + 0.3 * pitched, rate)
        step += 1
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 25 == 0:
            sys.stderr.write(
                f"{elapsed:6.0f} s step {step} ctc {running:.3f} place {place.item():.4f} "
                f"pitch {pitched.item():.3f} rate {rate:.1e}\n"
            )
        if step % 300 == 0:
            torch.save(model.state_dict(), options.work / "encoder.pt")
            measure_encoder(model, options.work / "held_out")
    torch.save(model.state_dict(), options.work / "encoder.pt")
    measure_encoder(model, options.work / "held_out")


@torch.no_grad()
def measure_encoder(model: Encoder, folder: Path, batches: int = 6) -> float:
    """Sound error rate on held-out sentences and voices, disturbed; printed."""
    from rapidfuzz.distance import Levenshtein

    model.eval()
    source = short_batches(folder, seed=7)
    wrong = count = 0
    for _ in range(batches):
        features, lengths, texts, _ = next(source)
        with torch.autocast("cpu", torch.bfloat16):
            frames = model.normed(model.hear(features)[0])
        for text, sounds in zip(texts, heard(model.sound_logits(frames), lengths), strict=True):
            truth = sound_numbers(text)
            wrong += Levenshtein.distance(truth, sounds)
            count += len(truth)
    model.train()
    sys.stderr.write(f"sound errors on held-out sentences and voices: {wrong / count:.2%} of {count}\n")
    return wrong / count
