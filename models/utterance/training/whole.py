"""Step 4: the network of whole conversations learns from the summaries of the labelled dialogues."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
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

_VERSIONS = 5
"""How often each dialogue is read, with alternatives and noise drawn anew; once more as it stands."""
_HIDDEN = (64, 48)

Set = tuple[Tensor, Tensor, Mapping[str, Tensor]]


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
    return (
        torch.tensor(np.array([numbers for numbers, _ in looks])),
        torch.tensor(np.array([topics for _, topics in looks])),
        labels,
    )


def whole(options: argparse.Namespace) -> None:
    """Train on the summaries of the train split with the model in `--out`; writes `conversation.npz` there."""
    torch.set_num_threads(options.threads)
    rng = random.Random(options.seed)
    reader = load_reader(folder=options.out)
    noise = Noise(reader.encoder.spelling.tokens, options.seed)
    train = of_split(options.data, "train", whole=True)
    parts = [summaries(reader, train, noise if version else None, rng) for version in range(_VERSIONS + 1)]
    numbers, topics = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    labels = {name: torch.cat([p[2][name] for p in parts]) for name in CLASSES}
    tuning, measured = (
        summaries(reader, of_split(options.data, split, whole=True), None, rng) for split in ("calibration", "held_out")
    )
    scales = [(x.mean(0), x.std(0).clamp_min(0.05)) for x in (numbers, topics)]
    saved: dict[str, Any] = {}
    total: dict[str, Tensor] = {}
    for member in range(options.members):
        model = _fit(numbers, topics, labels, scales, options.seed * 100 + member, options.rounds)
        with torch.no_grad():
            warm = _logits(model, tuning, scales)
            odds = _logits(model, measured, scales)
        layers = [layer for layer in model.out if isinstance(layer, nn.Linear)]
        for name, layer in zip(CLASSES, layers, strict=True):
            temperature = _temperature(warm[name], tuning[2][name])
            total[name] = total.get(name, torch.zeros(())) + (odds[name] / temperature).softmax(1) / options.members
            saved[f"{member}.{name}_temperature"] = np.float32(temperature)
            saved[f"{member}.{name}_weight"] = layer.weight.detach().numpy()
            saved[f"{member}.{name}_bias"] = layer.bias.detach().numpy()
        for look, seen, (mean, scale) in zip(("numbers", "topics"), (model.numbers, model.topics), scales, strict=True):
            saved[f"{member}.{look}_weight"] = seen.weight.detach().numpy()
            saved[f"{member}.{look}_bias"] = seen.bias.detach().numpy()
            saved[f"{member}.{look}_mean"], saved[f"{member}.{look}_scale"] = mean.numpy(), scale.numpy()
    halved: dict[str, Any] = {k: np.float16(v) if v.ndim == 2 else v for k, v in saved.items()}
    np.savez_compressed(Path(options.out) / "conversation.npz", **halved)
    for name in CLASSES:
        truth = measured[2][name]
        sys.stderr.write(
            f"{name}: {(total[name].argmax(1) == truth).float().mean():.3f} right of {len(truth)} held out\n"
        )


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
    seen, told = ((x - mean) / scale for x, (mean, scale) in zip(data[:2], scales, strict=True))
    return model(seen, told)


def _temperature(logits: Tensor, truth: Tensor) -> float:
    """The one temperature under which the tuning set is likeliest (Guo et al. 2017)."""
    candidates = torch.logspace(-0.7, 0.9, 33)
    losses = torch.stack([F.cross_entropy(logits / t, truth) for t in candidates])
    return float(candidates[losses.argmin()])
