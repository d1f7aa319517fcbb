"""A Whisper-shaped network that hears sounds, spells them, and writes the characters down.

The lower half of the encoder speaks a fixed code of sounds: normed without scale or shift, every frame is a vector of
length √d, and a fixed orthonormal basis (`SoundCodebook`) gives each sound, and the CTC blank, a direction of its own,
and the position in the window the directions that are left. Trained with CTC (Graves et al. 2006) on those directions
it says in plain sight what it hears and when.

The upper half (`Spelling`) reads that code in both directions of time and turns each frame towards the embedding of the
character it belongs to, so that homophones are told apart by what comes after as well as before. The decoder has little
left to do but to copy, with marks and time stamps. Both learn from text alone, on frames made from pinyin by the same
code, and meet sound only afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from models.asr.training.pitch import BINS, combs
from models.asr.training.sounds import SOUNDS

BLANK = len(SOUNDS)
STREAM = 5.0
"""Standard deviation of what the hearing layers hand on, about. The spelling layers are trained on a fifth of it, so
that they begin at the scale of what they change."""
POSITIONS = 1500
GUIDED_HEADS = ((0, 0, -1), (0, 1, -1), (1, 0, 0), (1, 1, 0), (2, 0, 0))
"""Cross-attention heads (layer, head, shift) that are taught alignment: with shift −1 to look at the character just
read, with 0 at the one about to be written."""
TIMING_HEADS = ((2, 1), (2, 2))
"""Cross-attention heads (layer, head) that are taught to look at all of the character about to be written. They time
the words at run time: the others look at single frames, which the median filter before Whisper's time warping takes
out."""


@dataclass(frozen=True, slots=True)
class Size:
    """Layers and widths."""

    vocabulary: int
    width: int = 256
    heads: int = 4
    feed_forward: int = 1024
    hearing_layers: int = 4
    spelling_layers: int = 3
    decoder_layers: int = 3
    mels: int = 128
    target_positions: int = 448


class SoundCodebook(nn.Module):
    """Fixed directions for sounds, blank and position.

    `sounds` has shape `(sounds + 1, d)`, `places` `(positions, d)`: the code of each place, of norm `place_norm`.
    """

    sounds: Tensor
    places: Tensor
    place_basis: Tensor

    def __init__(self, width: int, place_norm: float = 6.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(20)
        start = torch.randn(width, width, generator=generator, dtype=torch.float64)
        start[:, 0] = 1.0
        basis = torch.linalg.qr(start).Q.T[1:].float()
        self.register_buffer("sounds", basis[: BLANK + 1].clone())
        pairs = (width - 1 - (BLANK + 1)) // 2
        rest = basis[BLANK + 1 : BLANK + 1 + 2 * pairs]
        rates = torch.logspace(0, -3, pairs)
        angles = torch.arange(POSITIONS)[:, None] * rates[None]
        waves = torch.cat([angles.sin(), angles.cos()], dim=1) * (place_norm / pairs**0.5)
        self.register_buffer("place_basis", rest.clone())
        self.register_buffer("places", waves @ rest)


class Attention(nn.Module):
    """Multi-head attention as Whisper has it: no bias on keys.

    Written out, because torch's fused attention is three times slower backwards in bfloat16 on a CPU.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, x: Tensor, memory: Tensor, *, causal: bool = False, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """`x` `(batch, time, d)` looks at `memory` `(batch, other, d)`; `mask` `(batch, other)` is true where it may.

        Returns what was seen, and the weights `(batch, heads, time, other)`.
        """
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.q_proj(x), self.k_proj(memory), self.v_proj(memory))
        )
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        if causal:
            ahead = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(ahead, -1e4)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], -1e4)
        weights = scores.softmax(-1)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2)), weights


class Layer(nn.Module):
    """Pre-norm transformer layer; with `cross` it also looks at the encoder."""

    def __init__(self, size: Size, *, cross: bool) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.self_attn = Attention(size.width, size.heads)
        if cross:
            self.encoder_attn_layer_norm = nn.LayerNorm(size.width)
            self.encoder_attn = Attention(size.width, size.heads)
        self.final_layer_norm = nn.LayerNorm(size.width)
        self.fc1 = nn.Linear(size.width, size.feed_forward)
        self.fc2 = nn.Linear(size.feed_forward, size.width)
        self.cross = cross

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """`(batch, time, d)` → the same shape, and the weights with which it looked at `memory`."""
        normed, weights = self.self_attn_layer_norm(x), None
        x = x + self.self_attn(normed, normed, causal=self.cross)[0]
        if memory is not None:
            seen, weights = self.encoder_attn(self.encoder_attn_layer_norm(x), memory, mask=mask)
            x = x + seen
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))), weights


class Spelling(nn.Module):
    """The upper encoder layers: sounds of the whole window → characters, frame by frame."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.width = size.width
        self.layers = nn.ModuleList(Layer(size, cross=False) for _ in range(size.spelling_layers))

    def forward(self, x: Tensor) -> Tensor:
        """Frames `(batch, n, d)` of about unit variance → the same shape, normed."""
        for layer in self.layers:
            x, _ = layer(x)
        return F.layer_norm(x, (self.width,))


class Encoder(nn.Module):
    """Log-mel frames `(batch, mels, 2n)` → `(batch, n, d)`, one frame 20 ms."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.width = size.width
        self.codebook = SoundCodebook(size.width)
        self.conv1 = nn.Conv1d(size.mels, size.width, 3, padding=1)
        self.conv2 = nn.Conv1d(size.width, size.width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer(size, cross=False) for _ in range(size.hearing_layers))
        self.spelling = Spelling(size)
        with torch.no_grad():
            self.conv1.weight[:BINS] = combs()[:, : size.mels, None] * torch.tensor([0.25, 0.5, 0.25])
            self.conv1.bias[:BINS].zero_()  # type: ignore[index]

    def forward(self, features: Tensor, offsets: Tensor | None = None) -> Tensor:
        """`offsets` `(batch,)` are first places in the window, for training on short stretches."""
        return self.spelling(self.hear(features, offsets)[0] / STREAM)  # type: ignore[no-any-return]

    def hear(self, features: Tensor, offsets: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the hearing layers hand on, not normed, and beside it what the first of them makes of the sound."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(features)))).transpose(1, 2)
        x = x + 0.5 * self.places(x.shape[1], offsets)
        x, _ = self.layers[0](x)
        early = x
        for layer in self.layers[1:]:
            x, _ = layer(x)
        return x, early

    def normed(self, x: Tensor) -> Tensor:
        """Frames in the sound code, of length √d."""
        return F.layer_norm(x, (self.width,))

    def places(self, count: int, offsets: Tensor | None) -> Tensor:
        """Place codes of `count` frames, `(count, d)` or `(batch, count, d)`."""
        if offsets is None:
            return self.codebook.places[:count]
        return self.codebook.places[offsets[:, None] + torch.arange(count)]

    def sound_logits(self, sounds: Tensor) -> Tensor:
        """Normed `(…, d)` → `(…, sounds + 1)`: how strongly each frame says each sound."""
        return sounds.float() @ self.codebook.sounds.T

    def place_loss(self, sounds: Tensor, offsets: Tensor | None) -> Tensor:
        """How far the frames' places are from the code, mean square per place dimension."""
        basis = self.codebook.place_basis.T
        wanted = self.places(sounds.shape[1], offsets)
        return F.mse_loss(sounds.float() @ basis, (wanted @ basis).expand(*sounds.shape[:2], -1))


class Decoder(nn.Module):
    """Token numbers and encoder frames → logits of the next token; embedding and output share their weights."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size.vocabulary, size.width)
        self.embed_positions = nn.Embedding(size.target_positions, size.width)
        self.layers = nn.ModuleList(Layer(size, cross=True) for _ in range(size.decoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)
        nn.init.normal_(self.embed_tokens.weight, std=size.width**-0.5)
        nn.init.normal_(self.embed_positions.weight, std=0.02)

    def forward(self, tokens: Tensor, memory: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`(batch, length)`, `(batch, frames, d)` → logits `(batch, length, vocabulary)`, and where taught heads look.

        The latter has shape `(batch, heads, length, frames)`: first the guided heads, then those for timing.
        """
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        looks: list[Tensor] = []
        for layer in self.layers:
            x, weights = layer(x, memory, mask)
            looks.append(weights)
        taught = [(layer, head) for layer, head, _ in GUIDED_HEADS] + list(TIMING_HEADS)
        seen = torch.stack([looks[layer][:, head] for layer, head in taught], dim=1)
        return F.linear(self.layer_norm(x), self.embed_tokens.weight), seen


@torch.no_grad()
def tune_in(decoder: Decoder, codebook: SoundCodebook, spoken: Mapping[int, Sequence[int]], times: slice) -> None:
    """Let a fresh decoder begin where the sound code makes it easy; it is free to leave.

    Characters begin at the directions of their sounds, so that homophones are near one another, and time stamps at the
    codes of their places. The heads that look back (layer 0) compare the sounds of the character just read with the
    frames, and copy the place; the others look some frames beyond that place, and copy the sounds found there, each
    its own part of them.

    Args:
        decoder: of the width of `codebook`.
        codebook: the code its encoder speaks.
        spoken: the sounds of each token that is a character.
        times: the tokens of the time stamps, one for each place.
    """
    width = codebook.sounds.shape[1]
    stamps = decoder.embed_tokens.weight[times]
    stamps.mul_(0.66).add_(
        0.75 * F.normalize(codebook.places, dim=1)[torch.arange(len(stamps)).clamp(max=POSITIONS - 1)]
    )
    for token, sounds in spoken.items():
        own = F.normalize(codebook.sounds[list(sounds)].sum(0), dim=0)
        decoder.embed_tokens.weight[token].mul_(0.66).add_(0.75 * own)
    span = width // 4
    generator = torch.Generator().manual_seed(21)
    mixed = torch.linalg.qr(torch.randn(BLANK, BLANK, generator=generator)).Q @ codebook.sounds[:BLANK]
    places = torch.zeros(span, width)
    places[: len(codebook.place_basis)] = codebook.place_basis
    beyond = torch.zeros(span, width)
    pairs = len(codebook.place_basis) // 2
    angle = 9 * torch.logspace(0, -3, pairs)[:, None]
    sine, cosine = codebook.place_basis[:pairs], codebook.place_basis[pairs:]
    # sin(t + 9) and cos(t + 9) from sin t and cos t, for each rate.
    beyond[:pairs] = angle.cos() * sine + angle.sin() * cosine
    beyond[pairs : 2 * pairs] = angle.cos() * cosine - angle.sin() * sine
    for number, (layer, head, shift) in enumerate(GUIDED_HEADS):
        attention = cast(Layer, decoder.layers[layer]).encoder_attn
        rows = slice(head * span, (head + 1) * span)
        part = mixed[(number % 3) * span : (number % 3 + 1) * span]
        query, key, value = (2 * part, part, places) if shift else (beyond, places, part)
        attention.q_proj.weight[rows] = query
        attention.k_proj.weight[rows] = key
        attention.v_proj.weight[rows] = value
        attention.out_proj.weight[:, rows] = (0.5 if shift else 0.35) * value.T
        attention.q_proj.bias[rows] = 0.0
        attention.v_proj.bias[rows] = 0.0


class Network(nn.Module):
    """Encoder and decoder."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.encoder = Encoder(size)
        self.decoder = Decoder(size)

    def character_logits(self, frames: Tensor, characters: slice) -> Tensor:
        """How strongly each frame that `Spelling` gives says each of `characters`, and after them none.

        `(…, d)` → `(…, characters + 1)`.
        """
        blank = self.encoder.codebook.sounds[BLANK]
        return F.linear(frames, torch.cat([self.decoder.embed_tokens.weight[characters], blank[None]]))
