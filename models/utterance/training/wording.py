"""Step 4, second half: the layer that reads a whole conversation by its words (`models.utterance.wording`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.utterance.acts import CLASSES
from models.utterance.records import Utterance
from models.utterance.wording import FILE, joint, pieces, places

_LEAST = 4
"""Pieces of fewer conversations are left out."""
_STEPS = 40
_DRAW = 1e-3
"""How strongly the weights are drawn towards nothing."""

Talk = Sequence[Utterance]


@dataclass(frozen=True, slots=True)
class Words:
    """The pieces that count and what each is worth: `rare` `(n,)`, `weight` `(n, values)`, `bias` `(values,)`."""

    known: Mapping[str, int]
    rare: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self, talks: Sequence[Talk]) -> dict[str, Tensor]:
        """Logits of each of `CLASSES`, `(conversations, values)`."""
        total = _counted(talks, self.known, self.rare) @ self.weight + self.bias
        return dict(zip(CLASSES, total.split([len(values) for values in CLASSES.values()], dim=1), strict=True))

    def save(self, folder: Path, temperatures: Mapping[str, float]) -> None:
        """Write the file that `models.utterance.wording.Wording` reads."""
        np.savez_compressed(
            folder / FILE,
            pieces=np.frombuffer("\n".join(self.known).encode("utf-8"), np.uint8),
            weight=(self.rare[:, None] * self.weight).numpy().astype(np.float16),
            bias=self.bias.numpy().astype(np.float32),
            temperature=np.array([temperatures[name] for name in CLASSES], np.float32),
        )


def learn(talks: Sequence[Talk], labels: Mapping[str, Tensor], counted: Sequence[Talk]) -> Words:
    """Fit the layer to `talks` and their `labels`; pieces and how rare they are come from `counted`."""
    seen: Counter[str] = Counter()
    for talk in counted:
        seen.update(pieces(talk))
    chosen = sorted(piece for piece, count in seen.items() if count >= _LEAST)
    known = {piece: place for place, piece in enumerate(chosen)}
    rare = torch.tensor([math.log(len(counted) / seen[piece]) for piece in chosen])
    values = [len(steps) for steps in CLASSES.values()]
    looks = _counted(talks, known, rare)
    weight = torch.zeros(len(chosen), sum(values), requires_grad=True)
    bias = torch.zeros(sum(values), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS)

    def loss() -> Tensor:
        optimizer.zero_grad()
        guesses = zip(CLASSES, (looks @ weight + bias).split(values, dim=1), strict=True)
        value = torch.stack([F.cross_entropy(guess, labels[name]) for name, guess in guesses]).sum()
        value = value + _DRAW * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return Words(known, rare, weight.detach(), bias.detach())


def _counted(talks: Sequence[Talk], known: Mapping[str, int], rare: Tensor) -> Tensor:
    looks = torch.zeros(len(talks), len(known))
    for row, talk in enumerate(talks):
        for some in places(talk, known).values():
            if some:
                looks[row, some] = 1 / math.sqrt(len(some))
    return looks * rare


def joint_logits(network: Tensor, words: Tensor, name: str) -> Tensor:
    """`models.utterance.wording.joint` of the network's probabilities and the words' logits."""
    return torch.tensor(joint(network.detach().numpy(), words.numpy(), name))
