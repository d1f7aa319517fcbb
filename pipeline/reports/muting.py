"""Copies of recordings that are silent where something must not be heard.

Opus is not encoded anew: its packets are copied, and packets of silence stand for those of a muted span, two more on
either side. So nothing of what is said in it is in the copy: not in the overlap of two packets, nor in what a packet
repeats of the one before for the case that that is lost. Everything else is decoded, silenced and encoded to AAC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.waveform import MARGIN

BIT_RATE = 64_000
"""Bits a second of what is encoded anew: plenty for speech."""
_CODER = {"aac_coder": "fast"}
"""A third of the time of the encoder's other way to choose steps; at this bit rate nobody hears which it was."""
_OPUS_RATE = 48_000
_AROUND = 2
"""Packets beside a muted span that are silent too."""
_LONGEST = 2_880
"""Samples of the longest frame that a packet of Opus holds: 60 ms."""


def copied(source: Path) -> bool:
    """Whether a recording's muted copy is made of its own packets.

    Raises:
        av.FFmpegError: it cannot be read.
    """
    import av

    with av.open(str(source)) as container:
        codec = container.streams.audio[0].codec_context
        return codec.name == "opus" and codec.layout.nb_channels <= 2


def copy_packets(source: Path, target: Path, mute: Sequence[tuple[float, float]]) -> None:
    """Write an Ogg file with the packets of an Opus recording, those of the spans `mute` (in seconds) silent.

    Raises:
        OSError: a file cannot be read or written.
        av.FFmpegError: the recording cannot be read.
    """
    import av

    # Without this flag, every file gets a number by chance.
    options = {"fflags": "+bitexact"}
    with av.open(str(source)) as incoming, av.open(str(target), "w", format="ogg", options=options) as outgoing:
        stream = incoming.streams.audio[0]
        copy = outgoing.add_stream_from_template(stream)
        at = 0
        for packet in incoming.demux(stream):
            if not packet.size:
                continue
            data = bytes(packet)
            samples = samples_of(data)
            margin = int(MARGIN * _OPUS_RATE) + _AROUND * max(samples, _LONGEST // 3)
            if any(_meets(at, at + samples, start, end, margin) for start, end in mute):
                packet = _with(packet, silence(data))
            at += samples
            packet.stream = copy
            outgoing.mux(packet)


def _meets(first: int, last: int, start: float, end: float, margin: int) -> bool:
    return first < end * _OPUS_RATE + margin and last > start * _OPUS_RATE - margin


def _with(packet: Any, data: bytes) -> Any:
    import av

    made = av.Packet(data)
    made.pts, made.dts, made.duration, made.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    return made


def samples_of(packet: bytes) -> int:
    """Samples at 48 kHz that a packet of Opus holds (RFC 6716, 3.1 and 3.2)."""
    kind, form = packet[0] >> 3, packet[0] & 3
    if kind < 12:
        frame = (480, 960, 1920, 2880)[kind & 3]
    elif kind < 16:
        frame = (480, 960)[kind & 1]
    else:
        frame = (120, 240, 480, 960)[kind & 3]
    if form == 3:
        return frame * (packet[1] & 63) if len(packet) > 1 else 0
    return frame * (1 if form == 0 else 2)


def silence(packet: bytes) -> bytes:
    """A packet of Opus of the same length in which nothing sounds: frames of CELT with the flag for silence set."""
    samples, stereo = samples_of(packet), packet[0] & 4
    kind, frame = next(
        (kind, frame) for kind, frame in ((31, 960), (30, 480), (29, 240), (28, 120)) if not samples % frame
    )
    count = samples // frame
    if count < 2:
        return bytes((kind << 3 | stereo, 0xFF, 0xFE))
    return bytes((kind << 3 | stereo | 3, count)) + count * b"\xff\xfe"


def encode(source: Path, target: Path, mute: Sequence[tuple[float, float]] = ()) -> None:
    """Write a recording as AAC, silent in the spans `mute`, in seconds.

    Raises:
        OSError: a file cannot be read or written.
        av.FFmpegError: the recording cannot be decoded.
    """
    import av

    with av.open(str(source)) as incoming, av.open(str(target), "w", format="mp4") as outgoing:
        stream = incoming.streams.audio[0]
        layout = "mono" if stream.layout.nb_channels == 1 else "stereo"
        rate = max(16_000, min(48_000, stream.rate))
        encoded = outgoing.add_stream("aac", rate=rate, layout=layout, bit_rate=BIT_RATE, options=_CODER)
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=rate)
        done = 0
        for frame in _frames(incoming, stream):
            for whole in resampler.resample(frame):
                piece = _silenced(whole, done / rate, mute)
                done += piece.samples
                piece.pts = None
                outgoing.mux(encoded.encode(piece))
        outgoing.mux(encoded.encode(None))


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The decoded frames, then `None`, which flushes a resampler."""
    yield from container.decode(stream)
    yield None


def _silenced(piece: Any, at: float, mute: Sequence[tuple[float, float]]) -> Any:
    """The frame, which begins at second `at`, with zeros where it is muted."""
    import av

    spans = []
    for start, end in mute:
        first = max(0, int((start - MARGIN - at) * piece.rate))
        last = min(piece.samples, int((end + MARGIN - at) * piece.rate) + 1)
        if first < last:
            spans.append((first, last))
    if not spans:
        return piece
    samples = piece.to_ndarray()
    for first, last in spans:
        samples[:, first:last] = 0
    made = av.AudioFrame.from_ndarray(samples, format=piece.format.name, layout=piece.layout.name)
    made.rate = piece.rate
    return made
