"""Recordings for the pages: a copy that every browser plays, and the envelope that is drawn as a waveform."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PLAYABLE = frozenset(
    {
        (".wav", "pcm_s16le"),
        (".wav", "pcm_u8"),
        (".wav", "pcm_f32le"),
        (".mp3", "mp3"),
        (".mp3", "mp3float"),
        (".m4a", "aac"),
        (".mp4", "aac"),
        (".flac", "flac"),
        (".ogg", "vorbis"),
        (".ogg", "opus"),
        (".opus", "opus"),
        (".webm", "opus"),
    }
)
"""(suffix, codec) that current Chromium, Firefox and Safari all play and seek; anything else is re-encoded to AAC."""

RATE = 8_000
"""Samples a second at which envelopes are taken; a waveform needs no more."""

BIT_RATE = 64_000
"""Bits a second of what is re-encoded: plenty for speech."""

MARGIN = 0.1
"""Seconds that are silenced before and after what is muted, because times of words are never exact."""

TICK = 0.02
"""Seconds that one point of the raw envelope covers."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Loudness peaks 0…1, shape (channel, bucket), over `duration` seconds."""

    peaks: tuple[tuple[float, ...], ...]
    duration: float


def envelope(path: Path, *, buckets: int = 600) -> Envelope:
    """Peak envelope of a recording, scaled so that its loudest peak is 1.

    Args:
        path: any recording that FFmpeg decodes.
        buckets: points along the time axis (fewer if the recording is very short).

    Raises:
        av.FFmpegError: the file cannot be decoded.
    """
    import numpy as np

    ticks = [np.abs(block).max(axis=2) for block in _blocks(path)]
    if not ticks:
        return Envelope(peaks=(), duration=0.0)
    raw = np.concatenate(ticks, axis=1)
    duration = raw.shape[1] * TICK
    edges = np.linspace(0, raw.shape[1], min(buckets, raw.shape[1]) + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(raw, edges, axis=1)
    loudest = float(peaks.max())
    if loudest > 0:
        peaks = peaks / loudest
    return Envelope(peaks=tuple(tuple(round(float(v), 3) for v in row) for row in peaks), duration=duration)


def _blocks(path: Path) -> Iterator[NDArray[np.float32]]:
    """Samples of a recording at `RATE`, shape (channel, ticks, samples of a tick), at most two channels."""
    import av
    import numpy as np

    step = int(RATE * TICK)
    rest: NDArray[np.float32] | None = None
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        layout = "mono" if stream.layout.nb_channels == 1 else "stereo"
        # Decoders give some 20 ms at a time; a second at a time costs a third less.
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE, frame_size=RATE)
        for frame in _frames(container, stream):
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().astype(np.float32)
                rest = samples if rest is None else np.concatenate([rest, samples], axis=1)
                whole = rest.shape[1] // step
                if whole:
                    yield rest[:, : whole * step].reshape(rest.shape[0], whole, step)
                    rest = rest[:, whole * step :]
    if rest is not None and rest.shape[1]:
        yield rest.reshape(rest.shape[0], 1, rest.shape[1])


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The decoded frames, then `None`, which flushes a resampler."""
    yield from container.decode(stream)
    yield None


def publish(source: Path, folder: Path, stem: str, *, mute: Sequence[tuple[float, float]] = ()) -> Path:
    """Put a recording into `folder` as `stem.*` in a form that browsers play; nothing is done twice.

    Args:
        source: the recording; it is never changed.
        folder: made if need be.
        stem: of the file name. Copies under it that are muted otherwise are deleted.
        mute: spans in seconds in which the copy is silent.

    Returns:
        The file in `folder`.

    Raises:
        OSError: the recording cannot be read or the folder not written.
        av.FFmpegError: the recording cannot be decoded.
    """
    import av

    folder.mkdir(parents=True, exist_ok=True)
    if mute:
        return _muted(source, folder, stem, mute)
    _delete_others(folder, stem, muted=True)
    with av.open(str(source)) as container:
        codec = container.streams.audio[0].codec_context.name
    plays = (source.suffix.lower(), codec) in PLAYABLE
    target = folder / (stem + (source.suffix.lower() if plays else ".m4a"))
    if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime and target.stat().st_size:
        return target
    if plays:
        shutil.copyfile(source, target)
    else:
        _to_aac(source, target)
    return target


def _muted(source: Path, folder: Path, stem: str, mute: Sequence[tuple[float, float]]) -> Path:
    spans = repr([(round(start, 3), round(end, 3)) for start, end in mute])
    target = folder / f"{stem}.{hashlib.sha256(spans.encode()).hexdigest()[:8]}.m4a"
    if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime and target.stat().st_size:
        return target
    _delete_others(folder, stem, muted=True)
    _delete_others(folder, stem, muted=False)
    _to_aac(source, target, mute)
    return target


def _delete_others(folder: Path, stem: str, *, muted: bool) -> None:
    """Delete copies of a recording that are muted, or those that are not."""
    form = re.compile(re.escape(stem) + (r"\.[0-9a-f]{8}\.m4a" if muted else r"\.[a-z0-9]+"))
    for path in [path for path in folder.iterdir() if form.fullmatch(path.name)]:
        path.unlink()


def _silenced(piece: Any, at: float, mute: Sequence[tuple[float, float]]) -> Any:
    """The frame, which begins at second `at`, with zeros where it is muted."""
    import av

    samples = piece.to_ndarray()
    for start, end in mute:
        first = max(0, int((start - MARGIN - at) * piece.rate))
        last = min(samples.shape[1], int((end + MARGIN - at) * piece.rate) + 1)
        if first < last:
            samples[:, first:last] = 0
    made = av.AudioFrame.from_ndarray(samples, format=piece.format.name, layout=piece.layout.name)
    made.rate = piece.rate
    return made


def _to_aac(source: Path, target: Path, mute: Sequence[tuple[float, float]] = ()) -> None:
    import av

    with av.open(str(source)) as incoming, av.open(str(target), "w", format="mp4") as outgoing:
        stream = incoming.streams.audio[0]
        layout = "mono" if stream.layout.nb_channels == 1 else "stereo"
        rate = max(16_000, min(48_000, stream.rate))
        encoded = outgoing.add_stream("aac", rate=rate, layout=layout, bit_rate=BIT_RATE)
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        done = 0
        for frame in _frames(incoming, stream):
            for whole in resampler.resample(frame):
                piece = _silenced(whole, done / rate, mute) if mute else whole
                done += piece.samples
                piece.pts = None
                outgoing.mux(encoded.encode(piece))
        outgoing.mux(encoded.encode(None))
