"""The encoder of turns, and its heads. The encoder is a `transformers.BertModel`, our own small one or a given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import AutoModel, BertConfig, BertModel

from models.utterance.acts import ACTS, GRADES

ACT_COUNT = sum(len(acts) for acts in ACTS.values())
STEPS = {name: len(values) for name, values in GRADES.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """Spelled turns, padded: tokens, segments, `real` `(b, n)`; `said` marks the characters of the turn itself."""

    tokens: Tensor
    segments: Tensor
    real: Tensor
    said: Tensor


def small(vocabulary: int, dropout: float = 0.0) -> BertModel:
    """Our own encoder: 4 layers of width 256, about 4.4 million weights; its GELU is the one that is quick to run."""
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024,
        max_position_embeddings=192, type_vocab_size=2, hidden_dropout_prob=dropout, hidden_act="gelu_pytorch_tanh",
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",  # type: ignore[call-arg]
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    look_around(model)
    return model


@torch.no_grad()
def look_around(model: BertModel) -> None:
    """Let the first layer begin by looking at the neighbours: one head each at −1, +1, −2 and +2.

    Places begin as waves in a quarter of the width. Left to chance, an encoder as small as this still guessed covered
    characters by their frequency alone after 800 steps (5.1 nats); so begun, it was at 2.8.
    """
    width, heads = model.config.hidden_size, model.config.num_attention_heads
    span = width // heads
    pairs = span // 2
    basis = torch.linalg.qr(torch.randn(width, span, generator=torch.Generator().manual_seed(7))).Q.T
    rates = torch.logspace(0, -2.5, pairs)
    angles = torch.arange(model.config.max_position_embeddings)[:, None] * rates
    words = model.embeddings.word_embeddings.weight
    waves = torch.cat([angles.sin(), angles.cos()], dim=1) * (words.std() * (width / pairs) ** 0.5)
    model.embeddings.position_embeddings.weight.copy_(waves @ basis)
    look = cast(Any, model.encoder.layer[0]).attention.self
    sine, cosine = basis[:pairs], basis[pairs:]
    for head, shift in zip(range(heads), (-1, 1, -2, 2), strict=False):
        turn = (shift * rates)[:, None]
        ahead = torch.cat([turn.cos() * sine + turn.sin() * cosine, turn.cos() * cosine - turn.sin() * sine])
        rows = slice(head * span, (head + 1) * span)
        look.query.weight[rows], look.key.weight[rows] = 0.5 * ahead, basis
        look.query.bias[rows] = 0.0


def given(base: str) -> BertModel:
    """A pre-trained encoder of the BERT family, from a directory or the hub."""
    return AutoModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32)  # type: ignore[no-any-return]


class Heads(nn.Module):
    """What the frames of the encoder say: acts by the strongest characters, grades by all of them.

    An act's logit is the log of the sum of its characters' exponentials, so that few characters can carry it and can
    be shown; a grade is told from the mean of the turn's characters beside the first token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.acts = nn.Linear(width, ACT_COUNT)
        self.grades = nn.Linear(2 * width, sum(STEPS.values()))
        nn.init.constant_(self.acts.bias, -6.0)

    def forward(self, hidden: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
        """`(b, n, d)`, `(b, n)` → logits of acts `(b, acts)` and of all steps of all grades `(b, steps)`."""
        hidden = hidden.float()
        every = self.acts(hidden).masked_fill(~said[..., None], -1e4)
        return torch.logsumexp(every, 1), self.grades(pooled(hidden, said))


def pooled(hidden: Tensor, said: Tensor) -> Tensor:
    """`(b, 2d)`: the first token's frame, and the mean of the turn's characters."""
    weight = said[..., None].float()
    mean = (hidden * weight).sum(1) / weight.sum(1).clamp_min(1.0)
    return torch.cat([hidden[:, 0], mean], dim=1)


class TurnNetwork(nn.Module):
    """Encoder and heads."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = Heads(encoder.config.hidden_size)

    def frames(self, batch: Batch) -> Tensor:
        """The encoder's last layer, `(b, n, d)`."""
        return self.encoder(
            input_ids=batch.tokens, token_type_ids=batch.segments, attention_mask=batch.real.long()
        ).last_hidden_state

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of acts and of grades."""
        return self.heads(self.frames(batch), batch.said)


class Guesser(nn.Module):
    """Pre-training: the encoder guesses covered characters, and whether what came before is what really came before."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.change = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))
        self.follows = nn.Linear(width, 2)

    def forward(self, batch: Batch, covered: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the covered characters `(covered, vocabulary)`, and of "follows" `(b, 2)`."""
        hidden = self.encoder(
            input_ids=batch.tokens, token_type_ids=batch.segments, attention_mask=batch.real.long()
        ).last_hidden_state
        changed = self.norm(F.gelu(self.change(hidden[covered])))
        return F.linear(changed, self.encoder.embeddings.word_embeddings.weight, self.bias), self.follows(hidden[:, 0])
