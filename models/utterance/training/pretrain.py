"""Step 1: the encoder learns the language: covered characters, and what follows on what (Devlin et al. 2019)."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.grammar import Grammar
from models.asr.training.optimise import descend, optimiser, schedule
from models.utterance.records import Utterance
from models.utterance.spelling import SPECIAL, Spelled, Spelling
from models.utterance.training.batches import batch_of
from models.utterance.training.data import Dialogue, expand, of_split
from models.utterance.training.network import Batch, Guesser, small
from models.utterance.training.outside import dialogues

Said = tuple[Utterance, ...]
_TOKENS = 8192
_LEAST = 4
"""Characters seen more seldom in our own and the outside text are not in the vocabulary."""


def pretrain(options: argparse.Namespace) -> None:
    """Train our own encoder on outside dialogues and on our own text; writes `vocab.txt` and `encoder.pt`."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    rng = random.Random(options.seed)
    outside = list(dialogues(options.outside)) if options.outside else []
    own = of_split(options.data, "train")
    path: Path = options.work / "vocab.txt"
    if not path.exists():
        vocabulary(outside, own, rng).save(path)
    spelling = Spelling.load(path)
    model = Guesser(small(len(spelling.tokens)))
    if (options.work / "guesser.pt").exists():
        model.load_state_dict(torch.load(options.work / "guesser.pt"))
    optimizer = optimiser(model, peak=options.rate)
    batches = covered_batches(outside, own, spelling, rng)
    begin, step, total, running = time.monotonic(), 0, options.minutes * 60, [0.0, 0.0]
    while (elapsed := time.monotonic() - begin) < total:
        batch, covered, wanted, follows = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            guessed, followed = model(batch, covered)
        known = (follows >= 0).sum().clamp_min(1)
        losses = (
            F.cross_entropy(guessed.float(), wanted),
            F.cross_entropy(followed.float(), follows, reduction="sum", ignore_index=-100) / known,
        )
        rate = schedule(elapsed, total, step, peak=options.rate, warm_up=200)
        descend(model, optimizer, losses[0] + 0.5 * losses[1], rate)
        step += 1
        running = [r + (0.02 if step > 1 else 1.0) * (loss.item() - r) for r, loss in zip(running, losses, strict=True)]
        if step % 50 == 0:
            sys.stderr.write(f"{elapsed:6.0f} s step {step} characters {running[0]:.3f} follows {running[1]:.3f}\n")
        if step % 500 == 0:
            torch.save(model.state_dict(), options.work / "guesser.pt")
    torch.save(model.state_dict(), options.work / "guesser.pt")
    torch.save(model.encoder.state_dict(), options.work / "encoder.pt")


def vocabulary(outside: Sequence[Said], own: Sequence[Dialogue], rng: random.Random) -> Spelling:
    """The characters of all texts that occur often enough, common ones first."""
    counts: Counter[str] = Counter()
    for dialogue in outside:
        for turn in dialogue:
            counts.update(turn.text.lower())
    for item in own:
        for labelled in item.turns:
            counts.update(dict.fromkeys(labelled.pattern.lower(), 2))
    service = Grammar.shipped().sentences(rng)
    for _ in range(30_000):
        counts.update(next(service).text.lower())
    kept = [c for c, count in counts.most_common() if count >= _LEAST and not c.isspace()]
    return Spelling([*SPECIAL, *kept])


def pairs(outside: Sequence[Said], own: Sequence[Dialogue], rng: random.Random) -> Iterator[tuple[Said, Utterance]]:
    """Endless turns with those before them; two fifths are service talk of our own."""
    while True:
        if outside and rng.random() < 0.6:
            said = rng.choice(outside)
        else:
            said = tuple(Utterance(turn.role, expand(turn.pattern, rng)) for turn in rng.choice(own).turns)
        place = rng.randrange(len(said))
        yield said[:place], said[place]


def covered_batches(
    outside: Sequence[Said], own: Sequence[Dialogue], spelling: Spelling, rng: random.Random
) -> Iterator[tuple[Batch, Tensor, Tensor, Tensor]]:
    """Batches of about 8,192 tokens: spelled turns, which tokens are covered, what they were, whether turns follow."""
    source, others = pairs(outside, own, rng), pairs(outside, own, rng)
    buckets: dict[int, list[tuple[Spelled, int]]] = {}
    while True:
        before, turn = next(source)
        follows = int(rng.random() < 0.5)
        if before and not follows:
            before = (*next(others)[0], next(others)[1])
        spelled = spelling.spell(turn.role, turn.text, before)
        length = -(-len(spelled.tokens) // 16) * 16
        bucket = buckets.setdefault(length, [])
        bucket.append((spelled, follows if before else -100))
        if len(bucket) < _TOKENS // length:
            continue
        buckets[length] = []
        batch = batch_of([turn for turn, _ in bucket])
        tokens, covered, wanted = _cover(batch, spelling)
        yield (
            Batch(tokens, batch.segments, batch.real, batch.said),
            covered,
            wanted,
            torch.tensor([follows for _, follows in bucket]),
        )


def _cover(batch: Batch, spelling: Spelling) -> tuple[Tensor, Tensor, Tensor]:
    """A seventh of the characters: four fifths become [MASK], a tenth another character, a tenth stays."""
    chance = torch.rand(batch.tokens.shape)
    covered = (chance < 0.15) & batch.real & (batch.tokens >= len(SPECIAL))
    wanted = batch.tokens[covered]
    tokens = batch.tokens.clone()
    tokens[covered & (chance < 0.12)] = spelling.ids["[MASK]"]
    other = covered & (chance >= 0.12) & (chance < 0.135)
    tokens[other] = torch.randint(len(SPECIAL), len(spelling.tokens), (int(other.sum()),))
    return tokens, covered, wanted
