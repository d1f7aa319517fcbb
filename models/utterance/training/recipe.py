"""The whole recipe of a reader, from a folder of labelled data to a folder of weights."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from models.utterance.training.data import DATA

Step = Literal["vocabulary", "pretrain", "train", "export", "whole"]
OWN_RATE, GIVEN_RATE = 1e-3, 5e-5
"""Highest learning rate of our own encoder, and of a pre-trained one (Devlin et al. 2019)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make a reader of.

    `out` gets the weights, `work` logs and checkpoints. `base` is the directory of a pre-trained encoder
    (`base.find_base`), `None` for our own small one, which is then pre-trained on the dialogues in `outside`, if given.
    `minutes` is how long each of pre-training and training lasts. `members` networks of whole conversations learn
    `rounds` steps each.
    """

    out: Path
    work: Path
    base: str | None = None
    outside: Path | None = None
    data: Path = DATA
    minutes: float = 20.0
    rate: float | None = None
    seed: int = 1
    threads: int = 2
    members: int = 5
    rounds: int = 900


def follow(recipe: Recipe, tell: Callable[[Step], None] = lambda _: None) -> Path:
    """Make the reader; `tell` hears of each step as it begins. Gives `recipe.out`, a folder for `load_reader`.

    Raises:
        DataError: a line of the data cannot be read, or there is too little.
    """
    from models.utterance.training.export import export
    from models.utterance.training.pretrain import pretrain
    from models.utterance.training.train import train
    from models.utterance.training.whole import whole

    rate = recipe.rate or (GIVEN_RATE if recipe.base else OWN_RATE)
    options = argparse.Namespace(**{**asdict(recipe), "rate": rate})
    recipe.work.mkdir(parents=True, exist_ok=True)
    if recipe.base is None and recipe.outside is not None:
        tell("pretrain")
        pretrain(options)
    elif recipe.base is None and not (recipe.work / "vocab.txt").exists():
        tell("vocabulary")
        _vocabulary(recipe)
    for name, step in (("train", train), ("export", export), ("whole", whole)):
        tell(name)  # type: ignore[arg-type]
        step(options)
    return recipe.out


def _vocabulary(recipe: Recipe) -> None:
    import random

    from models.utterance.training.data import of_split
    from models.utterance.training.pretrain import vocabulary

    own = of_split(recipe.data, "train")
    vocabulary((), own, random.Random(recipe.seed)).save(recipe.work / "vocab.txt")
