"""Chinese text ↔ sounds: pinyin for the synthesiser, initials and toned finals for the encoder.

A *sound* is one initial (21) or one final with its tone (1–5). They are what the encoder is trained to hear; see
`network.SoundCodebook` for how they become directions in the encoder's output.
"""

from __future__ import annotations

import re
from functools import cache

from pypinyin import Style, lazy_pinyin
from pypinyin.contrib.tone_convert import to_finals_tone3, to_initials

PUNCTUATION = "，。？！"
_INITIALS = ["b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "zh", "ch", "sh", "r", "z", "c", "s"]
_FINALS = [
    "a",
    "o",
    "e",
    "i",
    "u",
    "v",
    "ai",
    "ei",
    "ui",
    "ao",
    "ou",
    "iu",
    "ie",
    "ve",
    "er",
    "an",
    "en",
    "in",
    "un",
    "vn",
    "ang",
    "eng",
    "ing",
    "ong",
    "ia",
    "iao",
    "ian",
    "iang",
    "iong",
    "ua",
    "uo",
    "uai",
    "uan",
    "uang",
    "van",
    "uei",
    "iou",
    "uen",
    "ueng",
    "ê",
    "io",
    "n",
    "ng",
    "m",
]
SOUNDS: tuple[str, ...] = (*_INITIALS, *(f"{final}{tone}" for final in _FINALS for tone in range(1, 6)))
_SOUND_ID = {sound: number for number, sound in enumerate(SOUNDS)}

LETTERS: dict[str, tuple[str, ...]] = {
    "A": ("ei1",), "B": ("bi4",), "C": ("xi1",), "D": ("di4",), "E": ("yi4",), "F": ("ai2", "fu5"), "G": ("ji4",),
    "H": ("ai2", "qi5"), "I": ("ai4",), "J": ("zhei4",), "K": ("kei4",), "L": ("ai2", "lou5"), "M": ("ai2", "mu5"),
    "N": ("en1",), "O": ("ou1",), "P": ("pi1",), "Q": ("qiu1",), "R": ("a4",), "S": ("ai2", "si5"), "T": ("ti4",),
    "U": ("you1",), "V": ("wei1",), "W": ("da2", "bu5", "liu5"), "X": ("ai2", "ke5", "si5"),
    "Y": ("wai4",), "Z": ("zei4",),
}  # fmt: skip
_KEPT = re.compile(rf"[^一-鿿A-Z{PUNCTUATION}]")
_MARKS = str.maketrans(
    {
        "、": "，",
        "；": "，",
        "：": "，",
        ",": "，",
        ";": "，",
        ":": "，",
        ".": "。",
        "?": "？",
        "!": "！",
        "…": "。",
        "~": "，",
        "～": "，",
        "\n": "。",
    }
)
_REPEATED = re.compile(rf"[{PUNCTUATION}]*([{PUNCTUATION}])")


def clean(text: str) -> str:
    """Text as the model writes it: Chinese characters, capitals and ，。？！ alone, never two marks in a row."""
    marked = _KEPT.sub("", text.translate(_MARKS))
    return _REPEATED.sub(r"\1", marked).lstrip(PUNCTUATION)


@cache
def sounds_of(syllable: str) -> tuple[int, ...]:
    """Sound numbers of one pinyin syllable with tone digit; empty where pinyin does not know it."""
    initial = to_initials(syllable, strict=True)
    final = to_finals_tone3(syllable, strict=True, neutral_tone_with_five=True, v_to_u=False)
    final = final.replace("ü", "v")
    return tuple(_SOUND_ID[part] for part in (initial, final) if part in _SOUND_ID)


def _each(run: str) -> list[str]:
    """What is no Chinese character stands for itself (pypinyin takes a list here, whatever its types say)."""
    return list(run)


def pinyin(text: str) -> list[tuple[str, ...]]:
    """Syllables of each character of cleaned text, in context (polyphones by phrase); punctuation gives `()`."""
    readings = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, errors=_each)  # type: ignore[arg-type]
    if len(readings) != len(text):
        raise ValueError(f"{len(readings)} readings for {len(text)} characters: {text!r}")
    syllables: list[tuple[str, ...]] = []
    for character, reading in zip(text, readings, strict=True):
        if character in PUNCTUATION:
            syllables.append(())
        elif character in LETTERS:
            syllables.append(LETTERS[character])
        else:
            syllables.append((reading,))
    return syllables
