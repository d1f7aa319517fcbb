"""What the decoder reads and writes: windows of several utterances, with Whisper's prompts and time stamps."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.asr.training.network import BLANK, SoundCodebook
from models.asr.training.sounds import PUNCTUATION, SOUNDS, pinyin, sounds_of
from models.asr.training.vocabulary import Vocabulary

IGNORED = -100
_MISHEARD = 0.035


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance in a window, times in seconds from the window's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Target:
    """Decoder input and the tokens it must predict (`IGNORED` where it need not), of one length.

    `places` tells for each character of the window's text at which place of the input it is predicted, −1 if at none.
    """

    tokens: list[int]
    wanted: list[int]
    places: list[int]


def target(lines: Sequence[Line], vocabulary: Vocabulary, rng: random.Random, *, before: str = "") -> Target:
    """Prompt and text of a window, half the time with time stamps; an empty window ends at once in `<|nospeech|>`."""
    stamped = rng.random() < 0.45
    prompt = ["<|startoftranscript|>", "<|zh|>", "<|transcribe|>"] + ([] if stamped else ["<|notimestamps|>"])
    body: list[int] = []
    characters: list[int] = []
    for line in lines:
        begin = len(body) + stamped
        characters += range(begin, begin + len(line.text))
        if stamped:
            body += [vocabulary.timestamp(line.start), *vocabulary.encode(line.text), vocabulary.timestamp(line.end)]
        else:
            body += vocabulary.encode(line.text)
    body.append(vocabulary["<|endoftext|>"])
    history = [vocabulary["<|startofprev|>"], *vocabulary.encode(before)] if before else []
    start = [vocabulary[token] for token in prompt]
    tokens = [*history, *start, *body][:448]
    first = vocabulary["<|zh|>"] if lines else vocabulary["<|nospeech|>"]
    wanted = [*[IGNORED] * len(history), first, *[IGNORED] * (len(start) - 2), *body][: len(tokens) - 1]
    unknown = 1
    shift = len(history) + len(start) - 1
    places = [shift + place for place in characters]
    return Target(
        tokens[:-1],
        [IGNORED if token == unknown else token for token in wanted],
        [place if place < len(tokens) - 1 else -1 for place in places],
    )


def misled(tokens: Sequence[int], vocabulary: Vocabulary, rng: random.Random, share: float) -> list[int]:
    """Decoder input with a share of its characters replaced, so that the decoder listens instead of guessing."""
    first, count = vocabulary[vocabulary.characters[0]], len(vocabulary.characters)
    last = first + count
    return [
        first + int(count * rng.random() ** 2) if first <= token < last and rng.random() < share else token
        for token in tokens
    ]


def spoken_numbers(text: str, vocabulary: Vocabulary) -> list[int]:
    """What is spoken of a text, each by its place in `vocabulary.spoken`; marks give −1, what it lacks `IGNORED`."""
    own = range(*vocabulary.spoken.indices(len(vocabulary)))
    numbers = []
    for character in text:
        token = vocabulary.ids.get(character, 0)
        numbers.append(-1 if character in PUNCTUATION else token - own.start if token in own else IGNORED)
    return numbers


def labels(texts: Sequence[str], owners: Sequence[NDArray[np.int64]], frames: int, vocabulary: Vocabulary) -> Tensor:
    """Which of `vocabulary.spoken` each frame belongs to, `(batch, frames)`; the number after the last: none."""
    count = vocabulary.spoken.stop - vocabulary.spoken.start
    wanted = torch.full((len(texts), frames), count)
    for row, (text, owner) in enumerate(zip(texts, owners, strict=True)):
        wanted[row, : len(owner)] = torch.from_numpy(np.asarray([*spoken_numbers(text, vocabulary), count])[owner])
    return wanted


def collate(
    targets: Sequence[Target], vocabulary: Vocabulary, rng: random.Random, *, share: float
) -> tuple[Tensor, Tensor]:
    """Padded decoder inputs and wanted tokens, each `(batch, length)`."""
    longest = -(-max(len(t.tokens) for t in targets) // 16) * 16
    end = vocabulary["<|endoftext|>"]
    tokens = torch.tensor(
        [misled(t.tokens, vocabulary, rng, share) + [end] * (longest - len(t.tokens)) for t in targets]
    )
    wanted = torch.tensor([t.wanted + [IGNORED] * (longest - len(t.wanted)) for t in targets])
    return tokens, wanted


@dataclass(frozen=True, slots=True)
class Frames:
    """Encoder frames of one window: number (20 ms each), sound, and the character of the text it belongs to or −1."""

    at: NDArray[np.int64]
    what: NDArray[np.int64]
    owner: NDArray[np.int64]


def aims(targets: Sequence[Target], owners: Sequence[NDArray[np.int64]], length: int, frames: int) -> Tensor:
    """Where the character that is predicted at each place can be heard: bool `(batch, length, frames)`.

    `owners` tell for each frame the character of the window's text it belongs to, or −1.
    """
    heard = torch.zeros(len(targets), length, frames, dtype=torch.bool)
    for row, (aim, owner) in enumerate(zip(targets, owners, strict=True)):
        places = np.asarray([*aim.places, -1])[owner]
        owned = np.flatnonzero(places >= 0)
        heard[row, places[owned], owned] = True
    return heard


class ImaginedSpeech:
    """Encoder frames that nobody spoke: pinyin laid out in time and written in the sound code, with mishearings."""

    def __init__(self, codebook: SoundCodebook, seed: int) -> None:
        self.codebook = codebook
        self.random = np.random.default_rng(seed)
        self.confusable = _confusable()

    def window(self, texts: Sequence[str]) -> tuple[list[Line], Frames]:
        """Lines with times, and the frames kept, in order of time."""
        rng = self.random
        clock = float(rng.integers(2, 40))
        lines: list[Line] = []
        times: list[float] = []
        sounds: list[int] = []
        owners: list[int] = []
        before = 0
        for text in texts:
            pace = rng.uniform(6.5, 15.0)
            begin = clock
            for ordinal, (character, syllables) in enumerate(zip(text, pinyin(text), strict=True), start=before):
                if character in PUNCTUATION:
                    clock += rng.uniform(3, 22)
                for syllable in syllables:
                    numbers = sounds_of(syllable)
                    length = pace * rng.uniform(0.75, 1.3)
                    for place, number in enumerate(numbers):
                        part = 0.2 + 0.4 * place if len(numbers) > 1 else 0.45
                        times.append(clock + length * (part + rng.uniform(-0.12, 0.12)))
                        sounds.append(number)
                        owners.append(ordinal)
                    clock += length
            if clock > 1450:
                return (
                    (lines, self._frames(times, sounds, owners, begin, before)) if lines else self.window([text[:40]])
                )
            spoken_end = clock - (rng.uniform(2, 10) if text[-1] in PUNCTUATION else 0)
            lines.append(Line(text, begin / 50, spoken_end / 50))
            clock += rng.uniform(8, 60) if rng.random() < 0.8 else rng.uniform(60, 700)
            before += len(text)
        return lines, self._frames(times, sounds, owners, clock, before)

    def _frames(self, times: list[float], sounds: list[int], owners: list[int], end: float, characters: int) -> Frames:
        rng = self.random
        order = np.argsort(np.asarray(times), kind="stable")
        at = np.clip(np.asarray(times)[order], 0, 1498).astype(np.int64)
        what, owner = np.asarray(sounds, dtype=np.int64)[order], np.asarray(owners, dtype=np.int64)[order]
        chance = rng.random(len(what))
        stay = (chance < 0.995) & (owner < characters)
        swapped = [rng.choice(self.confusable[w]) if c < _MISHEARD else w for w, c in zip(what, chance, strict=True)]
        at, what, owner = at[stay], np.asarray(swapped, dtype=np.int64)[stay], owner[stay]
        wide = rng.random(len(at)) < 0.25
        blanks = rng.integers(0, min(1499, int(end) + 1), size=int(len(at) * rng.uniform(0.2, 0.8)) + 6)
        at = np.concatenate([at, at[wide] + 1, blanks])
        what = np.concatenate([what, what[wide], np.full(len(blanks), BLANK)])
        owner = np.concatenate([owner, owner[wide], np.full(len(blanks), -1)])
        order = np.argsort(at, kind="stable")
        return Frames(at[order], what[order], owner[order])

    def vectors(self, batch: Sequence[Frames]) -> tuple[Tensor, Tensor]:
        """Frame vectors `(batch, frames, d)` in the sound code, with noise, and the mask of real frames.

        They come at the scale that `network.Spelling` takes them in.
        """
        longest = -(-max(len(frames.at) for frames in batch) // 96) * 96
        at = torch.zeros(len(batch), longest, dtype=torch.long)
        what = torch.full((len(batch), longest), BLANK)
        real = torch.zeros(len(batch), longest, dtype=torch.bool)
        for row, frames in enumerate(batch):
            at[row, : len(frames.at)] = torch.from_numpy(frames.at)
            what[row, : len(frames.at)] = torch.from_numpy(frames.what)
            at[row, len(frames.at) :] = (
                torch.arange(longest - len(frames.at)).add(int(frames.at[-1]) + 1).clamp(max=1499)
            )
            real[row, : len(frames.at)] = True
        shape = (len(batch), longest, 1)
        code, width = self.codebook.sounds, self.codebook.sounds.shape[1]
        other = torch.randint(0, BLANK, shape[:2])
        vector = (
            code[what]
            + torch.rand(shape).square() * 0.7 * code[other]
            + torch.rand(shape) * 0.6 * code[BLANK] * (what != BLANK)[..., None]
            + torch.randn(*shape[:2], width) * 0.035
        )
        vector = F.normalize(vector, dim=-1) * (width - 36) ** 0.5 + self.codebook.places[at]
        loudness = 0.8 + 0.35 * torch.rand(shape)
        return F.layer_norm(vector, (width,)) * loudness, real


def _confusable() -> list[list[int]]:
    """For each sound, those it is most likely taken for: other tones of a final, near initials."""
    near = ("zh z j", "ch c q", "sh s x", "n l r", "b p", "d t", "g k", "f h", "m n")
    groups: list[list[int]] = [[] for _ in SOUNDS]
    number = {sound: n for n, sound in enumerate(SOUNDS)}
    for group in near:
        members = group.split()
        for member in members:
            groups[number[member]] += [number[m] for m in members if m != member]
    finals = {sound[:-1] for sound in SOUNDS if sound[-1].isdigit()}
    twins = {"in": "ing", "en": "eng", "an": "ang", "uan": "uang", "ian": "iang", "ong": "eng", "o": "uo", "ie": "ve"}
    for final in finals:
        for tone in "12345":
            mine = groups[number[final + tone]]
            mine += [number[final + other] for other in "12345" if other != tone]
            for a, b in twins.items():
                if final in (a, b):
                    mine.append(number[(b if final == a else a) + tone])
    return groups


def packed_texts(source: Iterator[str], rng: random.Random) -> list[str]:
    """Sentences for one window: one alone, or several, mostly up to 45 characters, at most about 110; rarely none."""
    if rng.random() < 0.02:
        return []
    texts = [next(source)]
    if rng.random() < 0.35:
        return texts
    room = rng.randint(10, 45) if rng.random() < 0.65 else rng.randint(45, 108)
    while sum(map(len, texts)) < room:
        texts.append(next(source))
    return texts if sum(map(len, texts)) <= 125 else texts[:-1] or texts
