"""Recordings for the pages: a copy that every browser plays, and the envelope that is drawn as a waveform."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.conversation import Hearing
from pipeline.reports.muting import copied, copy_packets, encode
from pipeline.waveform import POINTS, TICK, heights, silenced
from pipeline.whole_file import whole

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


@dataclass(frozen=True, slots=True)
class Envelope:
    """Loudness peaks 0…1, shape (channel, bucket), over `duration` seconds."""

    peaks: tuple[tuple[float, ...], ...]
    duration: float


def drawn(hearing: Hearing | None, mute: Sequence[tuple[float, float]]) -> Envelope | None:
    """The envelope that was kept when a recording was heard, silent in the spans `mute`; `None` where there is none."""
    if hearing is None or not hearing.waveform:
        return None
    return Envelope(heights(silenced(hearing.waveform, mute, hearing.duration)), hearing.duration)


def envelope(path: Path, *, buckets: int = POINTS) -> Envelope:
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
        for frame in chain(container.decode(stream), (None,)):
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().astype(np.float32)
                rest = samples if rest is None else np.concatenate([rest, samples], axis=1)
                whole = rest.shape[1] // step
                if whole:
                    yield rest[:, : whole * step].reshape(rest.shape[0], whole, step)
                    rest = rest[:, whole * step :]
    if rest is not None and rest.shape[1]:
        yield rest.reshape(rest.shape[0], 1, rest.shape[1])


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
    folder.mkdir(parents=True, exist_ok=True)
    if mute:
        return _muted(source, folder, stem, mute)
    _delete_others(folder, stem, muted=True)
    plays = _plays(source)
    target = folder / (stem + (source.suffix.lower() if plays else ".m4a"))
    if not _is_made(target, source):
        _make(shutil.copyfile if plays else encode, source, target)
    return target


def _plays(source: Path) -> bool:
    """Whether browsers play a recording as it is."""
    import av

    with av.open(str(source)) as container:
        return (source.suffix.lower(), container.streams.audio[0].codec_context.name) in PLAYABLE


def _muted(source: Path, folder: Path, stem: str, mute: Sequence[tuple[float, float]]) -> Path:
    spans = repr([(round(start, 3), round(end, 3)) for start, end in mute])
    name = f"{stem}.{hashlib.sha256(spans.encode()).hexdigest()[:8]}"
    for made in (folder / f"{name}.ogg", folder / f"{name}.m4a"):
        if _is_made(made, source):
            return made
    _delete_others(folder, stem, muted=True)
    _delete_others(folder, stem, muted=False)
    packets = copied(source)
    target = folder / (name + (".ogg" if packets else ".m4a"))
    _make(partial(copy_packets if packets else encode, mute=mute), source, target)
    return target


def _is_made(target: Path, source: Path) -> bool:
    return target.is_file() and target.stat().st_mtime >= source.stat().st_mtime and target.stat().st_size > 0


def _make(step: Callable[[Path, Path], object], source: Path, target: Path) -> None:
    with whole(target) as unfinished:
        step(source, unfinished)


def _delete_others(folder: Path, stem: str, *, muted: bool) -> None:
    """Delete copies of a recording that are muted, or those that are not."""
    kind = r"\.[0-9a-f]{8}\.[a-z0-9]+" if muted else r"\.[a-z0-9]+"
    form = re.compile(rf"{re.escape(stem)}{kind}(\.[0-9a-f]{{32}}\.part)?")
    for path in [path for path in folder.iterdir() if form.fullmatch(path.name)]:
        path.unlink()
