"""Learning rates and the optimiser that all three trainings share."""

from __future__ import annotations

import math

import torch


def schedule(elapsed: float, total: float, step: int, *, peak: float, warm_up: int) -> float:
    """Learning rate: linear warm-up by steps, then cosine by the clock."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, elapsed / total))))


def optimiser(*modules: torch.nn.Module, peak: float, shares: tuple[float, ...] = (1.0,)) -> torch.optim.AdamW:
    """AdamW without decay on biases and norms; each module learns at its share of the rate."""
    groups = []
    for module, share in zip(modules, shares, strict=True):
        matrices = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
        vectors = [p for p in module.parameters() if p.ndim <= 1 and p.requires_grad]
        groups.append({"params": matrices, "weight_decay": 0.01, "share": share})
        groups.append({"params": vectors, "weight_decay": 0.0, "share": share})
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))


def descend(model: torch.nn.Module, optimizer: torch.optim.AdamW, loss: torch.Tensor, rate: float) -> None:
    """One step down the gradient of `loss`, its norm clipped to 1, at `rate` times each group's share."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
