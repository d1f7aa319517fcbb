"""What happens to text on its way to the reader: misrecognised homophones, lost marks, typing slips, other digits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache

from pypinyin import lazy_pinyin

_MARKS = set("，。？！、；：,.?!;:~～…")
_FILLERS = ("嗯", "呃", "那个", "就是", "啊", "这个", "额", "然后")
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_BACK = {v: k for k, v in _DIGITS.items() if v not in "一二三"}
_KEPT = set("您你我他她它不没别无非未")
"""Characters whose loss or change would change what was said, or how politely."""


class Noise:
    """Disturbs texts; `homophones` maps a character to those that sound the same, common ones first."""

    def __init__(self, characters: Sequence[str], seed: int) -> None:
        self.random = random.Random(seed)
        self.homophones = _homophones(tuple(characters))

    def heard(self, text: str) -> str:
        """The text as a recogniser might write it, or a hurried typist; untouched two times in five."""
        rng = self.random
        if rng.random() < 0.4:
            return text
        rate = rng.choice((0.01, 0.03, 0.06, 0.12))
        marks = rng.choice((1.0, 1.0, 0.5, 0.0))
        spoken = rng.random() < 0.3
        typed = rng.random() < 0.1
        out: list[str] = []
        for character in text:
            if character in _MARKS:
                if rng.random() < marks:
                    out.append(character)
                elif rng.random() < 0.2:
                    out.append(" ")
                continue
            if spoken and character in _DIGITS:
                character = _DIGITS[character]
            elif typed and character in _BACK:
                character = _BACK[character]
            if character not in _KEPT and rng.random() < rate:
                kind = rng.random()
                twins = self.homophones.get(character, "")
                if kind < 0.75 and twins:
                    character = rng.choice(twins)
                elif kind < 0.85:
                    continue
            out.append(character)
        if spoken and rng.random() < 0.3:
            out.insert(rng.choice((0, len(out) // 2)), rng.choice(_FILLERS))
        return "".join(out) or text

    def replaced(self, text: str, share: float) -> str:
        """The text with a share of its characters (not marks) replaced by homophones or lost: for measuring."""
        rng = self.random
        out: list[str] = []
        for character in text:
            if character not in _MARKS and rng.random() < share:
                twins = self.homophones.get(character, "")
                character = rng.choice(twins) if twins and rng.random() < 0.8 else ""
            out.append(character)
        return "".join(out) or text


@cache
def _homophones(characters: tuple[str, ...]) -> Mapping[str, str]:
    groups: dict[str, list[str]] = {}
    chinese = [c for c in characters if "一" <= c <= "鿿" and _simplified(c)]
    sounds = dict(zip(chinese, lazy_pinyin(chinese), strict=True))
    for character in chinese:
        groups.setdefault(sounds[character], []).append(character)
    return {c: "".join(twin for twin in groups[sounds[c]][:8] if twin != c) for c in chinese}


def _simplified(character: str) -> bool:
    """Whether a recogniser of simplified Chinese would write it: GB 2312 has it."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
