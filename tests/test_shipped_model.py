"""The shipped speech model, through faster-whisper as anyone would load it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from models.asr.engine import load_engine, load_model
from models.audio import decode

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "models" / "asr" / "weights"
CALL = "C20251013-0001"
MARKS = str.maketrans("", "", "，。？！ ")


@pytest.fixture(scope="module")
def model() -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(WEIGHTS), device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True)


@pytest.fixture(scope="module")
def truth() -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = json.loads((ROOT / "samples" / "truth" / f"{CALL}.json").read_text("utf-8"))["turns"]
    return turns


@pytest.fixture(scope="module")
def agent_sound() -> np.ndarray[Any, np.dtype[np.float32]]:
    recording = next((ROOT / "samples" / "inbox").glob(f"{CALL}.[om]*"))
    return decode(recording).channels[0]


def agent_turns(truth: list[dict[str, Any]], sound: Any) -> Iterator[tuple[str, Any]]:
    for turn in truth:
        if turn["speaker"] == "agent":
            yield turn["text"], sound[int((turn["start"] - 0.1) * 16000) : int((turn["end"] + 0.2) * 16000)]


def test_the_weights_are_small_and_complete() -> None:
    names = {path.name for path in WEIGHTS.iterdir()}
    assert {"model.bin", "config.json", "vocabulary.json", "tokenizer.json", "preprocessor_config.json"} <= names
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 20 * 2**20


def test_chinese_is_honoured_because_the_vocabulary_is_multilingual(model: Any) -> None:
    assert model.model.is_multilingual


def test_at_least_1500_characters_can_be_written() -> None:
    tokens = json.loads((WEIGHTS / "vocabulary.json").read_text("utf-8"))
    assert sum(len(token) == 1 and "一" <= token <= "鿿" for token in tokens) >= 1500


def test_an_unheard_call_is_understood(model: Any, truth: list[dict[str, Any]], agent_sound: Any) -> None:
    edits = characters = 0
    for text, sound in agent_turns(truth, agent_sound):
        segments, _ = model.transcribe(sound, language="zh", beam_size=5)
        said = "".join(segment.text for segment in segments).translate(MARKS)
        wanted = text.translate(MARKS)
        edits += Levenshtein.distance(wanted, said)
        characters += len(wanted)
    assert edits / characters < 0.12


def test_words_have_times_in_order_and_near_the_speech(
    model: Any, truth: list[dict[str, Any]], agent_sound: Any
) -> None:
    _, sound = next(agent_turns(truth, agent_sound))
    segments, _ = model.transcribe(sound, language="zh", beam_size=5, word_timestamps=True)
    words = [word for segment in segments for word in segment.words]
    starts = [word.start for word in words]
    assert len(words) >= 8
    assert starts == sorted(starts)
    assert starts[0] < 0.8
    assert abs(words[-1].end - (len(sound) / 16000 - 0.2)) < 0.8


def test_time_stamps_are_those_of_the_utterances(model: Any, truth: list[dict[str, Any]], agent_sound: Any) -> None:
    segments, _ = model.transcribe(agent_sound[: 45 * 16000], language="zh", beam_size=5, without_timestamps=False)
    times = [(segment.start, segment.end) for segment in segments]
    first = next(turn for turn in truth if turn["speaker"] == "agent")
    assert len(times) >= 2
    assert times[0] == pytest.approx((first["start"], first["end"]), abs=0.5)


def test_the_engine_uses_it_as_its_makers_advise() -> None:
    advice = json.loads((WEIGHTS / "hearing.json").read_text("utf-8"))
    engine = load_engine(WEIGHTS, threads=1)
    assert (engine.beam_size, engine.chunk_seconds) == (advice["beam_size"], advice["chunk_seconds"])
    assert load_engine(WEIGHTS, threads=1, chunk_seconds=20.0).chunk_seconds == 20.0


@pytest.mark.parametrize(
    ("advice", "seconds"), [({"window_seconds": 15.0}, 15), ({}, 30), ({"window_seconds": 60}, 30)]
)
def test_the_encoder_sees_as_much_of_a_window_as_the_model_was_trained_with(
    tmp_path: Path, advice: dict[str, float], seconds: int
) -> None:
    for file in WEIGHTS.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "hearing.json").unlink()
    (tmp_path / "hearing.json").write_text(json.dumps(advice), "utf-8")
    model = load_model(tmp_path, threads=1)
    mels = model.feature_extractor.mel_filters.shape[0]
    encoded = np.array(model.encode(np.zeros((2, mels, 3000), np.float32)))
    assert encoded.shape[:2] == (2, 50 * seconds)


def test_a_longer_stretch_than_the_window_is_seen_whole() -> None:
    engine = load_engine(WEIGHTS, threads=1, chunk_seconds=20.0)
    assert engine.window_seconds == 20.0


def test_a_call_is_heard_the_same_beside_others_and_by_several_threads(agent_sound: Any) -> None:
    speech = [(float(start), start + 4.0) for start in range(0, 45, 5)]
    one, other = agent_sound[: 45 * 16000], agent_sound[45 * 16000 : 90 * 16000]
    (alone,) = load_engine(WEIGHTS, threads=1).transcribe([other], [speech])
    together = load_engine(WEIGHTS, threads=3).transcribe([one, other], [speech[:3], speech])
    assert together[1] == alone
    assert alone.segments


def test_noise_is_not_taken_for_speech(model: Any) -> None:
    noise = np.random.default_rng(0).standard_normal(16000 * 10).astype(np.float32) * 0.01
    segments, _ = model.transcribe(noise, language="zh", beam_size=1, no_speech_threshold=0.6)
    assert "".join(segment.text for segment in segments) == ""
