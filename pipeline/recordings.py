"""Can a recording be taken: is it sound, is it whole, is there anything in it. Nothing is held in memory.

To decode a recording takes most of what this costs, and one that is heard is decoded for that anyway: then `probe` can
go over its packets only, and `pipeline.listening` judges by the same rules what is inside of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import InputError
from pipeline.i18n import Language, t

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_BLOCK = 1 << 20
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_MAGIC = (b"RIFF", b"RF64", b"OggS", b"fLaC", b"ID3", b"\x1aE\xdf\xa3", b"FORM", b"#!AMR", b"\xff\xfb", b"\xff\xf3")
# Containers whose header states the length; elsewhere FFmpeg guesses it from the bit rate.
_STATES_DURATION = {"wav", "w64", "flac", "mov", "matroska", "aiff", "caf", "au", "asf"}


DAMAGED = frozenset({"Z101", "Z102", "Z103", "Z104"})
"""Codes of what the same bytes lead to every time."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What a recording holds: seconds, samples a second, channels."""

    duration: float
    sample_rate: int
    channels: int


def file_digest(path: Path) -> str:
    """SHA-256 of the bytes of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def probe(path: Path, *, where: str = "", language: Language = "zh", whole: bool = True) -> Sound:
    """Decode a recording from beginning to end, a frame at a time, and say what it holds.

    Args:
        path: the recording.
        where: the file's name for messages; default the path.
        language: of messages.
        whole: otherwise it is decoded only where its packets are out of the ordinary: damage inside of them is not
            found.

    Raises:
        InputError: Z101 0 bytes, Z102 not audio, Z103 truncated or damaged, Z104 a header without sound,
            Z111 not readable.
    """
    if not whole and (quick := _by_packets(path)) is not None:
        return quick
    place = where or str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(16)
            missing = 0 if size == 0 else _missing_bytes(stream, head, size)
    except OSError as error:
        raise _problem("Z111", "unreadable", place, language, detail=error.strerror or "") from error
    if size == 0:
        raise _problem("Z101", "empty_file", place, language)
    sound = _decode(path, head, place, language)
    if missing:
        raise _problem("Z103", "truncated_bytes", place, language, missing=missing, decoded=f"{sound.duration:.1f}")
    return sound


def _by_packets(path: Path) -> Sound | None:
    """What the packets of a recording say; `None` where only decoding it can tell."""
    import av

    try:
        if lacks_bytes(path):
            return None
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            stated = _stated_seconds(container, stream, path)
            ticks = 0
            for packet in container.demux(stream):
                if packet.is_corrupt or (packet.size and not packet.duration):
                    return None
                ticks += packet.duration or 0
            seconds = float(ticks * stream.time_base) if stream.time_base else 0.0
            whole = seconds > 0 and not _is_short(stated, seconds)
            return Sound(seconds, stream.rate, stream.layout.nb_channels) if whole else None
    except (OSError, IndexError, av.FFmpegError):
        return None


def lacks_bytes(path: Path) -> bool:
    """Whether a WAV or Ogg file ends before its own header says.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _missing_bytes(file, file.read(16), path.stat().st_size) > 0


def stated_seconds(path: Path) -> float | None:
    """The length that a recording itself states in seconds, `None` where it states none.

    Raises:
        av.FFmpegError: it is no recording.
    """
    import av

    with av.open(str(path)) as container:
        return _stated_seconds(container, container.streams.audio[0], path)


def judge(seconds: float, stated: float | None, *, broken: bool, where: str, language: Language) -> None:
    """Whether so many seconds are all of a recording.

    Args:
        seconds: what could be decoded, up to the first damage.
        stated: the length that it states.
        broken: whether there is damage.
        where: the file's name.
        language: of messages.

    Raises:
        InputError: Z103, they are not; Z104, there is no sound at all.
    """
    if seconds == 0:
        code, key = ("Z103", "damaged") if broken else ("Z104", "no_sound")
        raise _problem(code, key, where, language)
    if stated is not None and _is_short(stated, seconds):
        raise _problem("Z103", "truncated", where, language, stated=f"{stated:.1f}", decoded=f"{seconds:.1f}")
    if broken and stated is None:
        raise _problem("Z103", "broken_at", where, language, decoded=f"{seconds:.1f}")


def _is_short(stated: float | None, seconds: float) -> bool:
    return stated is not None and stated - seconds > max(0.3, 0.01 * stated)


def _decode(path: Path, head: bytes, place: str, language: Language) -> Sound:
    import av

    seconds, rate, channels, broken = 0.0, 0, 0, False
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise _problem("Z102", "not_audio", place, language)
            stream = container.streams.audio[0]
            stated = _stated_seconds(container, stream, path)
            try:
                for frame in container.decode(stream):
                    rate = rate or frame.sample_rate
                    channels = channels or frame.layout.nb_channels
                    seconds += frame.samples / frame.sample_rate
            except av.FFmpegError:
                broken = True
    except av.FFmpegError as error:
        if _headed_wave_without_sound(path, head):
            raise _problem("Z104", "no_sound", place, language) from error
        known = head.startswith(_MAGIC) or head[4:8] == b"ftyp"
        code, key = ("Z103", "damaged") if known else ("Z102", "not_audio")
        raise _problem(code, key, place, language) from error
    judge(seconds, stated, broken=broken, where=place, language=language)
    return Sound(seconds, rate, channels)


def _stated_seconds(container: InputContainer, stream: AudioStream, path: Path) -> float | None:
    """The length that the file itself states in seconds, `None` where FFmpeg only guesses it."""
    name = container.format.name.split(",")[0]
    if name not in _STATES_DURATION and not (name == "mp3" and _has_frame_count(path)):
        return None
    duration, base = stream.duration, stream.time_base
    if duration is not None and base is not None:
        return float(duration * base)
    whole = container.duration
    return None if whole is None else whole / 1_000_000


def _has_frame_count(path: Path) -> bool:
    """Whether an MP3 file carries a Xing, Info or VBRI header, which counts its frames."""
    with path.open("rb") as stream:
        head = stream.read(10)
        tag = 0
        if head[:3] == b"ID3":
            tag = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
        stream.seek(tag)
        first_frame = stream.read(256)
    return any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI"))


def _missing_bytes(stream: BinaryIO, head: bytes, size: int) -> int:
    """How many bytes a WAV or Ogg file lacks at its end, by its own header. FFmpeg passes over this in silence."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        data = _wave_data(stream)
        if data is None or data[1] in _UNKNOWN_SIZES or data[0] >= size:
            return 0
        missing = data[0] + data[1] - size
        return missing if missing > 0.005 * data[1] else 0
    if head[:4] == b"OggS":
        return _unfinished_ogg_page(stream, size)
    return 0


def _wave_data(stream: BinaryIO) -> tuple[int, int] | None:
    """Offset and stated size in bytes of the data chunk of a WAV file."""
    stream.seek(12)
    while len(header := stream.read(8)) == 8:
        length = int.from_bytes(header[4:], "little")
        if header[:4] == b"data":
            return stream.tell(), length
        stream.seek(length + length % 2, 1)
    return None


def _headed_wave_without_sound(path: Path, head: bytes) -> bool:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return False
    with path.open("rb") as stream:
        data = _wave_data(stream)
    return data is None or data[0] >= path.stat().st_size


def _unfinished_ogg_page(stream: BinaryIO, size: int) -> int:
    """Bytes that the last page of an Ogg file lacks (RFC 3533: 27 bytes, a segment table, the segments)."""
    stream.seek(max(0, size - 2 * 65_307))
    tail = stream.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return 0
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    return max(0, 27 + segments + sum(table) - (len(tail) - at))


def _problem(code: str, key: str, place: str, language: Language, **args: object) -> InputError:
    return InputError(code, t(language, f"ingest.{key}", **args), where=place, hint=t(language, f"ingest.{key}_hint"))
