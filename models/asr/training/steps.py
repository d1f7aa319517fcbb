"""The steps of the recipe that need torch."""

from __future__ import annotations

import argparse
import math
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
from models.asr.training.network import BLANK, Decoder, Encoder, Network, Size, SoundCodebook
from models.asr.training.sounds import pinyin, sounds_of
from models.asr.training.speech import read_shard
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import IGNORED, ImaginedSpeech, Target, collate, packed_texts, target

Utterance = tuple[str, NDArray[np.int16]]


def sound_numbers(text: str) -> list[int]:
    """The sounds of cleaned text."""
    return [n for syllables in pinyin(text) for syllable in syllables for n in sounds_of(syllable)]


def spoken(folder: Path, rng: random.Random, keep: int = 40) -> Iterator[Utterance]:
    """Endless utterances, drawn from `keep` random shards at a time; new shards are taken up as they appear."""
    while True:
        paths = [p for p in sorted(folder.glob("*.npz")) if ".part" not in p.name]
        chosen = rng.sample(paths, min(keep, len(paths)))
        utterances = [u for path in chosen[: max(1, keep // 4)] for u in read_shard(path)]
        rng.shuffle(utterances)
        yield from utterances


def short_batches(folder: Path, seed: int, frames: int = 12_800) -> Iterator[tuple[Tensor, Tensor, list[str]]]:
    """Batches of disturbed utterances of like length: features `(b, 80, t)`, their frames `(b,)`, texts.

    A batch holds about `frames` mel frames; utterances are padded with zeros, as faster-whisper pads its windows.
    """
    rng, noise, log_mel = random.Random(seed), np.random.default_rng(seed), LogMel()
    source = spoken(folder, rng)
    while True:
        pool = sorted((next(source) for _ in range(512)), key=lambda u: len(u[1]))
        batches: list[list[Utterance]] = [[]]
        for utterance in pool:
            size = (len(utterance[1]) // 160 + 40) * (len(batches[-1]) + 1)
            if size > frames and batches[-1]:
                batches.append([])
            batches[-1].append(utterance)
        rng.shuffle(batches)
        for batch in batches:
            features = []
            for _, samples in batch:
                lead = np.zeros(int(noise.integers(0, 3200)), np.float32)
                tail = np.zeros(3200 - (len(lead) + len(samples)) % 3200, np.float32)
                sound = disturb(np.concatenate([lead, samples.astype(np.float32) / 32768, tail]), noise)
                features.append(mask(log_mel(torch.from_numpy(sound)), noise))
            longest = -(-max(f.shape[1] for f in features) // 32) * 32
            padded = torch.stack([F.pad(f, (0, longest - f.shape[1])) for f in features])
            yield padded, torch.tensor([f.shape[1] for f in features]), [text for text, _ in batch]


def ctc(encoder: Encoder, hidden: Tensor, lengths: Tensor, texts: list[str]) -> Tensor:
    """Connectionist temporal classification loss per sound, in nats."""
    targets = [sound_numbers(text) for text in texts]
    flat = torch.tensor([n for target in targets for n in target])
    counts = torch.tensor([len(target) for target in targets])
    scores = encoder.sound_logits(hidden).log_softmax(-1).transpose(0, 1)
    steps = torch.clamp((lengths + 1) // 2 + 4, max=hidden.shape[1])
    loss = F.ctc_loss(scores, flat, steps, counts, blank=BLANK, reduction="sum", zero_infinity=True)
    return loss / counts.sum()


def heard(encoder: Encoder, hidden: Tensor, lengths: Tensor) -> list[list[int]]:
    """The sounds a greedy reading of the frames gives."""
    best = encoder.sound_logits(hidden).argmax(-1)
    results = []
    for row, length in zip(best, lengths, strict=True):
        frames = row[: (int(length) + 1) // 2 + 4].tolist()
        results.append([n for i, n in enumerate(frames) if n != BLANK and (i == 0 or frames[i - 1] != n)])
    return results


def schedule(elapsed: float, total: float, step: int, *, peak: float, warm_up: int) -> float:
    """Learning rate: linear warm-up by steps, then cosine by the clock."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, elapsed / total))))


def optimiser(module: torch.nn.Module, peak: float) -> torch.optim.AdamW:
    """AdamW without decay on biases and norms."""
    matrices = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
    vectors = [p for p in module.parameters() if p.ndim <= 1 and p.requires_grad]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}], lr=peak, betas=(0.9, 0.98)
    )


def encoder(options: argparse.Namespace) -> None:
    """Step 1: the encoder learns to hear sounds; short utterances, places drawn at random in the window."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    model = Encoder(Size(len(vocabulary)))
    optimizer = optimiser(model, 1.5e-3)
    batches = short_batches(options.work / "train", options.seed)
    begin, step, total = time.monotonic(), 0, options.minutes * 60
    running = 0.0
    while (elapsed := time.monotonic() - begin) < total:
        features, lengths, texts = next(batches)
        frames = features.shape[2] // 2
        offsets = torch.randint(0, 1500 - frames + 1, (len(texts),))
        rate = schedule(elapsed, total, step, peak=1.5e-3, warm_up=150)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(features, offsets)
        loss = ctc(model, hidden, lengths, texts)
        place = model.place_loss(hidden, offsets)
        (loss + 0.5 * place).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 25 == 0:
            sys.stderr.write(f"{elapsed:6.0f} s step {step} ctc {running:.3f} place {place.item():.4f} rate {rate:.1e}\n")
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
        features, lengths, texts = next(source)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(features)
        for text, sounds in zip(texts, heard(model, hidden, lengths), strict=True):
            truth = sound_numbers(text)
            wrong += Levenshtein.distance(truth, sounds)
            count += len(truth)
    model.train()
    sys.stderr.write(f"sound errors on held-out sentences and voices: {wrong / count:.2%} of {count}\n")
    return wrong / count


def token_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy per wanted token."""
    return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORED)


def imagined_batches(
    texts: Texts, imagined: ImaginedSpeech, vocabulary: Vocabulary, seed: int, tokens: int = 3600
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Endless batches of frames, mask, decoder input, wanted tokens, from text alone."""
    rng = random.Random(seed)
    source = texts.language(rng)
    while True:
        pool = []
        for _ in range(384):
            lines, at, what = imagined.window(packed_texts(source, rng))
            before = next(source) if rng.random() < 0.06 else ""
            pool.append((target(lines, vocabulary, rng, before=before), (at, what)))
        pool.sort(key=lambda item: len(item[0].tokens))
        batches: list[list[tuple[Target, tuple[NDArray[np.int64], NDArray[np.int64]]]]] = [[]]
        for item in pool:
            if (len(item[0].tokens) + 8) * (len(batches[-1]) + 1) > tokens and batches[-1]:
                batches.append([])
            batches[-1].append(item)
        rng.shuffle(batches)
        for batch in batches:
            frames, real = imagined.frames([frames for _, frames in batch])
            yield frames, real, *collate([t for t, _ in batch], vocabulary, rng, share=0.06)


def decoder(options: argparse.Namespace) -> None:
    """Step 2: the decoder learns to spell, from text alone, on frames imagined in the sound code."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    size = Size(len(vocabulary))
    model = Decoder(size)
    imagined = ImaginedSpeech(SoundCodebook(size.width), options.seed)
    optimizer = optimiser(model, 1.2e-3)
    batches = imagined_batches(Texts.load(vocabulary, options.outside), imagined, vocabulary, options.seed)
    begin, step, total, running = time.monotonic(), 0, options.minutes * 60, 0.0
    while (elapsed := time.monotonic() - begin) < total:
        frames, real, tokens, wanted = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = schedule(elapsed, total, step, peak=1.2e-3, warm_up=200)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(tokens, frames, real)
        loss = token_loss(logits, wanted)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 25 == 0:
            sys.stderr.write(f"{elapsed:6.0f} s step {step} loss {running:.3f}\n")
        if step % 500 == 0:
            torch.save(model.state_dict(), options.work / "decoder.pt")
    torch.save(model.state_dict(), options.work / "decoder.pt")
