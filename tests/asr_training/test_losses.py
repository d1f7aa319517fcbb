"""What one batch teaches: descending its losses, a small network learns it by heart, and every part of it moves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.asr.training.augment import MELS
from models.asr.training.decoder import imagined_batches, spelling_losses, token_loss
from models.asr.training.joint import SpokenBatch, spoken_losses
from models.asr.training.network import Network, Size
from models.asr.training.optimise import descend, optimiser
from models.asr.training.texts import Texts, Words
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import IGNORED, ImaginedSpeech, Line, target

VOCABULARY = Vocabulary(tuple("您好请讲我在，。"))
SAID = ("您好请讲", "我在")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Always(Texts):
    """The same few sentences, over and over."""

    def __init__(self) -> None:
        self.vocabulary = VOCABULARY

    def language(self, rng: random.Random) -> Iterator[str]:
        while True:
            yield rng.choice(SAID)


def small() -> Network:
    torch.manual_seed(1)
    return Network(Size(len(VOCABULARY), feed_forward=256, hearing_layers=1, spelling_layers=1))


def spoken() -> SpokenBatch:
    generator = torch.Generator().manual_seed(2)
    targets = [target([Line(text, 0.2, 1.6)], VOCABULARY, random.Random(3)) for text in SAID]
    return SpokenBatch(torch.randn(2, MELS, 200, generator=generator), torch.tensor([180, 160]), list(SAID), targets)


def test_a_batch_of_imagined_speech_is_learnt() -> None:
    model = small()
    batch = next(imagined_batches(Always(), ImaginedSpeech(model.encoder.codebook, 4), VOCABULARY, 4, size=80))
    steps = optimiser(model.encoder.spelling, model.decoder, peak=1e-3, shares=(1.0, 1.0))
    first, second, _ = spelling_losses(model, batch, VOCABULARY)
    for _ in range(20):
        framewise, tokens, strayed = spelling_losses(model, batch, VOCABULARY)
        descend(model, steps, framewise + tokens + 0.2 * strayed.sum(), 1e-3)
    framewise, tokens, _ = spelling_losses(model, batch, VOCABULARY)
    assert framewise < 0.5 * first
    assert tokens < 0.5 * second


def test_a_batch_of_sound_moves_hearing_spelling_and_decoder() -> None:
    model = small()
    losses = spoken_losses(model, spoken(), VOCABULARY, random.Random(5))
    losses.together.backward()
    for part in (model.encoder.conv1, model.encoder.layers, model.encoder.spelling, model.decoder):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0


def test_a_batch_of_sound_is_learnt() -> None:
    model, batch = small(), spoken()
    steps = optimiser(model.encoder, model.decoder, peak=1e-3, shares=(1.0, 1.0))
    first = spoken_losses(model, batch, VOCABULARY, random.Random(5))
    for number in range(15):
        descend(model, steps, spoken_losses(model, batch, VOCABULARY, random.Random(number)).together, 1e-3)
    last = spoken_losses(model, batch, VOCABULARY, random.Random(5))
    assert last.tokens < 0.6 * first.tokens
    assert last.sounds < first.sounds


def test_what_is_not_wanted_costs_nothing() -> None:
    logits = torch.zeros(1, 3, 4)
    logits[0, 0, 2] = 50
    logits[0, 1, 0] = 50
    assert token_loss(logits, torch.tensor([[2, IGNORED, IGNORED]])) == pytest.approx(0, abs=1e-6)


def test_rare_words_are_drawn_too(tmp_path: Path) -> None:
    listed = tmp_path / "words.tsv"
    listed.write_text("您好\t1e-2\n请讲\t1e-4\n犒劳\t1e-2\n", encoding="utf-8")
    drawn = Words.load(listed, VOCABULARY).draw(random.Random(6), 1100)
    assert set(drawn) == {"您好", "请讲"}
    assert 50 < drawn.count("请讲") < 200
