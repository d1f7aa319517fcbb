"""Step 2: encoder and heads learn the labelled turns, each in its context, with and without noise."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.grammar import Grammar, Template
from models.asr.training.optimise import descend, optimiser, schedule
from models.utterance.acts import ACTS, AGENT_ACTS, GRADES
from models.utterance.records import Role, Utterance
from models.utterance.spelling import Spelled, Spelling
from models.utterance.training.batches import batch_of
from models.utterance.training.data import Dialogue, Turn, expand, of_split
from models.utterance.training.network import ACT_COUNT, STEPS, TurnNetwork, given, small
from models.utterance.training.noise import Noise
from models.utterance.training.ranks import spearman

_SIZE = 96
_SAME = (
    "anything_else", "blame", "disparagement", "empathy", "greeting", "hold", "hold_thanks", "impatience",
    "offer_help", "over_promise", "restate", "route", "satisfaction_check", "scorn", "self_identification",
    "shirking", "slang", "solution", "swearing",
)  # fmt: skip
_CORPUS_ACTS: dict[tuple[str, str], str] = {
    **{("agent", act): act for act in _SAME},
    ("agent", "closed_question"): "question_closed", ("agent", "open_question"): "question_open",
    ("agent", "farewell"): "goodbye", ("agent", "identity_check"): "identity_request",
    ("agent", "polite_refusal"): "refusal", ("agent", "privacy_leak"): "other_persons_data",
    ("agent", "explain"): "explanation", ("agent", "time_commitment"): "promise_time",
    **{("customer", act): act for act in ("acceptance", "answer", "complaint", "distress", "problem", "question",
                                          "refusal", "request", "sarcasm", "thanks", "threat")},
    ("customer", "anger"): "upset", ("customer", "identity"): "answer",
}  # fmt: skip
_FAULTS = (
    "shirking", "impatience", "scorn", "blame", "quarrel", "swearing", "over_promise", "disparagement", "slang",
    "other_persons_data",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """A spelled turn, and what must be read in it; `known` says which acts its labels speak of."""

    spelled: Spelled
    acts: Tensor
    known: Tensor
    steps: tuple[int, ...]


def offset(role: str) -> int:
    """Where the acts of a role begin among all acts."""
    return 0 if role == "agent" else len(AGENT_ACTS)


def example(turn: Turn, before: Sequence[Utterance], text: str, spelling: Spelling) -> Example:
    """One labelled turn as the network sees it."""
    acts, known = torch.zeros(ACT_COUNT), torch.zeros(ACT_COUNT)
    names, start = ACTS[turn.role], offset(turn.role)
    known[start : start + len(names)] = 1.0
    for act in turn.acts:
        acts[start + names.index(act)] = 1.0
    agent_only = turn.role == "agent"
    steps = tuple(
        values.index(turn.grades[name]) if agent_only or name == "feeling" else -100 for name, values in GRADES.items()
    )
    return Example(spelling.spell(turn.role, text, before), acts, known, steps)


def examples(items: Sequence[Dialogue], spelling: Spelling, noise: Noise, *, clean: bool = False) -> Iterator[Example]:
    """Every labelled turn of `items` once, alternatives chosen anew; `clean` leaves the texts as they are."""
    rng = noise.random
    for item in items:
        channel = (lambda text: text) if clean or (item.channel == "email") else noise.heard
        said: list[Utterance] = []
        for place, turn in enumerate(item.turns):
            text = channel(expand(turn.pattern, rng))
            if turn.role != "other" and (item.labels or place == len(item.turns) - 1):
                forgotten = not clean and rng.random() < 0.08
                yield example(turn, () if forgotten else said, text, spelling)
            said.append(Utterance(turn.role, text))


def spoken(spelling: Spelling, noise: Noise, share: float = 0.4) -> Iterator[Example]:
    """Lines of the speech corpus. Each names one act, and a good act of an agent is no fault; the rest is unknown."""
    rng = noise.random
    grammar = Grammar.shipped()
    wanted: list[Template] = [t for t in grammar.trained if (t.role, t.act) in _CORPUS_ACTS]
    for template in rng.sample(wanted, int(len(wanted) * share)):
        role: Role = "agent" if template.role == "agent" else "customer"
        name = _CORPUS_ACTS[(role, template.act)]
        acts, known = torch.zeros(ACT_COUNT), torch.zeros(ACT_COUNT)
        place = offset(role) + ACTS[role].index(name)
        acts[place] = known[place] = 1.0
        if role == "agent" and name not in (*_FAULTS, "refusal"):
            known[[AGENT_ACTS.index(fault) for fault in _FAULTS]] = 1.0
        text = noise.heard(grammar.expand(template.pattern, rng))
        yield Example(spelling.spell(role, text), acts, known, (-100,) * len(GRADES))


def loss_of(acts: Tensor, grades: Tensor, batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Mean loss of the acts (each turn's sum), and of the grades; neighbouring steps share a tenth of the truth."""
    known = torch.stack([one.known for one in batch])
    truth = torch.stack([one.acts for one in batch])
    single = F.binary_cross_entropy_with_logits(acts, truth * 0.98 + 0.004, reduction="none")
    weight = known * (1.0 + 1.0 * truth)
    total = torch.zeros(())
    for place, (name, logits) in enumerate(zip(STEPS, grades.split(list(STEPS.values()), dim=1), strict=True)):
        count = STEPS[name]
        wanted = torch.tensor([one.steps[place] for one in batch])
        there = wanted >= 0
        if there.any():
            steps = torch.arange(count)
            near = (1.0 - (wanted[there][:, None] - steps).abs()).clamp(min=0.0) * 0.88
            near = near + 0.06 * ((wanted[there][:, None] - steps).abs() == 1)
            near = near / near.sum(1, keepdim=True)
            total = total - (near * logits[there].log_softmax(1)).sum(1).mean()
    return (single * weight).sum() / len(batch), total


def train(options: argparse.Namespace) -> None:
    """Fine-tune; writes `turns.pt`. With `--base` the encoder is a given one, else the one that `pretrain` left."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    spelling = Spelling.load(Path(options.base) / "vocab.txt" if options.base else work / "vocab.txt")
    encoder = given(options.base) if options.base else small(len(spelling.tokens), dropout=0.1)
    if not options.base and (work / "encoder.pt").exists():
        encoder.load_state_dict(torch.load(work / "encoder.pt"))
    model = TurnNetwork(encoder)
    items, held = (of_split(options.data, split) for split in ("train", "held_out"))
    noise = Noise(spelling.tokens, options.seed)
    optimizer = optimiser(model, peak=options.rate)
    begin, step, epoch, total = time.monotonic(), 0, 0, options.minutes * 60
    told = [0.0, 0.0]
    while time.monotonic() - begin < total:
        epoch += 1
        for batch in batches([*examples(items, spelling, noise), *spoken(spelling, noise)], noise.random):
            if (elapsed := time.monotonic() - begin) >= total:
                break
            with torch.autocast("cpu", torch.bfloat16):
                frames = model.frames(inputs := batch_of([one.spelled for one in batch]))
            acts, grades = model.heads(frames, inputs.said)
            losses = loss_of(acts, grades, batch)
            rate = schedule(elapsed, total, step, peak=options.rate, warm_up=60)
            descend(model, optimizer, losses[0] + 0.5 * losses[1], rate)
            step += 1
            told = [t + (0.03 if step > 1 else 1.0) * (x.item() - t) for t, x in zip(told, losses, strict=True)]
            if step % 25 == 0:
                sys.stderr.write(
                    f"{elapsed:6.0f} s epoch {epoch} step {step} acts {told[0]:.3f} grades {told[1]:.3f}\n"
                )
        if epoch % 3 == 0:
            report(model, spelling, held)
            torch.save(model.state_dict(), work / "turns.pt")
    torch.save(model.state_dict(), work / "turns.pt")
    report(model, spelling, held)


def batches(all_examples: list[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Batches of turns of like length, in random order."""
    all_examples.sort(key=lambda one: len(one.spelled.tokens) + rng.random() * 12)
    cut = [all_examples[at : at + _SIZE] for at in range(0, len(all_examples), _SIZE)]
    rng.shuffle(cut)
    yield from cut


@torch.no_grad()
def read_all(model: TurnNetwork, some: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Logits of acts and grades for every example, in order."""
    model.eval()
    order = sorted(range(len(some)), key=lambda at: len(some[at].spelled.tokens))
    acts, grades = torch.zeros(len(some), ACT_COUNT), torch.zeros(len(some), sum(STEPS.values()))
    for at in range(0, len(order), 128):
        rows = order[at : at + 128]
        acts[rows], grades[rows] = model(batch_of([some[row].spelled for row in rows]))
    model.train()
    return acts, grades


def report(model: TurnNetwork, spelling: Spelling, items: Sequence[Dialogue]) -> None:
    """Print how `items` are read: F1 of acts, rank correlation of grades."""
    some = list(examples(items, spelling, Noise(spelling.tokens, 0), clean=True))
    acts, grades = read_all(model, some)
    truth, known = torch.stack([e.acts for e in some]), torch.stack([e.known for e in some]) > 0
    names = [f"{role[0]}:{act}" for role, every in ACTS.items() for act in every]
    lines = []
    for column, name in enumerate(names):
        rows = known[:, column]
        if truth[rows, column].sum() >= 3:
            said = acts[rows, column] > 0
            right = (said & (truth[rows, column] > 0)).sum().item()
            value = 2 * right / (said.sum().item() + truth[rows, column].sum().item())
            lines.append((value, f"{name} {value:.2f} ({int(truth[rows, column].sum())})"))
    mean = sum(value for value, _ in lines) / max(1, len(lines))
    sys.stderr.write(
        f"held out: {len(some)} turns, mean F1 {mean:.3f}; " + ", ".join(t for _, t in sorted(lines)) + "\n"
    )
    for place, (name, logits) in enumerate(zip(STEPS, grades.split(list(STEPS.values()), dim=1), strict=True)):
        wanted = torch.tensor([e.steps[place] for e in some])
        there = wanted >= 0
        if there.sum() < 2:
            continue
        guess = (logits[there].softmax(1) * torch.arange(logits.shape[1])).sum(1)
        right = (logits[there].argmax(1) == wanted[there]).float().mean()
        rank = spearman(guess.numpy(), wanted[there].numpy())
        sys.stderr.write(f"  {name}: Spearman {rank:.3f}, right step {right:.3f}\n")
