"""Step 2: spelling layers and decoder learn from text alone, on frames imagined in the sound code."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.network import GUIDED_HEADS, Network, Size, tune_in
from models.asr.training.optimise import descend, optimiser, schedule
from models.asr.training.sounds import PUNCTUATION, pinyin, sounds_of
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import (
    IGNORED,
    Frames,
    ImaginedSpeech,
    Target,
    aims,
    collate,
    labels,
    packed_texts,
    target,
)


def token_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy per wanted token."""
    return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORED)


def stray(weights: Tensor, aims: Tensor) -> Tensor:
    """How far the guided heads look away from their character (after Tachibana et al. 2017): nats for each head.

    `weights` `(batch, heads, length, frames)`; `aims` `(batch, length, frames)` is true where the character
    predicted at a place can be heard.
    """
    results = []
    for number, (_, _, shift) in enumerate(GUIDED_HEADS):
        aimed = F.pad(aims[:, :shift], (0, 0, -shift, 0)) if shift else aims
        there = aimed.any(-1)
        mass = (weights[:, number].float() * aimed).sum(-1).clamp_min(1e-4)
        results.append(-(mass.log() * there).sum() / there.sum().clamp_min(1))
    return torch.stack(results)


@dataclass(frozen=True, slots=True)
class ImaginedBatch:
    """Windows that nobody spoke.

    `frames` `(b, n, d)` in the sound code, `real` `(b, n)`, `characters` `(b, n)` as `windows.labels`; decoder input
    `tokens` `(b, l)`, `wanted` `(b, l)`, `aims` `(b, l, n)`.
    """

    frames: Tensor
    real: Tensor
    characters: Tensor
    tokens: Tensor
    wanted: Tensor
    aims: Tensor


def imagined_batches(
    texts: Texts, imagined: ImaginedSpeech, vocabulary: Vocabulary, seed: int, size: int = 2000, gentle: int = 0
) -> Iterator[ImaginedBatch]:
    """Endless batches of about `size` tokens, from text alone; the first `gentle` hold one short sentence each."""
    rng = random.Random(seed)
    source = texts.language(rng)
    buckets: dict[int, list[tuple[str, Target, Frames]]] = {}
    while True:
        lines, frames = imagined.window([next(source)[:24]] if gentle > 0 else packed_texts(source, rng))
        before = next(source) if rng.random() < 0.06 else ""
        item = ("".join(line.text for line in lines), target(lines, vocabulary, rng, before=before), frames)
        length = -(-(len(item[1].tokens) + 1) // 16) * 16
        bucket = buckets.setdefault(length, [])
        bucket.append(item)
        if len(bucket) < max(4, size // length):
            continue
        buckets[length] = []
        gentle -= 1
        said, targets, windows = (list(column) for column in zip(*bucket, strict=True))
        vectors, real = imagined.vectors(windows)
        tokens, wanted = collate(targets, vocabulary, rng, share=0.04)
        owners = [window.owner for window in windows]
        spelt = labels(said, owners, vectors.shape[1], vocabulary)
        aimed = aims(targets, owners, tokens.shape[1], vectors.shape[1])
        yield ImaginedBatch(vectors, real, spelt, tokens, wanted, aimed)


def spelling_losses(model: Network, batch: ImaginedBatch, vocabulary: Vocabulary) -> tuple[Tensor, Tensor, Tensor]:
    """What imagined speech teaches: cross entropy per frame and per token, and how far each guided head strays."""
    with torch.autocast("cpu", torch.bfloat16):
        frames = model.encoder.spelling(batch.frames)
        told = batch.real & (batch.characters != IGNORED)
        named = model.character_logits(frames[told], vocabulary.spoken)
        logits, weights = model.decoder(batch.tokens, frames, batch.real)
    framewise = F.cross_entropy(named.float(), batch.characters[told])
    return framewise, token_loss(logits, batch.wanted), stray(weights, batch.aims)


def spoken_tokens(vocabulary: Vocabulary) -> dict[int, list[int]]:
    """The sounds of every token that is a character, as it is read alone."""
    characters = [c for c in vocabulary.characters if c not in PUNCTUATION]
    sounds = {c: [n for s in pinyin(c)[0] for n in sounds_of(s)] for c in characters}
    return {vocabulary[c]: own for c, own in sounds.items() if own}


def text_weights(model: Network) -> dict[str, Tensor]:
    """What text alone teaches: the spelling layers and the decoder."""
    return {k: v for k, v in model.state_dict().items() if k.startswith(("encoder.spelling.", "decoder."))}


def decoder(options: argparse.Namespace) -> None:
    """Step 2: spelling layers and decoder learn from text alone, on frames imagined in the sound code.

    Goes on from `joint.pt` where there is one, whose other layers stay as they are.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    model = Network(Size(len(vocabulary)))
    codebook = model.encoder.codebook
    tune_in(model.decoder, codebook, spoken_tokens(vocabulary), vocabulary.times)
    joint = options.work / "joint.pt"
    learnt = joint if joint.exists() else options.work / "decoder.pt"
    if learnt.exists():
        model.load_state_dict(torch.load(learnt), strict=False)
    optimizer = optimiser(model.encoder.spelling, model.decoder, peak=options.rate, shares=(1.0, 1.0))
    batches = imagined_batches(
        Texts.load(vocabulary, options.outside, options.words),
        ImaginedSpeech(codebook, options.seed),
        vocabulary,
        options.seed,
        gentle=options.gentle,
    )
    begin, step, total = time.monotonic(), 0, options.minutes * 60
    running = torch.zeros(2)
    while (elapsed := time.monotonic() - begin) < total:
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
        framewise, spelling, strayed = spelling_losses(model, next(batches), vocabulary)
        descend(model, optimizer, framewise + spelling + 0.2 * strayed.sum(), rate)
        step += 1
        latest = torch.stack([framewise, spelling]).detach()
        running = 0.98 * running + 0.02 * latest if step > 1 else latest
        if step % 25 == 0:
            sys.stderr.write(
                f"{elapsed:6.0f} s step {step} frames {running[0]:.3f} tokens {running[1]:.3f} "
                f"stray {[round(s, 2) for s in strayed.tolist()]}\n"
            )
        if step % 100 == 0:
            torch.save(text_weights(model), options.work / "decoder.pt")
    torch.save(text_weights(model), options.work / "decoder.pt")
    if learnt == joint:
        torch.save(model.state_dict(), joint)
