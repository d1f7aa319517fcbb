"""Forced alignment: at which frames each sound of a known text was heard (Viterbi over the CTC lattice)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def align(logits: Tensor, steps: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """The likeliest CTC path through `targets`.

    Args:
        logits: `(b, frames, classes)`; the last class is the blank.
        steps: how many frames of each row count, `(b,)`.
        targets: the classes that were said, in order.

    Returns:
        For each frame the place of its class in the row's target, −1 for the blank and beyond `steps`, `(b, frames)`;
        −1 throughout where the target does not fit into the frames.
    """
    count, frames, classes = logits.shape
    blank, longest = classes - 1, max((len(target) for target in targets), default=0)
    width = 2 * longest + 1
    path = torch.full((count, width), blank)
    ends = torch.tensor([2 * len(target) for target in targets])
    for row, target in enumerate(targets):
        path[row, 1 : 2 * len(target) : 2] = torch.tensor(target, dtype=torch.long)
    scores = logits.float().log_softmax(-1).gather(2, path[:, None].expand(count, frames, width))
    may_skip = torch.zeros(count, width, dtype=torch.bool)
    may_skip[:, 2:] = (path[:, 2:] != blank) & (path[:, 2:] != path[:, :-2])
    nowhere = torch.full((count, width), -1e30)
    best = nowhere.clone()
    best[:, :2] = scores[:, 0, :2]
    came = torch.zeros(frames, count, width, dtype=torch.int8)
    for at in range(1, frames):
        options = torch.stack([best, nowhere, nowhere])
        options[1, :, 1:] = best[:, :-1]
        options[2, :, 2:] = torch.where(may_skip[:, 2:], best[:, :-2], -1e30)
        reached, back = options.max(0)
        going = (at < steps)[:, None]
        best = torch.where(going, reached + scores[:, at], best)
        came[at] = torch.where(going, back, 0)
    rows = torch.arange(count)
    before_end = (ends - 1).clamp_min(0)
    state = torch.where(best[rows, before_end] > best[rows, ends], before_end, ends)
    fits = best[rows, state] > -1e29
    places = torch.full((count, frames), -1)
    for at in range(frames - 1, -1, -1):
        said = (state % 2 == 1) & (at < steps) & fits
        places[:, at] = torch.where(said, state // 2, -1)
        state = state - came[at, rows, state]
    return places
