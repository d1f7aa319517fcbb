"""A reader that is trained in seconds: a tiny encoder of random weights with a `vocab.txt`, and a little data."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

from models.utterance.training.data import files

WIDTH = 32
_TYPES = (("none", "-"), ("service", "2"), ("product", "3"), ("process", "1"))


def tiny_base(folder: Path, *, positions: int = 192) -> Path:
    """An encoder directory as one gets them from the hub: config, weights, vocabulary."""
    import torch
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    characters = sorted({c for path in files()[:6] for c in path.read_text(encoding="utf-8") if c > "\u2e80"})
    vocabulary = ["[PAD]", *(f"[unused{n}]" for n in range(1, 5)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=positions,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def tiny_data(folder: Path, dialogues: int = 60) -> Path:
    """Labelled dialogues enough that each side of the split gets some."""
    rng = random.Random(5)
    lines: list[str] = []
    for number in range(dialogues):
        kind, level = rng.choice(_TYPES)
        lines += [
            f"=== t-{number} chat type={kind} level={level} problem=after_sales need=functional"
            f" resolved={rng.choice(('yes', 'no'))} start={rng.choice('01')} end=0 polite=4 empathy=1 review=no",
            "A greeting offer_help p4 | 您好，请问有什么可以帮您？",
            f"C problem delay s-1 | 我的{rng.choice(('洗衣机', '手机', '快递'))}等了{number}天还没[好|到]。",
            "A apology_for identity_request p4 r1 | 给您添麻烦了，请问订单号是多少？",
            "C answer | 八八六六一二。",
            rng.choice(("A shirking p2 | 这个不归我们管。", "A route promise_time p4 | 已经登记，24小时内答复您。")),
            "C thanks s1 | 谢谢。",
        ]
    (folder / "dialogues").mkdir(parents=True)
    (folder / "dialogues" / "tiny.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def trained(folder: Path) -> Path:
    """The weights folder of a reader that learnt for a second, on the tiny base."""
    from models.utterance.training.base import find_base
    from models.utterance.training.recipe import Recipe, follow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        base = find_base(str(tiny_base(folder / "base")))
        recipe = Recipe(
            out=folder / "weights", work=folder / "work", base=base, data=tiny_data(folder / "data"),
            minutes=1 / 60, threads=1, members=1, rounds=20,
        )  # fmt: skip
        return follow(recipe)
