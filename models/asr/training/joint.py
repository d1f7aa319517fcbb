"""Step 3: encoder and decoder together, on whole 30 s windows as faster-whisper feeds them."""

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

from models.asr.training.augment import LogMel, disturb
from models.asr.training.decoder import imagined_batches, stray, token_loss
from models.asr.training.encoder import Utterance, ctc, short_batches, spoken
from models.asr.training.network import Network, Size
from models.asr.training.optimise import descend, optimiser, schedule
from models.asr.training.speech import RATE, silence
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import ImaginedSpeech, Line, collate, rough_aims, target

_ENCODER_SHARE = 0.25
"""At the decoder's own rate the encoder forgot the tones (CTC loss from 0.34 to 0.60 in two minutes)."""
_EARLY = ("short", "window", "short", "imagined", "brief", "window")
_LATE = ("brief", "window", "brief", "imagined", "brief", "short")
_MISLED = 0.07
"""Share of the decoder's input characters that are replaced, so that it listens instead of guessing."""
_BRIEF, _WHOLE = 1024, 3000
"""Mel frames of a brief window, such as the product cuts (`export.HEARING`), and of Whisper's whole one."""


def lay_out(
    source: Iterator[Utterance], rng: random.Random, longest: float = 29.0
) -> tuple[NDArray[np.float32], list[Line]]:
    """Utterances one after another in up to `longest` s, with the times they were put at; rarely only silence."""
    if rng.random() < 0.03:
        return np.zeros(int(rng.uniform(1, longest) * RATE) // 3200 * 3200 + 3200, np.float32), []
    room = rng.uniform(2, longest) * RATE
    pieces: list[NDArray[np.float32]] = [silence(rng.choice([0.05, 0.2, 0.4, 1.5]) * rng.random())]
    at = len(pieces[0])
    lines: list[Line] = []
    while True:
        text, samples = next(source)
        if not lines and at + len(samples) > longest * RATE:
            continue
        if at + len(samples) > longest * RATE or (lines and at + len(samples) > room):
            break
        lines.append(Line(text, at / RATE, (at + len(samples)) / RATE))
        gap = silence(rng.choice([0.3, 0.3, 0.6, 1.2]) * rng.uniform(0.4, 1.2))
        pieces += [(samples * (rng.uniform(0.6, 1.0) / 32768)).astype(np.float32), gap]
        at += len(samples) + len(gap)
    sound = np.concatenate(pieces)[: int(longest * RATE)]
    return np.pad(sound, (0, -len(sound) % 3200)), lines


def full_windows(
    folder: Path, vocabulary: Vocabulary, seed: int, frames: int = _WHOLE
) -> Iterator[tuple[Tensor, Tensor, list[str], Tensor, Tensor, Tensor]]:
    """Endless batches of windows of `frames` mel frames, 18,000 in all.

    Features `(b, mels, frames)`, frames spoken `(b,)`, texts, decoder input, wanted tokens, aims.
    """
    size, longest = 18_000 // frames, frames / 100 - 1
    rng, noise, log_mel = random.Random(seed), np.random.default_rng(seed), LogMel()
    source = spoken(folder, rng)
    while True:
        features, lengths, texts, targets, spoken_lines = [], [], [], [], []
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
            spoken_lines.append(lines)
        tokens, wanted = collate(targets, vocabulary, rng, share=_MISLED)
        aimed = rough_aims(list(zip(targets, spoken_lines, strict=True)), tokens.shape[1], frames // 2)
        yield torch.stack(features), torch.tensor(lengths), texts, tokens, wanted, aimed


def _silence(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    tone = 0.2 * np.sin(2 * np.pi * rng.uniform(200, 900) * np.arange(count) / RATE) if rng.random() < 0.3 else 0.0
    return ((rng.standard_normal(count) + tone) * 10 ** rng.uniform(-4, -1)).astype(np.float32)


def joint(options: argparse.Namespace) -> None:
    """Train both on whole windows, short stretches and imagined speech; whole windows take most of the later half."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    vocabulary = Vocabulary.load(work / "vocabulary.json")
    model = Network(Size(len(vocabulary)))
    model.encoder.load_state_dict(torch.load(work / "encoder.pt"))
    model.decoder.load_state_dict(torch.load(work / "decoder.pt"))
    if (work / "joint.pt").exists():
        model.load_state_dict(torch.load(work / "joint.pt"))
    optimizer = optimiser(model.encoder, model.decoder, peak=options.rate, shares=(_ENCODER_SHARE, 1.0))
    windows = full_windows(work / "train", vocabulary, options.seed)
    briefs = full_windows(work / "train", vocabulary, options.seed + 4, _BRIEF)
    stretches = short_batches(work / "train", options.seed + 1, frames=12_800)
    imagined = imagined_batches(
        Texts.load(vocabulary, options.outside),
        ImaginedSpeech(model.encoder.codebook, options.seed + 2),
        vocabulary,
        options.seed + 3,
        size=2400,
    )
    rng = random.Random(options.seed)
    begin, step, total = time.monotonic(), 0, options.minutes * 60
    running = {"window": 0.0, "brief": 0.0, "short": 0.0, "imagined": 0.0, "ctc": 0.0}
    while (elapsed := time.monotonic() - begin) < total:
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
        early = elapsed < options.early * total
        kind = (_EARLY if early else _LATE)[step % 6]
        if kind == "imagined":
            frames, real, tokens, wanted, aimed = next(imagined)
            with torch.autocast("cpu", torch.bfloat16):
                logits, weights = model.decoder(tokens, frames, real)
            spelling = token_loss(logits, wanted)
            loss = spelling + 0.1 * stray(weights, aimed).sum()
        else:
            offsets = guide = None
            if kind in ("window", "brief"):
                features, lengths, texts, tokens, wanted, guide = next(windows if kind == "window" else briefs)
            else:
                features, lengths, texts, _ = next(stretches)
                offsets = torch.randint(0, 1500 - features.shape[2] // 2 + 1, (len(texts),))
                tokens, wanted = collate(
                    [target([Line(text, 0, 0)], vocabulary, NoStamps(step)) for text in texts],
                    vocabulary,
                    rng,
                    share=_MISLED,
                )
            with torch.autocast("cpu", torch.bfloat16):
                hidden = model.encoder(features, offsets)
                logits, weights = model.decoder(tokens, hidden)
            spelling = token_loss(logits, wanted)
            sounds = ctc(model.encoder, hidden, lengths, texts)
            loss = spelling + 0.5 * sounds + 0.2 * model.encoder.place_loss(hidden, offsets)
            if guide is not None:
                loss = loss + 0.1 * stray(weights, guide).sum()
            running["ctc"] += 0.05 * (sounds.item() - running["ctc"])
        descend(model, optimizer, loss, rate)
        running[kind] += (0.05 if step > 6 else 1.0) * (spelling.item() - running[kind])
        step += 1
        if step % 30 == 0:
            told = " ".join(f"{name} {value:.3f}" for name, value in running.items())
            sys.stderr.write(f"{elapsed:6.0f} s step {step} {told}\n")
        if step % 240 == 0:
            torch.save(model.state_dict(), work / "joint.pt")
    torch.save(model.state_dict(), work / "joint.pt")


class NoStamps(random.Random):
    """Chance for targets whose times are not known: never asks for time stamps."""

    def random(self) -> float:
        """Always the branch without time stamps."""
        return 1.0
