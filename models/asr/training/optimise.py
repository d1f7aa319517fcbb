"""Learning rates and the optimiser that all three trainings share."""

from __future__ import annotations

import math

import torch


def schedule(elapsed: float, total: float, step: int, *, peak: float, warm_up: int) -> float:
    """Learning rate: linear warm-up by steps, then cosine by the clock."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, elapsed / total))))


def optimiser(module: torch.nn.Module, peak: float) -> torch.optim.AdamW:
    """AdamW without decay on biases and norms."""
    matrices = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
    vectors = [p for p in module.parameters() if p.ndim <= 1 and p.requires_grad]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}],
        lr=peak,
        betas=(0.9, 0.98),
    )


def descend(model: torch.nn.Module, optimizer: torch.optim.AdamW, loss: torch.Tensor, rate: float) -> None:
    """One step down the gradient of `loss` at learning rate `rate`, the gradient's norm clipped to 1."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
