"""Who speaks: by the sound of the sample calls' voices, by leaking sound, and by words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from models.audio import SAMPLE_RATE, Samples, decode
from models.speakers.bleed import without_bleed
from models.speakers.clustering import two_voices
from models.speakers.roles import SURE, assign
from models.vad import speech, total

SAMPLES = Path(__file__).parents[1] / "samples"
CALL = SAMPLES / "inbox" / "C20251013-0001.ogg"


@cache
def channels() -> tuple[Samples, Samples]:
    left, right = decode(CALL).channels
    return left[: 40 * SAMPLE_RATE], right[: 40 * SAMPLE_RATE]


def delayed(samples: Samples, seconds: float) -> Samples:
    shift = int(seconds * SAMPLE_RATE)
    return np.concatenate([np.zeros(shift, dtype=np.float32), samples[: len(samples) - shift]])


@pytest.mark.parametrize("lag", [0.0, 0.25])
def test_a_soft_copy_of_the_other_channel_is_taken_out(lag: float) -> None:
    left, right = channels()
    leaking = right + 0.1 * delayed(left, lag)
    before, other = speech(leaking), speech(left)
    after = without_bleed(leaking, before, left, other)
    own = total(speech(right))
    assert total(before) > own + 10
    assert total(after) == pytest.approx(own, abs=1.0)


def test_the_louder_channel_keeps_all_its_speech() -> None:
    left, right = channels()
    found = speech(left)
    leaking = right + 0.1 * left
    assert without_bleed(left, found, leaking, speech(leaking)) == found


def test_two_people_who_speak_at_once_are_both_kept() -> None:
    left, _ = channels()
    other = 0.3 * np.roll(left, 4 * SAMPLE_RATE)
    found = speech(other)
    assert total(without_bleed(other, found, left, speech(left))) == pytest.approx(total(found), abs=0.01)


def test_two_voices_in_one_channel_are_told_apart() -> None:
    left, right = channels()
    mixed = left + right
    voices = two_voices(mixed, speech(mixed))
    turns = json.loads((SAMPLES / "truth" / f"{CALL.stem}.json").read_text(encoding="utf-8"))["turns"]
    heard = [(turn["speaker"], voices.speaker(turn["start"], turn["end"])) for turn in turns if turn["end"] <= 40]
    agents = {voice for speaker, voice in heard if speaker == "agent"}
    customers = {voice for speaker, voice in heard if speaker == "customer"}
    assert len(agents) == len(customers) == 1
    assert agents != customers
    assert voices.confidence > 0.8


def test_one_voice_alone_is_not_taken_for_two() -> None:
    left, _ = channels()
    assert two_voices(left, speech(left)).confidence < 0.5


def test_too_little_speech_gives_one_voice_without_confidence() -> None:
    left, _ = channels()
    voices = two_voices(left, [(1.0, 1.6)])
    assert [part.speaker for part in voices.spoken] == [0]
    assert voices.confidence == 0.0


def test_the_agent_is_known_by_script_phrases_whoever_speaks_first() -> None:
    customer = "喂你好。我买的洗衣机坏了,你们怎么还不派人来"
    agent = "您好,工号一零二四为您服务,我帮您登记一下,感谢您的来电"
    assert assign(agent, customer).agent == 0
    assert assign(customer, agent).agent == 1
    assert assign(customer, agent).confidence > SURE


def test_without_a_cue_nothing_is_known() -> None:
    assert assign("嗯", "对").confidence == pytest.approx(0.5)
