"""Step 4: the network of whole conversations learns from the summaries of the labelled dialogues."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from models.utterance import Reader, load_reader
from models.utterance.acts import CLASSES
from models.utterance.records import Utterance
from models.utterance.training.data import Dialogue, expand, of_split
from models.utterance.training.noise import Noise
from models.utterance.training.wording import Talk, Words, joint_logits, learn

_VERSIONS = 5
"""How often each dialogue is read, with alternatives and noise drawn anew; once more as it stands."""
_BY_WORDS = 2
"""How many of these readings the words are learnt from."""
_HIDDEN = (64, 48)


@dataclass(frozen=True, slots=True)
class Set:
    """Dialogues as they were said once: texts, summaries `(dialogues, …)`, labels by the names of `CLASSES`."""

    talks: tuple[Talk, ...]
    numbers: Tensor
    topics: Tensor
    labels: Mapping[str, Tensor]


class WholeNetwork(nn.Module):
    """What `models.utterance.conversation.ConversationNetwork` runs."""

    def __init__(self, numbers: int, topics: int) -> None:
        super().__init__()
        self.numbers = nn.Linear(numbers, _HIDDEN[0])
        self.topics = nn.Linear(topics, _HIDDEN[1])
        self.out = nn.ModuleList(nn.Linear(sum(_HIDDEN), len(values)) for values in CLASSES.values())

    def forward(self, numbers: Tensor, topics: Tensor) -> dict[str, Tensor]:
        """Logits of each class."""
        seen = F.dropout(numbers, 0.3, self.training)
        told = F.dropout(topics, 0.4, self.training)
        hidden = torch.cat([F.relu(self.numbers(seen)), F.relu(self.topics(told))], dim=1)
        hidden = F.dropout(hidden, 0.4, self.training)
        return {name: layer(hidden) for name, layer in zip(CLASSES, self.out, strict=True)}


def summaries(reader: Reader, items: Sequence[Dialogue], noise: Noise | None, rng: random.Random) -> Set:
    """Summaries and labels of the dialogues, read once."""
    spoken = []
    for item in items:
        texts = [expand(turn.pattern, rng) for turn in item.turns]
        if noise is not None and item.channel != "email":
            texts = [noise.heard(text) for text in texts]
        spoken.append(tuple(Utterance(t.role, text) for t, text in zip(item.turns, texts, strict=True)))
    looks = reader.summaries(spoken)
    labels = {
        name: torch.tensor([values.index(item.labels[name]) for item in items]) for name, values in CLASSES.items()
    }
    return Set(
        tuple(spoken),
        torch.tensor(np.array([numbers for numbers, _ in looks])),
        torch.tensor(np.array([topics for _, topics in looks])),
        labels,
    )


def whole(options: argparse.Namespace) -> None:
    """Train on the train split with the model in `--out`; writes `conversation.npz` and `wording.npz` there."""
    torch.set_num_threads(options.threads)
    rng = random.Random(options.seed)
    reader = load_reader(folder=options.out)
    noise = Noise(reader.encoder.spelling.tokens, options.seed)
    train = of_split(options.data, "train", whole=True)
    parts = [summaries(reader, train, noise if version else None, rng) for version in range(_VERSIONS + 1)]
    tuning, measured = (
        summaries(reader, of_split(options.data, split, whole=True), None, rng) for split in ("calibration", "held_out")
    )
    warm, odds = _networks(parts, tuning, measured, options)
    some = parts[:_BY_WORDS]
    words = learn([talk for part in some for talk in part.talks], _together(some), parts[0].talks)
    temperatures = _join(words, tuning, warm)
    words.save(Path(options.out), temperatures)
    said = words.logits(measured.talks)
    for name, truth in measured.labels.items():
        both = joint_logits(odds[name], said[name], name)
        right = [(one.argmax(1) == truth).float().mean().item() for one in (both, odds[name], said[name])]
        sys.stderr.write(
            f"{name}: {right[0]:.3f} right of {len(truth)} held out, network {right[1]:.3f}, words {right[2]:.3f}\n"
        )


def _networks(
    parts: Sequence[Set], tuning: Set, measured: Set, options: argparse.Namespace
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Train and write the networks; their probabilities on `tuning`, which calibrates each, and on `measured`."""
    numbers, topics = torch.cat([p.numbers for p in parts]), torch.cat([p.topics for p in parts])
    labels = _together(parts)
    scales = [(x.mean(0), x.std(0).clamp_min(0.05)) for x in (numbers, topics)]
    saved: dict[str, Any] = {}
    found: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    for member in range(options.members):
        model = _fit(numbers, topics, labels, scales, options.seed * 100 + member, options.rounds)
        with torch.no_grad():
            logits = [_logits(model, part, scales) for part in (tuning, measured)]
        layers = [layer for layer in model.out if isinstance(layer, nn.Linear)]
        for name, layer in zip(CLASSES, layers, strict=True):
            temperature = _temperature(logits[0][name], tuning.labels[name])
            for total, own in zip(found, logits, strict=True):
                odds = (own[name] / temperature).softmax(1) / options.members
                total[name] = total.get(name, torch.zeros(())) + odds
            saved[f"{member}.{name}_temperature"] = np.float32(temperature)
            saved[f"{member}.{name}_weight"] = layer.weight.detach().numpy()
            saved[f"{member}.{name}_bias"] = layer.bias.detach().numpy()
        for look, seen, (mean, scale) in zip(("numbers", "topics"), (model.numbers, model.topics), scales, strict=True):
            saved[f"{member}.{look}_weight"] = seen.weight.detach().numpy()
            saved[f"{member}.{look}_bias"] = seen.bias.detach().numpy()
            saved[f"{member}.{look}_mean"], saved[f"{member}.{look}_scale"] = mean.numpy(), scale.numpy()
    halved: dict[str, Any] = {k: np.float16(v) if v.ndim == 2 else v for k, v in saved.items()}
    np.savez_compressed(Path(options.out) / "conversation.npz", **halved)
    return found


def _together(parts: Sequence[Set]) -> dict[str, Tensor]:
    return {name: torch.cat([part.labels[name] for part in parts]) for name in CLASSES}


def _join(words: Words, tuning: Set, network: Mapping[str, Tensor]) -> dict[str, float]:
    """At which temperature the joint opinion of network and words is calibrated."""
    said = words.logits(tuning.talks)
    return {name: _temperature(joint_logits(network[name], said[name], name), tuning.labels[name]) for name in CLASSES}


def _fit(
    numbers: Tensor,
    topics: Tensor,
    labels: Mapping[str, Tensor],
    scales: Sequence[tuple[Tensor, Tensor]],
    seed: int,
    steps: int,
) -> WholeNetwork:
    torch.manual_seed(seed)
    model = WholeNetwork(numbers.shape[1], topics.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    size = 128
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    looks = [(x - mean) / scale for x, (mean, scale) in zip((numbers, topics), scales, strict=True)]
    for _ in range(steps):
        rows = torch.randint(0, len(numbers), (size,))
        logits = model(looks[0][rows], looks[1][rows])
        loss = torch.stack(
            [F.cross_entropy(logits[name], labels[name][rows], label_smoothing=0.05) for name in CLASSES]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
    return model.eval()


def _logits(model: WholeNetwork, data: Set, scales: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    looks = (data.numbers, data.topics)
    seen, told = ((x - mean) / scale for x, (mean, scale) in zip(looks, scales, strict=True))
    return model(seen, told)


def _temperature(logits: Tensor, truth: Tensor) -> float:
    """The one temperature under which the tuning set is likeliest (Guo et al. 2017)."""
    candidates = torch.logspace(-0.7, 0.9, 33)
    losses = torch.stack([F.cross_entropy(logits / t, truth) for t in candidates])
    return float(candidates[losses.argmin()])
