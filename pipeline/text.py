"""Chinese text made comparable: one display form, one matching form with a way back, and its sounds.

Two forms are used everywhere. `normalise` gives what people read (`Turn.text`). `matching_form` drops what never
decides whether something was said (punctuation, blanks, case, fillers, the way digits are written) and remembers for
each remaining character where it stood, so that evidence points at the text people read.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import chain
from operator import add

from pipeline.placeholders import StoodIn, stand_in

FILLERS: tuple[str, ...] = ("怎么说呢", "就是说", "那个", "嗯", "呃", "啊", "哦", "噢", "喔", "唔", "诶", "欸", "哎")
"""Sounds of hesitation that are dropped before matching, longest first."""

DIGITS = {
    "零": "0", "〇": "0", "一": "1", "幺": "1", "壹": "1", "二": "2", "贰": "2", "三": "3", "叁": "3", "四": "4",
    "肆": "4", "五": "5", "伍": "5", "六": "6", "陆": "6", "七": "7", "柒": "7", "八": "8", "捌": "8", "九": "9",
    "玖": "9",
}  # fmt: skip
"""Characters read out as one digit each (一零二四 = 1024, 幺 = 1)."""

_PAUSE = "，,、。！？!?；;：:…\\s嗯呃啊哦噢喔唔诶欸哎"
_FILLER = re.compile("|".join(FILLERS) + f"|就是(?:(?<![^{_PAUSE}]就是)|(?<=那个就是))(?=[{_PAUSE}]|那个)")
"""Among them 就是 between pauses or other fillers; elsewhere it means something.

Every branch begins with a character of its own, so that `re` skips to those.
"""
_CHINESE = re.compile("[\u4e00-\u9fff]+")
_DIGIT_CHARACTERS = frozenset("0123456789")
_DIGIT_SOUNDS = ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
_FIRST_CODE, _LAST_CODE = 0xE000, 0xF8FF
OTHER_SOUND = chr(_LAST_CODE)
"""Code of a character that has no Mandarin reading (letters, signs)."""
ANY_SOUND = f"[{chr(_FIRST_CODE)}-{OTHER_SOUND}]"
"""Regular expression of any one sound code."""


class _Kept(dict[int, str]):
    """What remains of each character (by its code point): none, one, or the several that NFKC makes of it."""

    def __missing__(self, code: int) -> str:
        ch = chr(code)
        self[code] = "".join(filter(str.isalnum, unicodedata.normalize("NFKC", DIGITS.get(ch, ch)).lower()))
        return self[code]


_KEPT = _Kept()


class _Shown(dict[int, str]):
    """How each character (by its code point) is shown: signs as they are, all else as NFKC has it."""

    def __missing__(self, code: int) -> str:
        ch = chr(code)
        self[code] = ch if ch.isascii() or unicodedata.category(ch)[0] == "P" else unicodedata.normalize("NFKC", ch)
        return self[code]


_SHOWN = _Shown()


@dataclass(frozen=True)
class MatchingForm:
    """`text` to search in, made from `source`, in which made-up values may stand for placeholders (`stood_in`)."""

    text: str
    source: str
    stood_in: StoodIn | None = None

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where in `source` each character of `text` stood."""
        found: list[int] = []
        start = 0
        for end, following in [*(filler.span() for filler in _FILLER.finditer(self.source)), (len(self.source), 0)]:
            codes = enumerate(map(ord, self.source[start:end]), start)
            found += [place for place, code in codes for _ in _KEPT[code]]
            start = following
        return tuple(found)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span in the original text that covers `text[start:end]`.

        Raises:
            IndexError: the span is empty or outside the text.
        """
        if start >= end:
            raise IndexError(f"empty span {start}..{end}")
        first, last = self.offsets[start], self.offsets[end - 1] + 1
        return (first, last) if self.stood_in is None else self.stood_in.span(first, last)


def normalise(text: str) -> str:
    """`text` in the form that people read: simplified characters, half-width letters and digits, single blanks.

    Chinese punctuation is left as it is; compatibility characters are resolved by NFKC.
    """
    return " ".join(simplified(text.translate(_SHOWN)).split())


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

    Length may shrink but no character is ever reordered. Characters that NFKC expands map to one place. Placeholders of
    personal data are matched as something of their kind (`pipeline.placeholders`), and their spans are taken whole.
    """
    stood_in = stand_in(text)
    source = text if stood_in is None else stood_in.text
    return MatchingForm(_FILLER.sub("", source).translate(_KEPT), source, stood_in)


def matching_text(text: str) -> str:
    """The text of the matching form, for what needs no way back."""
    stood_in = stand_in(text)
    return _FILLER.sub("", text if stood_in is None else stood_in.text).translate(_KEPT)


def spoken_length(text: str) -> int:
    """How many characters of `text` are spoken: letters, digits and Chinese characters, fillers included."""
    return sum(map(str.isalnum, text))


def syllables(text: str) -> tuple[str, ...]:
    """One toneless pinyin syllable for each character of `text`; `""` for a character without a reading.

    The reading of a character depends on its neighbours (银行 is yin hang).
    """
    return tuple(chain.from_iterable(map(_spoken, _words(text))))


def _words(text: str) -> list[str]:
    """`text` cut into the longest phrase with a reading of its own at each place, else one character."""
    lengths, phrases = _phrase_lengths(), _phrases()
    found: list[str] = []
    place = 0
    for start, pair in enumerate(map(add, text, text[1:])):
        if start < place or pair not in lengths:
            continue
        for length in lengths[pair]:
            if (phrase := text[start : start + length]) in phrases:
                found += text[place:start]
                found.append(phrase)
                place = start + length
                break
    found += text[place:]
    return found


@cache
def _spoken(word: str) -> tuple[str, ...]:
    if word in _DIGIT_CHARACTERS:
        return (_DIGIT_SOUNDS[int(word)],)
    if not _CHINESE.fullmatch(word):
        return ("",)
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

    if len(word) > 1:
        read = tuple(_toneless(readings[0]) for readings in PHRASES_DICT[word])
    else:
        read = (_toneless(PINYIN_DICT.get(ord(word), "").split(",")[0]),)
    return read if len(read) == len(word) else ("",) * len(word)


@cache
def _toneless(syllable: str) -> str:
    from pypinyin import Style
    from pypinyin.style import convert

    plain: str = convert(syllable, Style.NORMAL, strict=True, default="")
    return plain


@cache
def _phrases() -> frozenset[str]:
    from pypinyin.constants import PHRASES_DICT

    return frozenset(filter(_CHINESE.fullmatch, PHRASES_DICT))


@cache
def _phrase_lengths() -> Mapping[str, tuple[int, ...]]:
    """How long the phrases are that begin with two characters, the longest first."""
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for phrase in _phrases():
        lengths[phrase[:2]].add(len(phrase))
    return {start: tuple(sorted(some, reverse=True)) for start, some in lengths.items()}


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


class _Sounding(dict[str, str]):
    """The codes of the sound of each word."""

    def __init__(self, *, near: bool) -> None:
        super().__init__()
        self._near = near

    def __missing__(self, word: str) -> str:
        self[word] = "".join(sound_code(syllable, near=self._near) for syllable in _spoken(word))
        return self[word]


_NEAR, _SAME = _Sounding(near=True), _Sounding(near=False)


@lru_cache(maxsize=4096)
def sound_codes(matching_text: str, *, near: bool) -> str:
    """The code of the sound of each character of `matching_text`."""
    sounding = _NEAR if near else _SAME
    return "".join([sounding[word] for word in _words(matching_text)])


def sounds(matching_text: str, *, near: bool) -> str:
    """Two characters for each of `matching_text`: the code of its sound, then the character itself.

    A pattern may so ask for the sound of one place and for the written character of the next.
    """
    return "".join(chain.from_iterable(zip(sound_codes(matching_text, near=near), matching_text, strict=True)))
