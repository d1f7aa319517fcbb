"""Chinese text made comparable: one display form, one matching form with a way back, and its sounds.

Two forms are used everywhere. `normalise` gives what people read (`Turn.text`). `matching_form` drops what never
decides whether something was said (punctuation, blanks, case, fillers, the way digits are written) and remembers for
each remaining character where it stood, so that evidence points at the text people read.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

FILLERS: tuple[str, ...] = ("怎么说呢", "就是说", "那个", "嗯", "呃", "啊", "哦", "噢", "喔", "唔", "诶", "欸", "哎")
"""Sounds of hesitation that are dropped before matching, longest first."""

DIGITS = {
    "零": "0", "〇": "0", "一": "1", "幺": "1", "壹": "1", "二": "2", "贰": "2", "三": "3", "叁": "3", "四": "4",
    "肆": "4", "五": "5", "伍": "5", "六": "6", "陆": "6", "七": "7", "柒": "7", "八": "8", "捌": "8", "九": "9",
    "玖": "9",
}  # fmt: skip
"""Characters read out as one digit each (一零二四 = 1024, 幺 = 1)."""

_FILLER_STARTS = frozenset(filler[0] for filler in FILLERS)
_DIGIT_SOUNDS = ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
_FIRST_CODE, _LAST_CODE = 0xE000, 0xF8FF
OTHER_SOUND = chr(_LAST_CODE)
"""Code of a character that has no Mandarin reading (letters, signs)."""
ANY_SOUND = f"[{chr(_FIRST_CODE)}-{OTHER_SOUND}]"
"""Regular expression of any one sound code."""


@dataclass(frozen=True, slots=True)
class MatchingForm:
    """`text` to search in; `offsets[i]` is where its character `i` stood in the text it was made from."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span in the original text that covers `text[start:end]`.

        Raises:
            IndexError: the span is empty or outside the text.
        """
        if start >= end:
            raise IndexError(f"empty span {start}..{end}")
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(text: str) -> str:
    """`text` in the form that people read: simplified characters, half-width letters and digits, single blanks.

    Chinese punctuation is left as it is; compatibility characters are resolved by NFKC.
    """
    kept = "".join(
        ch if ch.isascii() or unicodedata.category(ch)[0] == "P" else unicodedata.normalize("NFKC", ch) for ch in text
    )
    return " ".join(simplified(kept).split())


def simplified(text: str) -> str:
    """`text` with traditional characters turned into simplified ones (OpenCC `t2s`)."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        converted: str = _converter().convert(text)
        return converted
    return text


@cache
def _converter():  # type: ignore[no-untyped-def]
    from opencc import OpenCC

    return OpenCC("t2s")


@lru_cache(maxsize=4096)
def matching_form(text: str) -> MatchingForm:
    """`text` without punctuation, blanks, case and fillers, spoken digits as digits, with the way back.

    Length may shrink but no character is ever reordered. Characters that NFKC expands map to one place.
    """
    characters: list[str] = []
    offsets: list[int] = []
    position = 0
    while position < len(text):
        ch = text[position]
        if ch in _FILLER_STARTS:
            filler = next((f for f in FILLERS if text.startswith(f, position)), None)
            if filler:
                position += len(filler)
                continue
        for part in unicodedata.normalize("NFKC", DIGITS.get(ch, ch)).lower():
            if part.isalnum():
                characters.append(part)
                offsets.append(position)
        position += 1
    return MatchingForm("".join(characters), tuple(offsets))


def spoken_length(text: str) -> int:
    """How many characters of `text` are spoken: letters, digits and Chinese characters, fillers included."""
    return sum(ch.isalnum() for ch in text)


def syllables(text: str) -> tuple[str, ...]:
    """One toneless pinyin syllable for each character of `text`; `""` for a character without a reading.

    The reading of a character depends on its neighbours (银行 is yin hang).
    """
    from pypinyin import Style, lazy_pinyin

    found: list[str] = []
    for run in _runs(text):
        if "\u4e00" <= run[0] <= "\u9fff":
            read = lazy_pinyin(run, style=Style.NORMAL)
            found.extend(read if len(read) == len(run) else [""] * len(run))
        else:
            found.extend(_DIGIT_SOUNDS[int(ch)] if ch in "0123456789" else "" for ch in run)
    return tuple(found)


def _runs(text: str) -> list[str]:
    runs: list[str] = []
    chinese_before: bool | None = None
    for ch in text:
        chinese = "\u4e00" <= ch <= "\u9fff"
        if chinese == chinese_before:
            runs[-1] += ch
        else:
            runs.append(ch)
        chinese_before = chinese
    return runs


def near_sound(syllable: str) -> str:
    """`syllable` with the differences dropped that many speakers and recognisers do not make.

    n/l at the start, zh/z, ch/c, sh/s, and ing/in, eng/en at the end.
    """
    for retroflex in ("zh", "ch", "sh"):
        if syllable.startswith(retroflex):
            syllable = syllable[0] + syllable[2:]
    if syllable.startswith("n") and len(syllable) > 1 and syllable != "ng":
        syllable = "l" + syllable[1:]
    return syllable[:-1] if syllable.endswith(("ing", "eng")) else syllable


_codes: dict[str, str] = {}


def sound_code(syllable: str, *, near: bool) -> str:
    """A private-use character that stands for the sound; equal sounds have equal codes within one process."""
    if not syllable:
        return OTHER_SOUND
    heard = near_sound(syllable) if near else syllable
    if heard not in _codes and len(_codes) < _LAST_CODE - _FIRST_CODE:
        _codes[heard] = chr(_FIRST_CODE + len(_codes))
    return _codes.get(heard, OTHER_SOUND)


@lru_cache(maxsize=4096)
def sounds(matching_text: str, *, near: bool) -> str:
    """Two characters for each of `matching_text`: the code of its sound, then the character itself.

    A pattern may so ask for the sound of one place and for the written character of the next.
    """
    return "".join(sound_code(s, near=near) + ch for s, ch in zip(syllables(matching_text), matching_text, strict=True))
