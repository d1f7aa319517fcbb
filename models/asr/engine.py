"""The recogniser: faster-whisper behind a small interface, Chinese only, offline, with guards of our own.

Speech is found by `models.vad`, packed by `models.asr.packing`, recognised in batches and mapped back to real time word
by word; `models.asr.guards` throws out what nobody said. A window that loops or fills the model's 224 tokens is heard
again in two halves.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np

from models.asr import guards
from models.asr.packing import Window, pack, share
from models.audio import SAMPLE_RATE, Samples
from models.sums import steady_sums
from models.vad import Interval

LANGUAGE = "zh"
REQUIRED_FILES = ("model.bin", "config.json", "tokenizer.json", "preprocessor_config.json")
"""A missing tokenizer.json would make faster-whisper ask a model hub, even for a local path."""

SLOT_SECONDS = 30
"""Windows lie this far apart in the sound handed to faster-whisper; it pads each to the same length."""

TOKEN_LIMIT = 220
"""A window with as many tokens has hit the model's limit of 224, and its end is missing."""


Device: TypeAlias = Literal["cpu", "cuda"]
_PRECISION: Mapping[Device, str] = MappingProxyType({"cpu": "int8", "cuda": "float16"})


class NoDeviceError(Exception):
    """There is no graphics card that CTranslate2 can compute on, or its libraries are missing."""


class ModelFilesError(Exception):
    """A directory is not a speech model that can be used.

    Attributes:
        path: the directory.
        missing: names of files that are not there; empty if the directory itself is missing or the model unsuitable.
        detail: what else is wrong.
    """

    def __init__(self, path: Path, *, missing: tuple[str, ...] = (), detail: str = "") -> None:
        self.path = path
        self.missing = missing
        self.detail = detail
        super().__init__(f"{path}: {', '.join(missing) or detail}")


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word, in Chinese usually one character with its punctuation; seconds and probability 0…1."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech without a long pause. The three figures are those of the window it was heard in."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float


@dataclass(frozen=True, slots=True)
class ChannelText:
    """What was heard in one channel, in order of time, and what the guards did (`loop_removed`, `invented_removed`)."""

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heard:
    """One window's words in packed time, with the window's figures."""

    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    tokens: int

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words)

    @property
    def doubtful(self) -> bool:
        return (
            self.tokens >= TOKEN_LIMIT
            or self.compression_ratio > guards.MAX_COMPRESSION_RATIO
            or guards.loop(self.text) is not None
        )


class Engine:
    """A loaded speech model. May be used from several threads; each has a pipeline object of its own.

    Args:
        model: a `faster_whisper.WhisperModel`.
        path: the directory it was loaded from.
        beam_size: of the decoder.
        chunk_seconds: longest packed window.
        batch_size: windows of a call that are decoded together.
        threads: on a CPU so many batches are heard at the same moment, each by one thread: half as fast again as one
            batch after the other by all of them.
    """

    def __init__(
        self, model: Any, path: Path, *, beam_size: int, chunk_seconds: float, batch_size: int, threads: int
    ) -> None:
        self._model = model
        self._local = threading.local()
        self.path = path
        self.beam_size = beam_size
        self.chunk_seconds = chunk_seconds
        self.batch_size = batch_size
        self.threads = threads

    @property
    def window_seconds(self) -> float:
        """What each window is padded to before it is encoded."""
        seconds: float = self._model.window_seconds
        return seconds

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over names and contents of the model's files."""
        return files_digest(self.path)

    def transcribe(
        self,
        samples_by_channel: Sequence[Samples],
        speech_by_channel: Sequence[Sequence[Interval]],
        *,
        calls: Sequence[int] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[ChannelText, ...]:
        """What was said in each channel; of several calls each is heard as if it were alone.

        Args:
            samples_by_channel: float32 at 16 kHz, shape `(time,)` each.
            speech_by_channel: where to listen, in seconds, for each channel; nothing else is transcribed.
            calls: for each channel the number of its call; channels of one call may share a window.
            progress: called with the seconds of speech done, several times.
        """
        numbers = range(len(samples_by_channel)) if calls is None else calls
        by_call: dict[int, list[Window]] = {call: [] for call in numbers}
        given = zip(numbers, samples_by_channel, speech_by_channel, strict=True)
        for channel, (call, samples, speech) in enumerate(given):
            by_call[call] += pack(speech, samples, channel=channel, longest=self.chunk_seconds)
        windows = [share(call, longest=self.chunk_seconds) for call in by_call.values()]
        segments: list[list[Segment]] = [[] for _ in samples_by_channel]
        warnings: list[dict[str, None]] = [{} for _ in samples_by_channel]
        again: dict[int, list[Window]] = {}
        for window, heard in self._hear(windows, samples_by_channel, progress):
            halves = window.halves(samples_by_channel) if heard.doubtful else ()
            if len(halves) > 1:
                again.setdefault(numbers[window.pieces[0].channel], []).extend(halves)
            else:
                _guard(window, heard, segments, warnings)
        for window, heard in self._hear(again.values(), samples_by_channel, None):
            _guard(window, heard, segments, warnings)
        return tuple(
            ChannelText(tuple(sorted(found, key=lambda segment: segment.start)), tuple(noted))
            for found, noted in zip(segments, warnings, strict=True)
        )

    def _hear(
        self,
        by_call: Iterable[Sequence[Window]],
        samples_by_channel: Sequence[Samples],
        progress: Callable[[float], None] | None,
    ) -> Iterator[tuple[Window, _Heard]]:
        # Figures depend a little on what a window is decoded with, and must not depend on what else is heard.
        batches = [some[at : at + self.batch_size] for some in by_call for at in range(0, len(some), self.batch_size)]
        with ThreadPoolExecutor(self.threads if self._model.model.device == "cpu" else 1) as pool:
            for batch, heard in zip(
                batches, pool.map(partial(self._hear_batch, samples_by_channel), batches), strict=True
            ):
                yield from zip(batch, heard, strict=True)
                if progress is not None:
                    progress(sum(piece.length for window in batch for piece in window.pieces))

    def _hear_batch(self, samples_by_channel: Sequence[Samples], batch: Sequence[Window]) -> list[_Heard]:
        # The first slot stays empty: faster-whisper's times depend on how long ago the last speech was.
        sound = np.zeros((len(batch) + 1) * SLOT_SECONDS * SAMPLE_RATE, dtype=np.float32)
        clips: list[dict[str, float]] = []
        for slot, window in enumerate(batch, start=1):
            packed = window.sound(samples_by_channel)
            sound[slot * SLOT_SECONDS * SAMPLE_RATE :][: len(packed)] = packed
            start = float(slot * SLOT_SECONDS)
            clips.append({"start": start, "end": start + len(packed) / SAMPLE_RATE})
        return self._decode(sound, clips)

    def _decode(self, sound: Samples, clips: list[dict[str, float]]) -> list[_Heard]:
        found, _ = self._pipeline.transcribe(
            sound,
            language=LANGUAGE,
            beam_size=self.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
            clip_timestamps=clips,
            batch_size=self.batch_size,
        )
        by_slot: list[list[Any]] = [[] for _ in clips]
        for segment in found:
            by_slot[int(segment.seek // (SLOT_SECONDS * self._model.frames_per_second)) - 1].append(segment)
        return [_heard(segments, offset=clip["start"]) for segments, clip in zip(by_slot, clips, strict=True)]

    @property
    def _pipeline(self) -> Any:
        if not hasattr(self._local, "pipeline"):
            from faster_whisper import BatchedInferencePipeline

            self._local.pipeline = BatchedInferencePipeline(self._model)
        return self._local.pipeline


def load_engine(
    path: str | Path,
    *,
    threads: int = 0,
    beam_size: int | None = None,
    chunk_seconds: float | None = None,
    batch_size: int = 8,
    device: Device = "cpu",
) -> Engine:
    """Load a speech model in CTranslate2's form from a directory. Nothing is fetched from anywhere.

    Args:
        path: directory with `REQUIRED_FILES` and the vocabulary.
        threads: see `Engine`; 0 means as many as there are cores, at most 4.
        beam_size: of the decoder; `None` means what the model's `hearing.json` says, else 2.
        chunk_seconds: longest packed window, at most 28; `None` means what `hearing.json` says, else 24. The encoder
            sees as much, even if `hearing.json` says less.
        batch_size: windows of a call that are decoded together.
        device: where to compute; in 8-bit integers on a CPU, in half precision on a graphics card.

    Raises:
        ModelFilesError: the directory is missing, lacks a file, or holds a model that does not know Chinese.
        NoDeviceError: there is no graphics card, or no driver or library for it.
    """
    path = Path(path)
    threads = threads or min(4, len(os.sched_getaffinity(0)))
    model = load_model(path, threads=threads, device=device)
    advice = _advice(path)
    chunk_seconds = min(chunk_seconds or advice.get("chunk_seconds", 24.0), 28.0)
    model.window_seconds = max(model.window_seconds, math.ceil(chunk_seconds))
    return Engine(
        model,
        path.resolve(),
        beam_size=beam_size or int(advice.get("beam_size", 2)),
        chunk_seconds=chunk_seconds,
        batch_size=batch_size,
        threads=threads,
    )


def load_model(path: Path, *, threads: int, device: Device = "cpu") -> Any:
    """The `faster_whisper.WhisperModel` in a directory, which encodes windows as its `hearing.json` says.

    Raises:
        ModelFilesError: the directory is missing, lacks a file, or holds a model that does not know Chinese.
        NoDeviceError: there is no graphics card, or no driver or library for it.
    """
    check_files(path)
    os.environ["HF_HUB_OFFLINE"] = "1"
    from ctranslate2 import get_cuda_device_count
    from faster_whisper import WhisperModel

    steady_sums()
    if device == "cuda" and not get_cuda_device_count():
        raise NoDeviceError
    try:
        model = _in_windows(WhisperModel)(
            str(path),
            device=device,
            compute_type=_PRECISION[device],
            cpu_threads=1,
            num_workers=threads if device == "cpu" else 1,
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        if device == "cuda":
            raise NoDeviceError(str(error)) from error
        raise ModelFilesError(path, detail=str(error)) from error
    if not model.model.is_multilingual:
        raise ModelFilesError(path, detail="the model knows no language but English")
    model.window_seconds = min(_advice(path).get("window_seconds", SLOT_SECONDS), SLOT_SECONDS)
    return model


def _advice(path: Path) -> dict[str, float]:
    """How the makers of a model want it to be used: `hearing.json` in its directory, if there is one.

    `beam_size` of the decoder; `chunk_seconds`, the longest stretch of speech in a window; `window_seconds`, what a
    window is padded to, less than 30 only for a model that was trained with shorter windows.
    """
    file = path / "hearing.json"
    if not file.is_file():
        return {}
    advice: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return advice


def files_digest(path: Path) -> str:
    """`sha256:…` over names and contents of a speech model's files; the model need not be loaded for it.

    Raises:
        ModelFilesError: the directory is missing or lacks a file.
    """
    check_files(path)
    total = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.name in (*REQUIRED_FILES, "hearing.json") or file.name.startswith("vocabulary."):
            with file.open("rb") as stream:
                total.update(f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\0".encode())
    return f"sha256:{total.hexdigest()}"


def check_files(path: Path) -> None:
    """See that a directory holds all files of a speech model.

    Raises:
        ModelFilesError: the directory is missing or lacks a file.
    """
    if not path.is_dir():
        raise ModelFilesError(path, detail="no such directory")
    missing = [name for name in REQUIRED_FILES if not (path / name).is_file()]
    if not any(path.glob("vocabulary.*")):
        missing.append("vocabulary.json")
    if missing:
        raise ModelFilesError(path, missing=tuple(missing))


@cache
def _in_windows(model: Any) -> Any:
    """`WhisperModel` whose encoder sees `window_seconds` of each window, and on a CPU one window after the other.

    faster-whisper pads every window to 30 s, and the encoder takes as long over silence as over speech. A batch of
    eight takes twice as long on a CPU as its windows one by one.
    """
    import ctranslate2

    class Windowed(model):  # type: ignore[misc]
        window_seconds: float = SLOT_SECONDS

        def encode(self, features: Any) -> Any:
            features = np.ascontiguousarray(features[..., : int(self.window_seconds * self.frames_per_second) // 2 * 2])
            if self.model.device != "cpu" or features.ndim < 3 or len(features) == 1:
                return super().encode(features)
            encoded = [np.array(super(Windowed, self).encode(window[None])) for window in features]
            return ctranslate2.StorageView.from_array(np.concatenate(encoded))

    return Windowed


def _heard(segments: Sequence[Any], *, offset: float) -> _Heard:
    words = tuple(
        Word(word.word.strip(), float(word.start) - offset, float(word.end) - offset, float(word.probability))
        for segment in segments
        for word in segment.words or ()
        if word.word.strip()
    )
    words = _simplified(words)
    if not segments:
        return _Heard((), 0.0, 0.0, 0.0, 0)
    return _Heard(
        words,
        avg_logprob=float(segments[0].avg_logprob),
        no_speech_prob=float(segments[0].no_speech_prob),
        compression_ratio=max(float(segment.compression_ratio) for segment in segments),
        tokens=sum(len(segment.tokens) for segment in segments),
    )


def _guard(window: Window, heard: _Heard, segments: list[list[Segment]], warnings: list[dict[str, None]]) -> None:
    """Put the segments of a window, in real time, to their channels; what is thrown out is noted."""
    if guards.silent(heard.no_speech_prob, heard.avg_logprob):
        return
    words = heard.words
    for start, end in reversed(guards.loops(heard.text)):
        words = _without(words, start, end)
        for piece in window.pieces:
            warnings[piece.channel]["loop_removed"] = None
    by_piece: list[list[Word]] = [[] for _ in window.pieces]
    for word in words:
        index = window.piece_at(word.start, word.end)
        begins, ends = window.real(index, word.start), window.real(index, word.end)
        by_piece[index].append(Word(word.text, begins, max(begins, ends), word.probability))
    for piece, spoken in zip(window.pieces, by_piece, strict=True):
        text = "".join(word.text for word in spoken)
        if guards.invented(text):
            warnings[piece.channel]["invented_removed"] = None
        elif text:
            figures = (heard.avg_logprob, heard.no_speech_prob, heard.compression_ratio)
            segments[piece.channel].append(Segment(text, spoken[0].start, spoken[-1].end, tuple(spoken), *figures))


def _without(words: tuple[Word, ...], start: int, end: int) -> tuple[Word, ...]:
    """Words whose first character is not in the span `[start, end)` of their joined text."""
    kept: list[Word] = []
    at = 0
    for word in words:
        if not start <= at < end:
            kept.append(word)
        at += len(word.text)
    return tuple(kept)


def _simplified(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Words in simplified characters, converted in context where that keeps the number of characters."""
    text = "".join(word.text for word in words)
    converted: str = _converter().convert(text)
    if converted == text:
        return words
    if len(converted) != len(text):
        return tuple(Word(_converter().convert(w.text), w.start, w.end, w.probability) for w in words)
    result: list[Word] = []
    at = 0
    for word in words:
        result.append(Word(converted[at : at + len(word.text)], word.start, word.end, word.probability))
        at += len(word.text)
    return tuple(result)


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")
