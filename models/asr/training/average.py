"""Between steps 3 and 4: the mean of several checkpoints of one training (Izmailov et al. 2018)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def mean(checkpoints: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight.

    Raises:
        ValueError: there is none, or they are not of one network.
    """
    if not checkpoints or any(one.keys() != checkpoints[0].keys() for one in checkpoints):
        raise ValueError("checkpoints of one network are needed")
    return {name: torch.stack([one[name].double() for one in checkpoints]).mean(0).float() for name in checkpoints[0]}


def average(options: argparse.Namespace) -> None:
    """Write the mean of the checkpoints `options.of` as `joint.pt`."""
    torch.save(mean([torch.load(path) for path in options.of or ()]), options.work / "joint.pt")
