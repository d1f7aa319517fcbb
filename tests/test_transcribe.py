"""Sample recordings, and recordings made from them, heard with the speech model that comes with zhijian."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from models.asr import guards
from models.asr.engine import Engine
from models.asr.packing import GAP, pack, share
from models.audio import SAMPLE_RATE, Samples, decode
from pipeline.conversation import Channel, Interaction, Speaker, Turn, Word
from pipeline.errors import HearingError, SettingsError
from pipeline.i18n import area
from pipeline.text import normalise
from pipeline.transcribe import Heard, open_engine, transcribe, transcribe_many, utterances

ROOT = Path(__file__).parents[1]
INBOX = ROOT / "samples" / "inbox"
WEIGHTS = ROOT / "models" / "asr" / "weights"
TOLD = {"left": Speaker.AGENT, "right": Speaker.CUSTOMER}


@cache
def engine() -> Engine:
    return open_engine(WEIGHTS, threads=2)


def call(recording: Path | str | None, channels: dict[str, Speaker] | None = None) -> Interaction:
    where = None if recording is None else str(recording)
    return Interaction("c1", Channel.CALL, "sha256:0", "c1.json", recording=where, channels=channels or {})


def write(path: Path, *channels: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(np.stack(channels, axis=1), -1, 1) * 32767).astype("<i2").tobytes())
    return path


def opening(seconds: float = 20.0) -> tuple[Samples, Samples]:
    """The first seconds of a sample call: the agent's greeting left, the customer's request right."""
    left, right = decode(INBOX / "C20251013-0001.ogg").channels
    return left[: int(seconds * SAMPLE_RATE)], right[: int(seconds * SAMPLE_RATE)]


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))


def error_rate(said: str, heard: str) -> float:
    return Levenshtein.distance(letters(said), letters(heard)) / len(letters(said))


def said_by(turns: Sequence[Turn], speaker: Speaker) -> str:
    return "".join(turn.text for turn in turns if turn.speaker is speaker)


def spoken(text: str, start: float, each: float = 0.2) -> list[Word]:
    return [Word(ch, start + k * each, start + (k + 1) * each, 0.9) for k, ch in enumerate(text)]


def test_a_call_becomes_turns_of_both_sides_in_order_of_time() -> None:
    heard = transcribe(call(INBOX / "C20251013-0001.ogg", TOLD), engine=engine())
    truth = json.loads((ROOT / "samples" / "truth" / "C20251013-0001.json").read_text(encoding="utf-8"))["turns"]
    for speaker in (Speaker.AGENT, Speaker.CUSTOMER):
        said = "".join(turn["text"] for turn in truth if turn["speaker"] == speaker)
        assert error_rate(said, said_by(heard.turns, speaker)) < 0.25
    starts = [turn.start or 0.0 for turn in heard.turns]
    assert starts == sorted(starts)
    assert [turn.index for turn in heard.turns] == list(range(len(heard.turns)))
    assert all(turn.role_confidence == 1.0 for turn in heard.turns)
    assert abs(starts[0] - truth[0]["start"]) < 0.5


def test_hearing_says_how_well_it_heard() -> None:
    heard = transcribe(call(INBOX / "C20251015-0005.wav", TOLD), engine=engine())
    assert heard.hearing is not None
    assert heard.hearing.sample_rate == 8000
    assert heard.hearing.channels == 2
    assert heard.hearing.speech_seconds > 40
    assert 0 < (heard.hearing.confidence or 0) <= 1
    assert all(0 < (turn.confidence or 0) <= 1 for turn in heard.turns)


def test_turns_know_how_loud_they_are_and_what_sounds_before_them(tmp_path: Path) -> None:
    left, right = opening()
    music = 0.1 * np.sin(np.arange(4 * SAMPLE_RATE) * 2 * np.pi * 440 / SAMPLE_RATE).astype(np.float32)
    quiet = np.zeros_like(music)
    usual = transcribe(call(write(tmp_path / "a.wav", left, right), TOLD), engine=engine()).turns
    softer = transcribe(
        call(write(tmp_path / "b.wav", np.append(music, left), np.append(quiet, 0.25 * right)), TOLD), engine=engine()
    ).turns

    def loudness(turns: Sequence[Turn], speaker: Speaker) -> float:
        return float(
            np.mean([turn.loudness for turn in turns if turn.speaker is speaker and turn.loudness is not None])
        )

    assert loudness(softer, Speaker.AGENT) == pytest.approx(loudness(usual, Speaker.AGENT), abs=1.5)
    assert loudness(usual, Speaker.CUSTOMER) - loudness(softer, Speaker.CUSTOMER) == pytest.approx(12, abs=1.5)
    assert softer[0].sound_before == pytest.approx(-23, abs=1)
    assert usual[0].sound_before is None


def test_no_time_lies_outside_the_recording(tmp_path: Path) -> None:
    # Cut within a word, so that the last one ends where the sound ends.
    left, right = opening(9.0)
    heard = transcribe(call(write(tmp_path / "a.wav", left, right), TOLD), engine=engine())
    assert heard.turns
    for turn in heard.turns:
        for word in turn.words:
            assert 0 <= word.start <= word.end <= 9.0


def test_silence_gives_no_turns_and_a_warning(tmp_path: Path) -> None:
    silent = np.zeros(3 * SAMPLE_RATE, dtype=np.float32)
    heard = transcribe(call(write(tmp_path / "a.wav", silent, silent), TOLD), engine=engine())
    assert heard.turns == ()
    assert heard.hearing is not None
    assert "no_speech" in heard.hearing.warnings
    assert heard.hearing.confidence is None


def test_dual_mono_is_heard_once(tmp_path: Path) -> None:
    left, right = opening()
    both = left + right
    heard = transcribe(call(write(tmp_path / "a.wav", both, both), TOLD), engine=engine())
    once = transcribe(call(write(tmp_path / "b.wav", both)), engine=engine())
    assert heard.hearing is not None
    assert heard.hearing.channels == 1
    assert "dual_mono" in heard.hearing.warnings
    assert [turn.text for turn in heard.turns] == [turn.text for turn in once.turns]


def test_in_mono_the_agent_is_found_by_voice_and_words(tmp_path: Path) -> None:
    left, right = opening()
    heard = transcribe(call(write(tmp_path / "a.wav", left + right)), engine=engine())
    assert "请问有什么可以帮您" in said_by(heard.turns, Speaker.AGENT)
    assert "冰箱" in said_by(heard.turns, Speaker.CUSTOMER)
    assert all(turn.role_confidence < 1.0 for turn in heard.turns)


def test_channels_that_nobody_named_are_told_apart_by_words(tmp_path: Path) -> None:
    left, right = opening()
    heard = transcribe(call(write(tmp_path / "a.wav", right, left)), engine=engine())
    assert "请问有什么可以帮您" in said_by(heard.turns, Speaker.AGENT)


def test_the_settings_name_channels_only_where_the_interaction_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", *opening())
    swapped = {"left": Speaker.CUSTOMER, "right": Speaker.AGENT}
    by_default = transcribe(call(path), engine=engine(), channels=swapped)
    by_itself = transcribe(call(path, TOLD), engine=engine(), channels=swapped)
    assert "请问有什么可以帮您" in said_by(by_default.turns, Speaker.CUSTOMER)
    assert "请问有什么可以帮您" in said_by(by_itself.turns, Speaker.AGENT)


def test_sound_that_leaks_into_the_other_channel_is_not_heard_twice(tmp_path: Path) -> None:
    left, right = opening()
    leaking = write(tmp_path / "a.wav", left + 0.1 * right, right + 0.1 * left)
    heard = transcribe(call(leaking, TOLD), engine=engine())
    assert heard.hearing is not None
    assert "bleed_removed" in heard.hearing.warnings
    assert "冰箱" not in said_by(heard.turns, Speaker.AGENT)
    assert "服务" not in said_by(heard.turns, Speaker.CUSTOMER)


def test_one_bad_recording_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes("不是录音".encode())
    good = write(tmp_path / "good.wav", *opening(10.0))
    results = list(transcribe_many([call(good, TOLD), call(bad), call(good, TOLD)], engine=engine()))
    first, second, third = results
    assert isinstance(first, Heard)
    assert isinstance(second, HearingError)
    assert second.code == "Z302"
    assert str(bad) in str(second)
    assert first == third


def test_a_call_heard_among_others_reads_as_if_heard_alone(tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav", *opening(10.0))
    other = call(INBOX / "C20251017-0010.mp3", TOLD)
    (among, _) = transcribe_many([call(good, TOLD), other], engine=engine())
    assert isinstance(among, Heard)
    alone = transcribe(call(good, TOLD), engine=engine())
    assert [turn.text for turn in among.turns] == [turn.text for turn in alone.turns]


@pytest.mark.parametrize(("recording", "code"), [(None, "Z306"), ("/nowhere/a.wav", "Z301")])
def test_what_cannot_be_heard_says_why(recording: str | None, code: str) -> None:
    with pytest.raises(HearingError) as caught:
        transcribe(call(recording), engine=engine(), language="en")
    assert caught.value.code == code
    assert caught.value.hint


def test_turns_that_came_as_text_are_kept() -> None:
    turn = Turn(0, Speaker.AGENT, "您好")
    heard = transcribe(replace(call(None), turns=(turn,)), engine=engine())
    assert heard == Heard((turn,), None)


def test_progress_is_told_in_seconds_of_speech(tmp_path: Path) -> None:
    told: list[float] = []
    heard = transcribe(call(write(tmp_path / "a.wav", *opening()), TOLD), engine=engine(), progress=told.append)
    assert heard.hearing is not None
    assert sum(told) == pytest.approx(heard.hearing.speech_seconds, abs=0.5)


def test_a_long_pause_ends_an_utterance_and_a_short_one_does_not() -> None:
    words = [*spoken("您好", 0.0), *spoken("请问", 0.9), *spoken("在吗", 2.5)]
    assert [found.text for found in utterances((0, word) for word in words)] == ["您好请问", "在吗"]


def test_an_answer_in_a_gap_ends_an_utterance() -> None:
    agent = [(0, word) for word in [*spoken("我帮您查", 0.0), *spoken("一下订单", 1.4)]]
    customer = [(1, word) for word in spoken("好", 0.9)]
    assert [found.text for found in utterances(agent + customer)] == ["我帮您查", "好", "一下订单"]


def test_talking_over_does_not_cut_a_flow_of_words() -> None:
    agent = [(0, word) for word in spoken("我帮您查一下订单", 0.0)]
    customer = [(1, word) for word in spoken("你听我说", 0.5)]
    assert [found.text for found in utterances(agent + customer)] == ["我帮您查一下订单", "你听我说"]


def test_a_directory_that_is_not_there_is_no_name_of_a_model(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        open_engine(tmp_path / "large-v3")
    assert caught.value.code == "Z510"


def test_a_model_without_its_tokenizer_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "preprocessor_config.json", "vocabulary.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        open_engine(tmp_path)
    assert caught.value.code == "Z511"
    assert "tokenizer.json" in caught.value.what


def test_a_graphics_card_that_is_not_there_is_named() -> None:
    from ctranslate2 import get_cuda_device_count

    if get_cuda_device_count():
        assert open_engine(WEIGHTS, device="cuda").digest.startswith("sha256:")
        return
    with pytest.raises(SettingsError) as caught:
        open_engine(WEIGHTS, device="cuda")
    assert (caught.value.code, caught.value.where) == ("Z513", "asr.device")


def test_the_digest_of_a_model_depends_on_its_files_only() -> None:
    assert engine().digest.startswith("sha256:")
    assert engine().digest == open_engine(WEIGHTS, threads=1).digest


def test_windows_hold_all_speech_and_lead_back_to_real_time() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 120 * SAMPLE_RATE).astype(np.float32)
    speech = [(2.0, 12.0), (30.0, 41.0), (60.0, 100.0)]
    windows = pack(speech, samples, longest=24.0)
    assert all(window.length <= 24.0 for window in windows)
    assert sum(piece.length for window in windows for piece in window.pieces) == pytest.approx(61.0)
    first = windows[0]
    assert first.piece_at(10.5, 11.0) == 1
    assert first.real(1, 10.0 + GAP + 1.0) == pytest.approx(31.0)
    assert first.real(0, 10.9) == 12.0


def test_left_overs_of_two_channels_share_a_window() -> None:
    samples = np.zeros(60 * SAMPLE_RATE, dtype=np.float32)
    windows = [*pack([(0.0, 8.0)], samples, channel=0), *pack([(10.0, 17.0)], samples, channel=1)]
    (shared,) = share(windows)
    assert sorted(piece.channel for piece in shared.pieces) == [0, 1]


@pytest.mark.parametrize(
    "text", ["字幕由Amara.org社群提供", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", "(音乐播放中)", "♪♪♪"]
)
def test_text_that_nobody_said_is_known(text: str) -> None:
    assert guards.invented(text)


@pytest.mark.parametrize("text", ["您好,感谢您的来电", "视频的字幕怎么打开", "谢谢", "好的再见"])
def test_text_that_people_say_is_kept(text: str) -> None:
    assert not guards.invented(text)


def test_a_loop_is_found_and_leaves_its_unit_once() -> None:
    text = "我说" + "你好吗" * 7 + "再见"
    ((start, end),) = guards.loops(text)
    assert text[:start] + text[end:] == "我说你好吗再见"


@pytest.mark.parametrize("text", ["好的好的好的", "嗯嗯嗯嗯", "卡号是六六六六八八八八", "0000000000"])
def test_repeats_that_people_say_are_no_loops(text: str) -> None:
    assert guards.loops(text) == ()


def test_every_warning_has_a_sentence_in_both_languages() -> None:
    entries = area("hearing")
    source = (ROOT / "pipeline" / "transcribe.py").read_text(encoding="utf-8")
    source += (ROOT / "models" / "asr" / "engine.py").read_text(encoding="utf-8")
    names = [
        "dual_mono",
        "no_speech",
        "roles_guessed",
        "truncated",
        "bleed_removed",
        "loop_removed",
        "invented_removed",
    ]
    for name in names:
        assert f'"{name}"' in source
        assert set(entries[f"hearing.warning.{name}"]) == {"zh", "en"}
