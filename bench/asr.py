"""How well and how fast the sample calls are heard: `python bench/asr.py [--model DIR]`.

Accuracy: character error rate (CER) of each voice of each call in `samples/inbox` against its script in
`samples/truth`, without punctuation, simplified, digits in one form; the total with a 95 % interval by bootstrap over
voices. In a mono recording the voices are told apart by the product itself, so a character given to the wrong speaker
counts twice.

Speed: the product's own step (decode, find speech, recognise, words to turns) over all calls, and bare faster-whisper
(`BatchedInferencePipeline` with its defaults, its own voice detection, the same model and beam) over the same audio, in
turn in one run; medians. Bare faster-whisper is told which recordings are mono or dual mono, and hears those once.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from models.asr.engine import Engine, load_engine
from pipeline.conversation import Channel, Interaction, Speaker, Turn
from pipeline.errors import HearingError, InputError
from pipeline.text import DIGITS, normalise
from pipeline.transcribe import Heard, transcribe_many

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker of one call: wrong characters and characters in the script."""

    call: str
    speaker: Speaker
    errors: int
    characters: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample call and its script's turns."""

    interaction: Interaction
    truth: tuple[tuple[Speaker, str], ...]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "asr" / "weights")
    parser.add_argument("--samples", type=Path, default=ROOT / "samples")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--beam", type=int, help="default: what the model asks for")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each side; 0: no speed")
    parser.add_argument("--texts", action="store_true", help="print what was said and what was heard")
    arguments = parser.parse_args()
    engine = load_engine(arguments.model, threads=arguments.threads, beam_size=arguments.beam)
    samples = list(load_samples(arguments.samples))
    console = Console()
    accuracy(engine, samples, console, texts=arguments.texts)
    if arguments.repeat:
        speed(engine, samples, console, repeat=arguments.repeat)


def load_samples(folder: Path) -> Iterator[Sample]:
    """Calls of `folder/inbox` that have a script in `folder/truth`."""
    for file in sorted((folder / "truth").glob("*.json")):
        truth: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        content: dict[str, Any] = json.loads((folder / "inbox" / file.name).read_text(encoding="utf-8"))
        interaction = Interaction(
            id=content["id"],
            channel=Channel.CALL,
            digest="",
            source=file.name,
            recording=str(folder / "inbox" / content["recording"]),
            channels={side: Speaker(who) for side, who in content.get("channels", {}).items()},
        )
        yield Sample(interaction, tuple((Speaker(turn["speaker"]), turn["text"]) for turn in truth["turns"]))


def accuracy(engine: Engine, samples: Sequence[Sample], console: Console, *, texts: bool = False) -> None:
    """Hear all samples once and print their error rates."""
    table = Table("call", "recording", "agent CER %", "customer CER %", "confidence", "warnings", title="accuracy")
    voices: list[Voice] = []
    own: set[str] = set()
    for sample, heard in zip(samples, hear(engine, samples), strict=True):
        if not isinstance(heard, Heard) or heard.hearing is None:
            raise SystemExit(f"{sample.interaction.id}: {heard}")
        found = [voice(sample, heard.turns, speaker) for speaker in (Speaker.AGENT, Speaker.CUSTOMER)]
        voices += found
        if heard.hearing.channels == 2:
            own.add(sample.interaction.id)
        hearing = heard.hearing
        kind = Path(sample.interaction.recording or "").suffix[1:]
        table.add_row(
            sample.interaction.id,
            f"{kind} {hearing.sample_rate // 1000} kHz ×{hearing.channels}",
            *(f"{100 * v.errors / v.characters:.1f}" for v in found),
            "–" if hearing.confidence is None else f"{hearing.confidence:.2f}",
            ", ".join(hearing.warnings),
        )
        if texts:
            for speaker, text in sample.truth:
                console.print(f"[dim]{speaker:9}{text}[/dim]")
            for turn in heard.turns:
                console.print(f"{turn.speaker:9}{turn.text} [dim]{turn.start:.1f}–{turn.end:.1f}[/dim]")
    table.add_section()
    for name, chosen in groups(own, voices):
        low, high = interval(chosen)
        table.add_row(name, "", f"{rate(chosen):.1f}", f"[{low:.1f}, {high:.1f}]", "", f"{len(chosen)} voices")
    console.print(table)


def hear(engine: Engine, samples: Sequence[Sample]) -> list[Heard | HearingError | InputError]:
    """The product's own step over all samples."""
    return list(transcribe_many([sample.interaction for sample in samples], engine=engine))


def voice(sample: Sample, turns: Sequence[Turn], speaker: Speaker) -> Voice:
    """Errors of one speaker of one call."""
    said = comparable("".join(text for who, text in sample.truth if who is speaker))
    heard = comparable("".join(turn.text for turn in turns if turn.speaker is speaker))
    return Voice(sample.interaction.id, speaker, Levenshtein.distance(said, heard), len(said))


def comparable(text: str) -> str:
    """Text without punctuation, simplified, in lower case, digits as 0–9."""
    return "".join(DIGITS.get(ch, ch) for ch in normalise(text).lower() if ch.isalnum())


def groups(own: set[str], voices: Sequence[Voice]) -> Iterator[tuple[str, list[Voice]]]:
    """Voices of calls with two channels (by id), of the others, and all."""
    yield "two channels", [v for v in voices if v.call in own]
    yield "mono", [v for v in voices if v.call not in own]
    yield "all", list(voices)


def rate(voices: Sequence[Voice]) -> float:
    """CER in per cent."""
    return 100 * sum(v.errors for v in voices) / max(1, sum(v.characters for v in voices))


def interval(voices: Sequence[Voice], *, draws: int = 2000) -> tuple[float, float]:
    """95 % interval of the CER by bootstrap over voices."""
    if not voices:
        return 0.0, 0.0
    chance = random.Random(0)  # noqa: S311
    rates = sorted(rate(chance.choices(voices, k=len(voices))) for _ in range(draws))
    return rates[int(0.025 * draws)], rates[int(0.975 * draws)]


def speed(engine: Engine, samples: Sequence[Sample], console: Console, *, repeat: int) -> None:
    """Run the product and bare faster-whisper in turn over the same audio and print the medians."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(
        str(engine.path), device="cpu", compute_type="int8", cpu_threads=engine.threads, local_files_only=True
    )
    bare = BatchedInferencePipeline(model)
    heard = hear(engine, samples)
    channels = [h.hearing.channels if isinstance(h, Heard) and h.hearing else 0 for h in heard]
    audio = sum(h.hearing.duration for h in heard if isinstance(h, Heard) and h.hearing)
    bare_run(bare, samples[:1], channels, engine.beam_size, word_timestamps=False)
    times: dict[str, list[float]] = {"zhijian": [], "bare": [], "bare, word timestamps": []}
    for _ in range(repeat):
        for name, runs in times.items():
            start = time.perf_counter()
            if name == "zhijian":
                hear(engine, samples)
            else:
                bare_run(bare, samples, channels, engine.beam_size, word_timestamps=name != "bare")
            runs.append(time.perf_counter() - start)
    ours = statistics.median(times["zhijian"])
    table = Table(
        "",
        "median s",
        "audio s per s",
        "zhijian / this",
        title=f"speed: {audio:.0f} s of calls, {engine.threads} threads",
    )
    for name, runs in times.items():
        median = statistics.median(runs)
        table.add_row(name, f"{median:.2f}", f"{audio / median:.1f}", f"{ours / median:.2f}")
    console.print(table)


def bare_run(
    bare: Any, samples: Sequence[Sample], channels: Sequence[int], beam: int, *, word_timestamps: bool
) -> None:
    """What a user of faster-whisper would write: each channel that differs, defaults, Chinese."""
    from faster_whisper import decode_audio

    for sample, count in zip(samples, channels, strict=False):
        path = sample.interaction.recording
        for channel in decode_audio(path, split_stereo=True) if count == 2 else [decode_audio(path)]:
            segments, _ = bare.transcribe(channel, language="zh", beam_size=beam, word_timestamps=word_timestamps)
            list(segments)


if __name__ == "__main__":
    main()
