"""What the decoder is shown: prompts, time stamps, imagined speech."""

from __future__ import annotations

import random

import torch

from models.asr.training.augment import MELS
from models.asr.training.network import BLANK, Encoder, Size, SoundCodebook
from models.asr.training.sounds import SOUNDS
from models.asr.training.vocabulary import Vocabulary
from models.asr.training.windows import IGNORED, ImaginedSpeech, Line, aims, labels, target

LINES = [Line("您好", 0.4, 1.0), Line("请讲", 1.6, 2.2)]
VOCABULARY = Vocabulary(tuple("您好请讲我在"))


def made(*, stamped: bool, before: str = "") -> list[str]:
    rng = random.Random(next(seed for seed in range(99) if (random.Random(seed).random() < 0.45) == stamped))
    aim = target(LINES, VOCABULARY, rng, before=before)
    assert len(aim.tokens) == len(aim.wanted)
    return [VOCABULARY.tokens[n] if n != IGNORED else "·" for n in aim.wanted]


def test_a_plain_window_wants_language_text_and_end() -> None:
    assert made(stamped=False) == ["<|zh|>", "·", "·", *"您好请讲", "<|endoftext|>"]


def test_a_stamped_window_wants_times_around_each_line() -> None:
    wanted = made(stamped=True)
    assert wanted == [
        "<|zh|>",
        "·",
        "<|0.40|>",
        "您",
        "好",
        "<|1.00|>",
        "<|1.60|>",
        "请",
        "讲",
        "<|2.20|>",
        "<|endoftext|>",
    ]


def test_text_before_the_window_is_not_asked_for() -> None:
    assert made(stamped=False, before="我在")[:3] == ["·", "·", "·"]


def test_a_silent_window_ends_in_nospeech() -> None:
    aim = target([], VOCABULARY, random.Random(1))
    assert VOCABULARY.tokens[aim.wanted[0]] == "<|nospeech|>"
    assert VOCABULARY.tokens[aim.wanted[-1]] == "<|endoftext|>"


def test_imagined_frames_belong_to_the_characters_that_are_predicted() -> None:
    imagined = ImaginedSpeech(SoundCodebook(256), seed=4)
    lines, frames = imagined.window(["您好", "请讲"])
    aim = target(lines, VOCABULARY, random.Random(0))
    aimed = aims([aim], [frames.owner], len(aim.tokens), len(frames.at))[0]
    owned = {VOCABULARY.tokens[aim.wanted[place]] for place in range(len(aim.tokens)) if aimed[place].any()}
    assert owned == set("您好请讲")
    assert all(a <= b for a, b in zip(frames.at, frames.at[1:], strict=False))


def test_each_imagined_frame_is_named_by_its_character() -> None:
    imagined = ImaginedSpeech(SoundCodebook(256), seed=4)
    lines, frames = imagined.window(["您好，", "请讲鑫"])
    named = labels(["".join(line.text for line in lines)], [frames.owner], len(frames.at) + 2, VOCABULARY)[0]
    own = VOCABULARY.tokens[VOCABULARY.spoken]
    none = len(own)
    assert {own[n] for n in named.tolist() if n not in (none, IGNORED)} == set("您好请讲")
    heard, padding = named[:-2], named[-2:]
    assert set(heard[frames.owner == -1].tolist()) == {none} == set(padding.tolist())
    assert set(heard[frames.owner == 5].tolist()) == {IGNORED}


def test_imagined_frames_say_their_sound_in_the_code() -> None:
    codebook = SoundCodebook(256)
    imagined = ImaginedSpeech(codebook, seed=4)
    _, frames = imagined.window(["您好请讲" * 5])
    vectors, real = imagined.vectors([frames])
    heard = (vectors[0] @ codebook.sounds.T).argmax(-1)[real[0]]
    assert (heard.numpy() == frames.what).mean() > 0.95


def test_sounds_and_places_do_not_disturb_each_other() -> None:
    codebook = SoundCodebook(256)
    assert codebook.sounds.shape[0] == len(SOUNDS) + 1 == BLANK + 1
    assert float((codebook.sounds @ codebook.place_basis.T).abs().max()) < 1e-5


def test_the_encoder_gives_a_frame_every_20_ms() -> None:
    encoder = Encoder(Size(100, hearing_layers=1, spelling_layers=1))
    assert encoder(torch.zeros(2, MELS, 64)).shape == (2, 32, 256)
