"""Decoding a recording to be heard, and judging by that whether it is whole: no recording is decoded twice."""

from __future__ import annotations

from pathlib import Path

from models.audio import AudioError, Sound, decode
from pipeline.i18n import Language
from pipeline.recordings import judge, lacks_bytes, probe, stated_seconds


def listen(path: Path, *, where: str = "", language: Language = "zh") -> Sound:
    """The sound of a recording, if `pipeline.recordings.probe` has nothing against it.

    Raises:
        InputError: those of `probe`.
        AudioError: those of `models.audio.decode` that `probe` does not know.
    """
    import av

    place = where or str(path)
    try:
        sound = decode(path)
        stated = stated_seconds(path)
        if lacks_bytes(path):
            probe(path, where=place, language=language)
    except (AudioError, av.FFmpegError) as error:
        if not isinstance(error, AudioError) or error.fault != "missing":
            probe(path, where=place, language=language)
        raise
    judge(sound.unbroken_seconds, stated, broken=sound.damaged_packets > 0, where=place, language=language)
    return sound
