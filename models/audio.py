"""Sound files → samples: any format PyAV decodes, as float32 at 16 kHz, one array per channel.

Accepted are files with an audio stream of any codec and sample rate. One and two channels are kept as they are, more
than two are mixed down to one. Channels that carry the same sound (dual mono) are recognised by `same_sound`.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Samples: TypeAlias = npt.NDArray[np.float32]
"""Mono sound, shape `(time,)`, −1…1, at `SAMPLE_RATE`."""

SAMPLE_RATE = 16_000

QUIETEST = -96.0
"""Level in dB relative to full scale below which nothing is told apart (one step of 16 bits)."""

LASTING_FRAME = 0.25
"""Seconds over which `lasting_level` takes each single level."""

AudioFault: TypeAlias = Literal["missing", "not_audio", "no_audio_stream", "empty"]


class AudioError(Exception):
    """A file holds no sound that can be decoded.

    Attributes:
        fault: `missing`: there is no such file; `not_audio`: no format known to the decoder, or damaged from the start;
            `no_audio_stream`: a media file without sound; `empty`: a header, but not one sample.
        path: the file.
        detail: the decoder's own words, if it had any.
    """

    def __init__(self, fault: AudioFault, path: Path, detail: str = "") -> None:
        self.fault: AudioFault = fault
        self.path = path
        self.detail = detail
        super().__init__(f"{path}: {fault}" + (f" ({detail})" if detail else ""))


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded sound.

    Attributes:
        channels: one array per channel, all of the same length.
        sample_rate: of the file, in Hz (the arrays are at `SAMPLE_RATE`).
        declared_seconds: the length that the file claims to have, if it does.
        damaged_packets: packets that could not be decoded and were left out.
        unbroken_seconds: length of what was decoded before the first of them.
    """

    channels: tuple[Samples, ...]
    sample_rate: int
    declared_seconds: float | None = None
    damaged_packets: int = 0
    unbroken_seconds: float = 0.0

    @property
    def duration(self) -> float:
        """Decoded length in seconds."""
        return len(self.channels[0]) / SAMPLE_RATE

    @property
    def truncated(self) -> bool:
        """Whether sound is missing that the file claims to hold, or packets were damaged."""
        short = self.declared_seconds is not None and self.duration < 0.97 * self.declared_seconds - 0.5
        return short or self.damaged_packets > 0


def decode(path: str | Path) -> Sound:
    """Decode a sound file.

    Raises:
        AudioError: the file is missing or holds no sound that can be decoded.
    """
    import av

    path = Path(path)
    if not path.is_file():
        raise AudioError("missing", path)
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioError("no_audio_stream", path)
            return _decode_stream(container, container.streams.audio[0], path)
    except av.error.FFmpegError as error:
        raise AudioError("not_audio", path, str(error)) from error


def same_sound(one: Samples, other: Samples, *, threshold: float = 0.95) -> bool:
    """Whether two channels carry the same sound at one fixed gain (dual mono), also after lossy coding.

    The correlation is taken per second, so that a codec's slip in one second changes little; seconds in which both
    channels are quieter than −60 dB of the peak do not count, and a second whose gain is another than usual (more than
    4 dB) counts as different: so does sound that leaks both ways between two real channels.
    """
    peak = max(float(np.abs(one).max(initial=0.0)), float(np.abs(other).max(initial=0.0)))
    floor = SAMPLE_RATE * (peak * 1e-3) ** 2
    blocks: list[tuple[float, float, float]] = []
    for at in range(0, len(one), SAMPLE_RATE):
        a, b = one[at : at + SAMPLE_RATE], other[at : at + SAMPLE_RATE]
        energies = float(a @ a), float(b @ b)
        if max(energies) > floor:
            blocks.append((*energies, abs(float(a @ b))))
    if not blocks:
        return False
    energy_a, energy_b, product = np.array(blocks).T + 1e-12
    gain = 10 * np.log10(energy_a / energy_b)
    alike = np.where(np.abs(gain - np.median(gain)) < 4, product / np.sqrt(energy_a * energy_b), 0.0)
    return float(np.average(alike, weights=np.sqrt(energy_a + energy_b))) >= threshold


def level(samples: Samples) -> float:
    """Root mean square of the samples in dB relative to full scale (a full sine is −3), never below `QUIETEST`."""
    power = float(samples @ samples) / len(samples) if len(samples) else 0.0
    return max(QUIETEST, 10 * math.log10(power)) if power > 0 else QUIETEST


def lasting_level(samples: Samples) -> float:
    """Level in dB that half of the time is reached: music counts, a click or a cough in a quiet gap does not."""
    frame = int(LASTING_FRAME * SAMPLE_RATE)
    levels = [level(samples[at : at + frame]) for at in range(0, max(1, len(samples) - frame + 1), frame)]
    return statistics.median(levels)


@dataclass(slots=True)
class _Tally:
    damaged: int = 0
    unbroken: float = 0.0


def _decode_stream(container: Any, stream: Any, path: Path) -> Sound:
    buffers: list[bytearray] = []
    tally = _Tally()
    for planes in _resampled(container, stream, tally):
        if not buffers:
            buffers = [bytearray() for _ in planes]
        for buffer, plane in zip(buffers, planes, strict=True):
            buffer += plane.tobytes()
    if not buffers or not buffers[0]:
        if tally.damaged:
            raise AudioError("not_audio", path, f"{tally.damaged} damaged packets")
        raise AudioError("empty", path)
    seconds = float(stream.duration * stream.time_base) if stream.duration else None
    return Sound(
        channels=tuple(np.frombuffer(buffer, dtype=np.float32) for buffer in buffers),
        sample_rate=int(stream.rate or SAMPLE_RATE),
        declared_seconds=seconds,
        damaged_packets=tally.damaged,
        unbroken_seconds=tally.unbroken,
    )


def _resampled(container: Any, stream: Any, tally: _Tally) -> Iterator[npt.NDArray[np.float32]]:
    """Arrays of shape `(channel, time)`; the channel count is that of the first decoded frame, not of the header."""
    import av

    layout = ""
    shape: tuple[object, ...] = ()
    resampler: av.AudioResampler | None = None
    waiting: av.AudioFifo | None = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            tally.damaged += 1
            continue
        for frame in frames:
            if not tally.damaged:
                tally.unbroken += frame.samples / frame.sample_rate
            layout = layout or {1: "mono", 2: "stereo"}.get(frame.layout.nb_channels, "mono")
            if shape != (now := (frame.format.name, frame.layout.name, frame.sample_rate)):
                yield from _flushed(resampler, waiting)
                resampler, waiting, shape = av.AudioResampler("fltp", layout, SAMPLE_RATE), av.AudioFifo(), now
            frame.pts = None
            if resampler is not None and waiting is not None:
                waiting.write(frame)
                # A second at a time: a codec's frames of 20 ms would cost more to hand over than to resample.
                if waiting.samples >= frame.sample_rate:
                    yield from map(_planes, resampler.resample(waiting.read()))
    yield from _flushed(resampler, waiting)


def _flushed(resampler: Any, waiting: Any) -> Iterator[npt.NDArray[np.float32]]:
    if resampler is None:
        return
    if waiting.samples:
        yield from map(_planes, resampler.resample(waiting.read()))
    yield from map(_planes, resampler.resample(None))


def _planes(frame: Any) -> npt.NDArray[np.float32]:
    planes: npt.NDArray[np.float32] = frame.to_ndarray()
    return planes
