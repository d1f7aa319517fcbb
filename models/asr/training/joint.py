"""Step 3: encoder and decoder together, on windows of sound as faster-whisper feeds them."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.align import align
from models.asr.training.augment import LogMel, disturb
from models.asr.training.decoder import imagined_batches, spelling_losses, stray, token_loss
from models.asr.training.encoder import Utterance, ctc, short_batches, sounds_by_character, spoken
from models.asr.training.network import GUIDED_HEADS, STREAM, TIMING_HEADS, Network, Size
from models.asr.training.optimise import descend, optimiser, schedule
from models.asr.training.speech import RATE, silence
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import IGNORED, ImaginedSpeech, Line, Target, aims, collate, labels, target

_HEARING_SHARE = 0.25
"""At the decoder's own rate the encoder forgot the tones (CTC loss from 0.34 to 0.60 in two minutes)."""
_TURNS = ("brief", "imagined", "window", "imagined", "window", "imagined", "short", "imagined", "brief", "imagined")
_MISLED = 0.07
"""Share of the decoder's input characters that are replaced, so that it listens instead of guessing."""
_GAPS, _TURNS_OF_THE_OTHER = (0.3, 0.3, 0.6, 1.2), (4.0, 8.0, 12.0)
"""Seconds between utterances; on a channel of its own a voice is silent while the other speaks."""
_BRIEF, _WHOLE = 1024, 3000
"""Mel frames of a brief window, such as most turns are, and of Whisper's whole one."""


def lay_out(
    source: Iterator[Utterance], rng: random.Random, longest: float = 29.0
) -> tuple[NDArray[np.float32], list[Line]]:
    """Utterances one after another in up to `longest` s, with the times they were put at; rarely only silence."""
    if rng.random() < 0.03:
        return np.zeros(int(rng.uniform(1, longest) * RATE) // 3200 * 3200 + 3200, np.float32), []
    room = rng.uniform(2, longest) * RATE
    pieces: list[NDArray[np.float32]] = [silence(rng.choice([0.05, 0.3, 0.8, 2.5]) * rng.random())]
    at = len(pieces[0])
    lines: list[Line] = []
    while True:
        text, samples = next(source)
        if not lines and at + len(samples) > longest * RATE:
            continue
        if at + len(samples) > longest * RATE or (lines and at + len(samples) > room):
            break
        lines.append(Line(text, at / RATE, (at + len(samples)) / RATE))
        gaps = _TURNS_OF_THE_OTHER if rng.random() < 0.4 and longest > 15 else _GAPS
        gap = silence(rng.choice(gaps) * rng.uniform(0.4, 1.2))
        pieces += [(samples * (rng.uniform(0.6, 1.0) / 32768)).astype(np.float32), gap]
        at += len(samples) + len(gap)
    sound = np.concatenate(pieces)[: int(longest * RATE)]
    return np.pad(sound, (0, -len(sound) % 3200)), lines


@dataclass(frozen=True, slots=True)
class SpokenBatch:
    """Windows of sound and what they say.

    Features `(b, mels, t)`; mel frames spoken, `(b,)`; texts; what must be written.
    """

    features: Tensor
    lengths: Tensor
    texts: list[str]
    targets: list[Target]


def full_windows(folder: Path, vocabulary: Vocabulary, seed: int, frames: int = _WHOLE) -> Iterator[SpokenBatch]:
    """Endless batches of windows of `frames` mel frames, 18,000 in all."""
    size, longest = 18_000 // frames, frames / 100 - 1
    rng, noise, log_mel = random.Random(seed), np.random.default_rng(seed), LogMel()
    source = spoken(folder, rng)
    while True:
        features, lengths, texts, targets = [], [], [], []
        for _ in range(size):
            sound, lines = lay_out(source, rng, longest)
            faded = disturb(sound, noise) if lines else _silence(len(sound), noise)
            stretch = len(faded) / len(sound)
            mel = log_mel(torch.from_numpy(faded))[:, :frames]
            lines = [Line(line.text, line.start * stretch, min(line.end * stretch, frames / 100)) for line in lines]
            features.append(F.pad(mel, (0, frames - mel.shape[1])))
            lengths.append(mel.shape[1])
            texts.append("".join(line.text for line in lines))
            targets.append(target(lines, vocabulary, rng))
        yield SpokenBatch(torch.stack(features), torch.tensor(lengths), texts, targets)


def stretches(folder: Path, vocabulary: Vocabulary, seed: int) -> Iterator[SpokenBatch]:
    """Endless batches of single utterances; their times are not asked for."""
    for features, lengths, texts, _ in short_batches(folder, seed, frames=12_800):
        targets = [target([Line(text, 0, 0)], vocabulary, NoStamps(0)) for text in texts]
        yield SpokenBatch(features, lengths, texts, targets)


def _silence(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    tone = 0.2 * np.sin(2 * np.pi * rng.uniform(200, 900) * np.arange(count) / RATE) if rng.random() < 0.3 else 0.0
    return ((rng.standard_normal(count) + tone) * 10 ** rng.uniform(-4, -1)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Losses:
    """What one batch of sound teaches: sounds and characters of frames, tokens, places, where heads look, timing."""

    sounds: Tensor
    characters: Tensor
    tokens: Tensor
    place: Tensor
    stray: Tensor
    timing: Tensor

    @property
    def together(self) -> Tensor:
        """The weighted sum that is descended."""
        heads = 0.1 * self.stray + 0.1 * self.timing
        return self.tokens + self.characters + 0.5 * self.sounds + 0.2 * self.place + heads


def spoken_losses(model: Network, batch: SpokenBatch, vocabulary: Vocabulary, rng: random.Random) -> Losses:
    """Losses of a batch; which frames belong to which character is what the encoder itself hears (`align`)."""
    tokens, wanted = collate(batch.targets, vocabulary, rng, share=_MISLED)
    with torch.autocast("cpu", torch.bfloat16):
        stream, _ = model.encoder.hear(batch.features)
        normed = model.encoder.normed(stream)
        frames = model.encoder.spelling(stream / STREAM)
        logits, weights = model.decoder(tokens, frames)
    heard = model.encoder.sound_logits(normed)
    said = [sounds_by_character(text) for text in batch.texts]
    targets = [[number for number, _ in sounds] for sounds in said]
    steps = torch.clamp((batch.lengths + 1) // 2 + 4, max=heard.shape[1])
    owners = []
    for places, sounds in zip(align(heard.detach(), steps, targets).numpy(), said, strict=True):
        owners.append(np.asarray([*(owner for _, owner in sounds), -1])[places])
    spelt = labels(batch.texts, owners, heard.shape[1], vocabulary)
    told = (spelt != IGNORED) & (torch.arange(heard.shape[1]) < steps[:, None])
    with torch.autocast("cpu", torch.bfloat16):
        named = model.character_logits(frames[told], vocabulary.spoken)
    return Losses(
        ctc(heard, batch.lengths, targets),
        _evenly(F.cross_entropy(named.float(), spelt[told], reduction="none"), spelt[told] < named.shape[1] - 1),
        token_loss(logits, wanted),
        model.encoder.place_loss(normed, None),
        stray(weights, aims(batch.targets, owners, tokens.shape[1], heard.shape[1])).sum(),
        untimely(weights, aims(batch.targets, [widened(o) for o in owners], tokens.shape[1], heard.shape[1])),
    )


def widened(owner: NDArray[np.int64], least: int = 7, most: int = 15) -> NDArray[np.int64]:
    """Each character's frames from its first sound up to the next character's, `least` at least, `most` at most."""
    wide = np.full_like(owner, -1)
    heard = np.flatnonzero(owner >= 0)
    firsts = heard[np.flatnonzero(np.diff(owner[heard], prepend=-1) != 0)] if len(heard) else heard
    for place, begin in enumerate(firsts):
        following = firsts[place + 1] if place + 1 < len(firsts) else len(owner)
        end = min(max(min(following, begin + most), begin + least), following + least // 2)
        wide[begin - min(begin, 2) : end] = owner[begin]
    return wide


def untimely(weights: Tensor, spans: Tensor) -> Tensor:
    """How far the timing heads are from looking evenly at all of each character: nats, summed over heads.

    `weights` `(batch, heads, length, frames)` of all taught heads, `spans` `(batch, length, frames)`.
    """
    known = spans.any(-1)
    even = spans / spans.sum(-1, keepdim=True).clamp_min(1)
    results = []
    for number in range(len(GUIDED_HEADS), len(GUIDED_HEADS) + len(TIMING_HEADS)):
        looks = weights[:, number].float().clamp_min(1e-6).log()
        distance = (even * (even.clamp_min(1e-6).log() - looks)).sum(-1)
        results.append((distance * known).sum() / known.sum().clamp_min(1))
    return torch.stack(results).sum()


def joint(options: argparse.Namespace) -> None:
    """Train both on short windows, single utterances, whole windows and imagined speech."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    vocabulary = Vocabulary.load(work / "vocabulary.json")
    model = Network(Size(len(vocabulary)))
    model.encoder.load_state_dict(torch.load(work / "encoder.pt"), strict=False)
    model.load_state_dict(torch.load(work / "decoder.pt"), strict=False)
    if (work / "joint.pt").exists():
        model.load_state_dict(torch.load(work / "joint.pt"))
    hearing = torch.nn.ModuleList([model.encoder.conv1, model.encoder.conv2, model.encoder.layers])
    optimizer = optimiser(
        hearing, model.encoder.spelling, model.decoder, peak=options.rate, shares=(_HEARING_SHARE, 1.0, 1.0)
    )
    sources = {
        "window": full_windows(work / "train", vocabulary, options.seed),
        "brief": full_windows(work / "train", vocabulary, options.seed + 4, _BRIEF),
        "short": stretches(work / "train", vocabulary, options.seed + 1),
    }
    imagined = imagined_batches(
        Texts.load(vocabulary, options.outside, options.words),
        ImaginedSpeech(model.encoder.codebook, options.seed + 2),
        vocabulary,
        options.seed + 3,
    )
    rng = random.Random(options.seed)
    begin, step, total = time.monotonic(), 0, options.minutes * 60
    running: dict[str, float] = {}

    def note(name: str, value: Tensor) -> None:
        running[name] = running.get(name, value.item()) * 0.95 + 0.05 * value.item()

    while (elapsed := time.monotonic() - begin) < total:
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
        kind = _TURNS[step % len(_TURNS)]
        if kind == "imagined":
            framewise, spelling, strayed = spelling_losses(model, next(imagined), vocabulary)
            loss = framewise + spelling + 0.1 * strayed.sum()
        else:
            losses = spoken_losses(model, next(sources[kind]), vocabulary, rng)
            loss, spelling = losses.together, losses.tokens
            note("ctc", losses.sounds)
            note("frames", losses.characters)
            note("timing", losses.timing)
        descend(model, optimizer, loss, rate)
        note(kind, spelling)
        step += 1
        if step % 30 == 0:
            told = " ".join(f"{name} {value:.3f}" for name, value in sorted(running.items()))
            sys.stderr.write(f"{elapsed:6.0f} s step {step} {told}\n")
        if step % 240 == 0:
            torch.save(model.state_dict(), work / "joint.pt")
    torch.save(model.state_dict(), work / "joint.pt")


def _evenly(losses: Tensor, owned: Tensor) -> Tensor:
    """Mean over the frames of characters and over blanks, the former weighing more: blanks are many and easy."""
    blanks = losses[~owned].sum() / (~owned).sum().clamp_min(1)
    return 0.7 * losses[owned].sum() / owned.sum().clamp_min(1) + 0.3 * blanks


class NoStamps(random.Random):
    """Chance for targets whose times are not known: never asks for time stamps."""

    def random(self) -> float:
        """Always the branch without time stamps."""
        return 1.0
