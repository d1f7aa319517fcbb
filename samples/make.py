"""Speak the sample calls: `scripts/*.yaml` → `inbox/` (recordings and their JSON), `truth/` (who said what, and when).

Run `python samples/make.py` from the project's folder, with the project installed and the program espeak-ng at hand.
The same scripts always give the same sound. Chats and the broken JSON in `inbox/` are written by hand and left alone.
"""

from __future__ import annotations

import json
import random
import sys
import wave
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import yaml
from numpy.typing import NDArray

from models.asr.training.sounds import clean
from models.asr.training.speech import RATE, Voice, speak, trim

HERE = Path(__file__).parent
SCRIPTS, INBOX, TRUTH = HERE / "scripts", HERE / "inbox", HERE / "truth"

GAPS = (0.35, 1.1)
"""Seconds between one turn's end and the next one's start, where the script does not say."""
LEAD, TAIL = 0.6, 0.8
SPEECH_LEVEL = 0.07
"""Root mean square of every voice, full scale being 1."""
ROOM_NOISE, LINE_NOISE = 4e-4, 1.5e-4
TELEPHONE_BAND = (300.0, 3400.0)
KEPT_BY_TRIM = 0.05
"""Seconds of quiet that `trim` leaves at both ends of an utterance: not counted as speech in the truth."""

Sound = NDArray[np.float64]
"""Samples in −1…1: `(time,)`, or `(channel, time)` once mixed."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How PyAV writes one kind of file."""

    codec: str
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()


ENCODINGS = {
    "ogg": Encoding("libopus", 32_000, (("application", "voip"),)),
    "opus": Encoding("libopus", 32_000, (("application", "voip"),)),
    "mp3": Encoding("libmp3lame", 64_000, (("joint_stereo", "0"),)),
    "m4a": Encoding("aac", 48_000, (("aac_pns", "0"), ("aac_is", "0"))),
    "wav": Encoding("pcm_mulaw"),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn on the timeline: seconds at which its sound begins, the sound, and the turn as the truth tells it."""

    at: float
    sound: Sound
    turn: dict[str, Any]


def main() -> None:
    """Make every call of `scripts/`, and the truncated recording."""
    agents = _read(SCRIPTS / "agents.yaml")
    for path in sorted(SCRIPTS.glob("C*.yaml")):
        script = _read(path)
        agent = agents[script["agent"]]
        rng = random.Random(zlib.crc32(path.stem.encode()))  # noqa: S311
        spoken = timeline(script, {"agent": agent["voice"], "customer": script["voice"]}, rng)
        kind = script["sound"]
        heard = mix(spoken, kind["layout"], np.random.default_rng(rng.getrandbits(32)))
        rate = RATE
        if kind.get("band") == "telephone":
            heard, rate = telephone(heard), 8_000
        recording = INBOX / f"{path.stem}.{kind['file']}"
        encode(recording, heard, rate, ENCODINGS[kind["file"]])
        about = header(path.stem, script, agent)
        sides = {} if kind["layout"] == "mono" else {"channels": {"left": "agent", "right": "customer"}}
        _write(INBOX / f"{path.stem}.json", {**about, "recording": recording.name, **sides})
        _write(TRUTH / f"{path.stem}.json", {**about, "turns": [one.turn for one in spoken]})
        sys.stderr.write(
            f"{recording.name}: {heard.shape[-1] / rate:.1f} s, {recording.stat().st_size / 1000:.0f} kB\n"
        )
    write_truncated(INBOX / "broken-truncated.wav")


def header(identity: str, script: Row, agent: Row) -> dict[str, Any]:
    """Everything that is known of a call but its sound and its words."""
    return {
        "id": identity,
        "channel": "call",
        "agent": {"id": script["agent"], **{key: agent[key] for key in ("name", "team", "hired_on")}},
        **{key: script[key] for key in ("customer", "queue", "started_at", "csat", "attributes")},
    }


def timeline(script: Row, voices: Mapping[str, Row], rng: random.Random) -> list[Spoken]:
    """Speak the turns one after the other; a negative `gap` in the script begins before the last turn ends."""
    spoken: list[Spoken] = []
    latest = LEAD
    for number, line in enumerate(script["turns"]):
        speaker = next(role for role in voices if role in line)
        natural = rng.uniform(*GAPS)
        start = round(latest + (line.get("gap", natural) if number else 0.0), 2)
        said = trim(speak(clean(line[speaker]), Voice(**voices[speaker], joined=0.0), rng)) / 32768
        said *= SPEECH_LEVEL / np.sqrt(np.mean(said**2))
        end = round(start + len(said) / RATE - 2 * KEPT_BY_TRIM, 2)
        turn = {"speaker": speaker, "text": line[speaker], "start": start, "end": end}
        spoken.append(Spoken(start - KEPT_BY_TRIM, said, turn))
        latest = max(latest, end)
    for before, after in pairwise(one for one in spoken if one.turn["speaker"] == "customer"):
        if after.turn["start"] < before.turn["end"]:
            raise ValueError(f"the customer speaks twice at once: {after.turn['text']}")
    return spoken


def mix(spoken: list[Spoken], layout: str, noise: np.random.Generator) -> Sound:
    """Both voices with room and line noise, `(channel, time)` at 16 kHz: `stereo`, `mono` or `dual_mono`."""
    length = round((max(one.turn["end"] for one in spoken) + TAIL) * RATE)
    channels = np.stack([_room(length, noise), _room(length, noise)])
    for one in spoken:
        begin = round(one.at * RATE)
        part = channels[0 if one.turn["speaker"] == "agent" else 1, begin : begin + len(one.sound)]
        part += one.sound[: len(part)]
    if layout != "stereo":
        together = channels.sum(axis=0)
        channels = np.stack([together] if layout == "mono" else [together, together])
    return np.clip(channels, -1, 1)


def _room(length: int, noise: np.random.Generator) -> Sound:
    """Low-pitched room noise with a little white line noise."""
    white = noise.standard_normal(length)
    room = np.convolve(white, np.ones(16) / 4, mode="same")
    return ROOM_NOISE * room + LINE_NOISE * noise.standard_normal(length)


def telephone(sound: Sound) -> Sound:
    """The same at 8 kHz, with nothing left outside 300…3400 Hz."""
    spectrum = np.fft.rfft(sound, axis=-1)
    frequencies = np.fft.rfftfreq(sound.shape[-1], 1 / RATE)
    spectrum[:, (frequencies < TELEPHONE_BAND[0]) | (frequencies > TELEPHONE_BAND[1])] = 0
    return np.clip(np.fft.irfft(spectrum, n=sound.shape[-1], axis=-1)[:, ::2], -1, 1)


def encode(path: Path, sound: Sound, rate: int, encoding: Encoding) -> None:
    """Write `(channel, time)` as one compressed file; the same samples give the same bytes."""
    layout = "mono" if len(sound) == 1 else "stereo"
    pcm = np.ascontiguousarray(np.round(sound * 32767).astype(np.int16).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=layout)
    frame.sample_rate = rate
    with av.open(str(path), "w", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(encoding.codec, rate=rate, layout=layout, options=dict(encoding.options))
        if not isinstance(stream, av.AudioStream):
            raise TypeError(f"{encoding.codec} is no audio codec")
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def write_truncated(path: Path) -> None:
    """A recording of a second whose header speaks of twenty, as an interrupted copy leaves it."""
    tone = (3000 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(np.tile(tone, 20).tobytes())
    path.write_bytes(path.read_bytes()[: 44 + tone.nbytes])


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, content: Row) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
