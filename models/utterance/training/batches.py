"""Spelled turns as padded tensors, in few shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from models.utterance.spelling import Spelled
from models.utterance.training.network import Batch


def batch_of(turns: Sequence[Spelled]) -> Batch:
    """Turns padded to the next multiple of 16, because oneDNN prepares every new shape anew."""
    longest = -(-max(len(turn.tokens) for turn in turns) // 16) * 16
    shape = (len(turns), longest)
    tokens, segments = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    real, said = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for row, turn in enumerate(turns):
        count = len(turn.tokens)
        tokens[row, :count] = torch.tensor(turn.tokens)
        segments[row, :count] = torch.tensor(turn.segments)
        real[row, :count] = True
        said[row, turn.first : turn.first + max(1, len(turn.places))] = True
    return Batch(tokens, segments, real, said)
