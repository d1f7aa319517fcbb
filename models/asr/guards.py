"""What a Whisper model writes that nobody said: invented credits, stage directions, loops.

faster-whisper's batched mode applies none of its own thresholds, and its compression ratio is taken over a whole
window, so that it misses a loop at the end of one.
"""

from __future__ import annotations

import re
import unicodedata

MAX_COMPRESSION_RATIO = 2.4
"""Whisper's own threshold: text that compresses better than this repeats itself."""

MAX_NO_SPEECH = 0.6
MIN_LOGPROB = -1.0
"""Whisper's own thresholds: silence if the no-speech token is this probable and the text this improbable."""

_CREDITS = re.compile(
    r"字幕(由|by|志愿者|制作|提供|组).*"
    r"|请?不吝点赞.*"
    r"|点赞\W*订阅.*"
    r"|.*明镜(与|和)?点点?栏目.*"
    r"|.*amara\.?org.*"
    r"|(中文|普通话|粤语)字幕.*"
    r"|(优优独播剧场|yoyotelevision).*"
    r"|(谢谢|感谢)(大家|您)?的?(观看|收看|收听)"
    r"|下(期|集|次)(节目|视频)再见"
)
_STAGE_DIRECTION = re.compile(r"[(\[【〔♪*].*[)\]】〕♪*]|[♪♫\s]+")

_LONGEST_UNIT = 24
# How often a unit of so many characters must follow itself to be a loop: people do say 好的好的好的 and 嗯嗯嗯嗯.
_REPEATS = {1: 8, 2: 6, 3: 5}
_REPEATS_LONG = 4
_REPEATS_DIGITS = 16


def invented(text: str) -> bool:
    """Whether an utterance, in simplified characters, is a credit or stage direction made up on noise and music."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    bare = re.sub(r"\s", "", plain).strip(",.。!?、")
    return bool(_CREDITS.fullmatch(bare) or _STAGE_DIRECTION.fullmatch(plain))


def silent(no_speech_prob: float, avg_logprob: float) -> bool:
    """Whether the model itself says that nobody spoke."""
    return no_speech_prob > MAX_NO_SPEECH and avg_logprob < MIN_LOGPROB


def loop(text: str) -> tuple[int, int] | None:
    """Where a text repeats itself without end: the half-open span to take out, which leaves the unit standing once.

    Digits may repeat (account numbers do), up to a length that nobody reads out.
    """
    at = 0
    while at < len(text):
        for length in range(1, min(_LONGEST_UNIT, (len(text) - at) // _REPEATS_LONG) + 1):
            unit = text[at : at + length]
            end = at + length
            while text.startswith(unit, end):
                end += length
            needed = _REPEATS_DIGITS if unit.isdigit() else _REPEATS.get(length, _REPEATS_LONG)
            if (end - at) // length >= needed and any(map(str.isalnum, unit)):
                return at + length, end
        at += 1
    return None


def loops(text: str) -> tuple[tuple[int, int], ...]:
    """All loops of a text, as spans in order; see `loop`."""
    found: list[tuple[int, int]] = []
    offset = 0
    while (span := loop(text[offset:])) is not None:
        found.append((offset + span[0], offset + span[1]))
        offset += span[1]
    return tuple(found)
