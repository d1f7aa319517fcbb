"""Step 2: the decoder learns to spell from text alone, on frames imagined in the sound code."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.network import GUIDED_HEADS, Decoder, Size, SoundCodebook, tune_in
from models.asr.training.optimise import descend, optimiser, schedule
from models.asr.training.sounds import PUNCTUATION, pinyin, sounds_of
from models.asr.training.texts import Texts
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import IGNORED, Frames, ImaginedSpeech, Target, aims, collate, packed_texts, target


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


def imagined_batches(
    texts: Texts, imagined: ImaginedSpeech, vocabulary: Vocabulary, seed: int, size: int = 3600, gentle: int = 0
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
    """Endless batches of frames, mask, decoder input, wanted tokens, aims, from text alone."""
    rng = random.Random(seed)
    source = texts.language(rng)
    buckets: dict[int, list[tuple[Target, Frames]]] = {}
    while True:
        lines, frames = imagined.window([next(source)[:24]] if gentle > 0 else packed_texts(source, rng))
        before = next(source) if rng.random() < 0.06 else ""
        item = (target(lines, vocabulary, rng, before=before), frames)
        length = -(-(len(item[0].tokens) + 1) // 16) * 16
        bucket = buckets.setdefault(length, [])
        bucket.append(item)
        if len(bucket) < max(4, size // length):
            continue
        buckets[length] = []
        gentle -= 1
        vectors, real = imagined.vectors([frames for _, frames in bucket])
        tokens, wanted = collate([t for t, _ in bucket], vocabulary, rng, share=0.04)
        yield vectors, real, tokens, wanted, aims(bucket, tokens.shape[1], vectors.shape[1])


def spoken_tokens(vocabulary: Vocabulary) -> dict[int, list[int]]:
    """The sounds of every token that is a character, as it is read alone."""
    characters = [c for c in vocabulary.characters if c not in PUNCTUATION]
    sounds = {c: [n for s in pinyin(c)[0] for n in sounds_of(s)] for c in characters}
    return {vocabulary[c]: own for c, own in sounds.items() if own}


def decoder(options: argparse.Namespace) -> None:
    """Step 2: the decoder learns to spell, from text alone, on frames imagined in the sound code."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    size = Size(len(vocabulary))
    model = Decoder(size)
    tune_in(model, SoundCodebook(size.width), spoken_tokens(vocabulary))
    if (options.work / "decoder.pt").exists():
        model.load_state_dict(torch.load(options.work / "decoder.pt"))
    imagined = ImaginedSpeech(SoundCodebook(size.width), options.seed)
    optimizer = optimiser(model, peak=options.rate)
    batches = imagined_batches(
        Texts.load(vocabulary, options.outside), imagined, vocabulary, options.seed, gentle=options.gentle
    )
    begin, step, total, running = time.monotonic(), 0, options.minutes * 60, 0.0
    while (elapsed := time.monotonic() - begin) < total:
        frames, real, tokens, wanted, aimed = next(batches)
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
        with torch.autocast("cpu", torch.bfloat16):
            logits, weights = model(tokens, frames, real)
        loss, strayed = token_loss(logits, wanted), stray(weights, aimed)
        descend(model, optimizer, loss + 0.4 * strayed.sum(), rate)
        step += 1
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 25 == 0:
            sys.stderr.write(
                f"{elapsed:6.0f} s step {step} loss {running:.3f} stray {[round(s, 2) for s in strayed.tolist()]}\n"
            )
        if step % 100 == 0:
            torch.save(model.state_dict(), options.work / "decoder.pt")
    torch.save(model.state_dict(), options.work / "decoder.pt")
