import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.conversation import Channel, SetAside, Speaker
from pipeline.errors import InputError
from pipeline.ingest import Intake, ingest, ingest_files
from tests.material import GREETED, RUDE, dialogue, write_wave

WriteJson = Callable[[Path, object], Path]


def only_problem(intake: Intake) -> SetAside:
    assert intake.interactions == ()
    (problem,) = intake.set_aside
    return problem


def chat(**changes: object) -> dict[str, object]:
    content = {**dialogue("C1", GREETED), **changes}
    return {key: value for key, value in content.items() if value is not ...}


def problem_of(tmp_path: Path, content: object) -> SetAside:
    (tmp_path / "a.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return only_problem(ingest(tmp_path))


def test_json_becomes_an_interaction(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", chat(csat=4, queue="售后", customer={"id": "u-88", "segment": "vip"}))
    (interaction,) = ingest(tmp_path).interactions
    assert (interaction.id, interaction.channel, interaction.source) == ("C1", Channel.CHAT, "a.json")
    assert interaction.agent is not None
    assert (interaction.agent.team, interaction.csat, interaction.queue) == ("售后一组", 4.0, "售后")
    assert interaction.started_at is not None
    assert interaction.started_at.isoformat() == "2025-10-12T09:31:05+08:00"
    assert [turn.speaker for turn in interaction.turns[:2]] == [Speaker.AGENT, Speaker.CUSTOMER]
    assert (interaction.turns[1].start, interaction.turns[1].end) == (6.0, 11.0)


def test_traditional_text_is_read_as_simplified_and_kept_as_it_came(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", chat(turns=[{"speaker": "customer", "text": "我要退訂這個會員"}]))
    (turn,) = ingest(tmp_path).interactions[0].turns
    assert turn.text == "我要退订这个会员"
    assert turn.original == "我要退訂這個會員"


def test_times_that_are_absent_stay_unknown(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", chat(turns=[{"speaker": "customer", "text": "在吗"}]))
    (turn,) = ingest(tmp_path).interactions[0].turns
    assert (turn.start, turn.end) == (None, None)


def test_unknown_keys_are_kept(tmp_path: Path, write_json: WriteJson) -> None:
    turns = [{"speaker": "customer", "text": "在吗", "device": "手机"}]
    write_json(tmp_path / "a.json", chat(gold={"x": 1}, turns=turns, agent={"id": "7", "grade": "B"}))
    extra = ingest(tmp_path).interactions[0].extra
    assert extra == {"gold": {"x": 1}, "agent": {"grade": "B"}, "turns": {"0": {"device": "手机"}}}


def test_jsonl_gives_one_interaction_a_line_and_passes_over_blank_ones(tmp_path: Path) -> None:
    lines = [json.dumps(dialogue(name, GREETED), ensure_ascii=False) for name in ("A", "B")]
    (tmp_path / "a.jsonl").write_text(f"\ufeff{lines[0]}\n\n{lines[1]}\n", encoding="utf-8")
    assert [(i.id, i.source) for i in ingest(tmp_path).interactions] == [("A", "a.jsonl:1"), ("B", "a.jsonl:3")]


def test_a_bad_line_is_set_aside_and_the_others_are_taken(tmp_path: Path) -> None:
    good = json.dumps(dialogue("A", GREETED), ensure_ascii=False)
    (tmp_path / "a.jsonl").write_text(f'{{"id": "B"\n{good}\n', encoding="utf-8")
    intake = ingest(tmp_path)
    assert [i.id for i in intake.interactions] == ["A"]
    assert (intake.set_aside[0].code, intake.set_aside[0].source) == ("Z105", "a.jsonl:1")


def test_a_recording_alone_is_a_call_named_after_its_file(tmp_path: Path) -> None:
    write_wave(tmp_path / "K001.wav")
    (interaction,) = ingest(tmp_path).interactions
    assert (interaction.id, interaction.channel, interaction.agent) == ("K001", Channel.CALL, None)
    assert interaction.recording == str(tmp_path / "K001.wav")


def test_a_sidecar_of_the_same_name_describes_the_recording(tmp_path: Path, write_json: WriteJson) -> None:
    write_wave(tmp_path / "x.wav")
    write_json(tmp_path / "x.json", {"id": "C9", "channel": "call", "channels": {"left": "agent"}})
    (interaction,) = ingest(tmp_path).interactions
    assert (interaction.id, interaction.recording) == ("C9", str(tmp_path / "x.wav"))
    assert interaction.channels == {"left": Speaker.AGENT}


def test_a_recording_named_in_a_jsonl_line_is_not_taken_twice(tmp_path: Path) -> None:
    write_wave(tmp_path / "x.wav")
    (tmp_path / "all.jsonl").write_text('{"id": "C9", "channel": "call", "recording": "x.wav"}', encoding="utf-8")
    assert [i.id for i in ingest(tmp_path).interactions] == ["C9"]


def test_the_recording_of_a_broken_sidecar_is_not_taken_for_another_call(tmp_path: Path) -> None:
    write_wave(tmp_path / "x.wav")
    (tmp_path / "x.json").write_text('{"id": "C9", "channel": ', encoding="utf-8")
    assert only_problem(ingest(tmp_path)).source == "x.json:1"


def test_files_in_folders_below_are_taken_and_hidden_ones_are_not(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "10-12" / "a.json", chat())
    write_json(tmp_path / ".cache" / "b.json", chat(id="B"))
    (tmp_path / ".DS_Store").write_bytes(b"x")
    intake = ingest(tmp_path)
    assert [i.source for i in intake.interactions] == ["10-12/a.json"]
    assert intake.set_aside == ()


def test_the_digest_follows_content_not_layout_or_file_name(tmp_path: Path) -> None:
    content = chat()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a.json").write_text(json.dumps(content, indent=3), encoding="utf-8")
    (tmp_path / "two" / "b.json").write_text(json.dumps(dict(reversed(content.items()))), encoding="utf-8")
    digests = {ingest(tmp_path / name).interactions[0].digest for name in ("one", "two")}
    assert len(digests) == 1
    (tmp_path / "two" / "b.json").write_text(json.dumps({**content, "csat": 1}), encoding="utf-8")
    assert ingest(tmp_path / "two").interactions[0].digest not in digests


def test_the_digest_covers_the_sound(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "x.json", {"id": "C9", "channel": "call"})
    digests = set()
    for pitch in (200.0, 300.0):
        write_wave(tmp_path / "x.wav", pitch=pitch)
        digests.add(ingest(tmp_path).interactions[0].digest)
    assert len(digests) == 2


def test_an_identical_duplicate_counts_once(tmp_path: Path, write_json: WriteJson) -> None:
    for name in ("a.json", "b.json"):
        write_json(tmp_path / name, chat())
    intake = ingest(tmp_path)
    assert (len(intake.interactions), intake.duplicates, intake.set_aside) == (1, 1, ())


def test_the_same_id_with_other_content_is_set_aside(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", chat())
    write_json(tmp_path / "b.json", dialogue("C1", RUDE))
    intake = ingest(tmp_path)
    assert [i.source for i in intake.interactions] == ["a.json"]
    (problem,) = intake.set_aside
    assert (problem.code, problem.source) == ("Z109", "b.json")
    assert problem.reason == "编号 C1 与 a.json 重复，内容却不同"


@pytest.mark.parametrize(
    ("changes", "code", "source", "reason"),
    [
        ({"channel": ...}, "Z107", "a.json:channel", "缺少必需的键 channel，应为以下之一：call, chat, email"),
        ({"id": ...}, "Z107", "a.json:id", "缺少必需的键 id，应为非空的文字"),
        ({"turns": ...}, "Z107", "a.json:turns", "缺少必需的键 turns，应为至少一条消息的列表"),
        ({"id": 7}, "Z108", "a.json:id", "键 id 的值 7 不对，应为非空的文字"),
        ({"channel": "sms"}, "Z108", "a.json:channel", '键 channel 的值 "sms" 不对，应为以下之一：call, chat, email'),
        ({"agent": "小李"}, "Z108", "a.json:agent", '键 agent 的值 "小李" 不对，应为对象 {…}'),
        ({"agent": {"name": "小李"}}, "Z107", "a.json:agent.id", "缺少必需的键 agent.id，应为非空的文字"),
        ({"csat": "高"}, "Z108", "a.json:csat", '键 csat 的值 "高" 不对，应为数字'),
        (
            {"started_at": "2025-10-12 09:31"},
            "Z108",
            "a.json:started_at",
            '键 started_at 的值 "2025-10-12 09:31" 不对，应为带时区的 ISO 8601 时间，例如 2025-10-12T09:31:05+08:00',
        ),
        (
            {"turns": [{"speaker": "robot", "text": "您好"}]},
            "Z108",
            "a.json:turns[0].speaker",
            '键 turns[0].speaker 的值 "robot" 不对，应为以下之一：agent, customer, bot, system, unknown',
        ),
        (
            {"turns": [{"speaker": "agent"}]},
            "Z107",
            "a.json:turns[0].text",
            "缺少必需的键 turns[0].text，应为文字",
        ),
        (
            {"turns": [{"speaker": "agent", "text": "您好", "start": 3, "end": 1}]},
            "Z108",
            "a.json:turns[0].end",
            "键 turns[0].end 的值 1.0 不对，应为不早于 start（3 秒）的秒数",
        ),
        (
            {"turns": [{"speaker": "agent", "text": "您好", "start": -1}]},
            "Z108",
            "a.json:turns[0].start",
            "键 turns[0].start 的值 -1.0 不对，应为从会话开始算起的秒数（不小于 0）",
        ),
        (
            {"channels": {"centre": "agent"}},
            "Z108",
            "a.json:channels",
            '键 channels 的值 "centre" 不对，应为只用这些声道名：left, right, mono',
        ),
    ],
)
def test_a_wrong_key_is_told_by_path_and_by_what_was_expected(
    tmp_path: Path, changes: dict[str, object], code: str, source: str, reason: str
) -> None:
    problem = problem_of(tmp_path, chat(**changes))
    assert (problem.code, problem.source, problem.reason) == (code, source, reason)


def test_a_call_without_words_or_sound_is_set_aside(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, {"id": "C9", "channel": "call"})
    assert problem.reason == "缺少必需的键 turns，应为至少一句话的列表，或用 recording 指明录音文件"


def test_wrong_json_is_told_by_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{\n  "id": "A",\n  "channel" "chat"\n}', encoding="utf-8")
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.source) == ("Z105", "a.json:3")
    assert problem.reason.startswith("不是合法的 JSON：第 3 行第 13 列附近有误")


@pytest.mark.parametrize("text", ['{"id": NaN}', '{"id": 1e999}', '{"id": "\\ud800"}', "[" * 100_000])
def test_json_that_cannot_be_kept_is_set_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert only_problem(ingest(tmp_path)).code == "Z105"


def test_a_list_in_a_json_file_is_set_aside_with_the_way_out(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, [chat()])
    assert (problem.code, problem.hint) == ("Z108", "多通会话请放进 .jsonl 文件，每行一个对象")


def test_text_in_another_encoding_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes('{\n"id": "工单"}'.encode("gbk"))
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.source, problem.reason) == ("Z106", "a.json:2", "文件不是 UTF-8 编码（第 2 行）")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.wav"])
def test_an_empty_file_is_set_aside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.source, problem.reason) == ("Z101", name, "文件是空的（0 字节）")


@pytest.mark.parametrize("content", [b"not a sound\n" * 50, bytes(range(256)) * 20])
def test_a_file_that_is_not_sound_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.reason) == ("Z102", "不是录音：里面没有能解码的声音")


def test_a_header_without_sound_is_set_aside(tmp_path: Path) -> None:
    write_wave(tmp_path / "a.wav", seconds=0)
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.reason) == ("Z104", "只有文件头，没有声音")


def test_a_truncated_wave_is_set_aside_with_what_is_missing(tmp_path: Path) -> None:
    whole = write_wave(tmp_path / "a.wav", seconds=4).read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[: len(whole) // 2 + 22])
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.reason) == ("Z103", "录音被截断：按文件头还缺 64000 字节，只有前 2.0 秒")


def test_a_wave_without_a_stated_length_is_taken(tmp_path: Path) -> None:
    streamed = bytearray(write_wave(tmp_path / "a.wav").read_bytes())
    streamed[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(streamed)
    assert len(ingest(tmp_path).interactions) == 1


def encode(path: Path, codec: str, rate: int, seconds: float = 3.0) -> Path:
    samples = (3000 * np.sin(np.arange(int(rate * seconds)) / 20)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=960)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec", "rate"), [("a.opus", "libopus", 48000), ("a.flac", "flac", 16000)])
def test_a_compressed_recording_is_taken_whole_and_set_aside_cut(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    whole = encode(tmp_path / name, codec, rate).read_bytes()
    assert len(ingest(tmp_path).interactions) == 1
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.source) == ("Z103", name)


def test_a_recording_that_does_not_exist_is_told(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", {"id": "C9", "channel": "call", "recording": "C9.wav"})
    problem = only_problem(ingest(tmp_path))
    assert (problem.code, problem.reason) == ("Z110", "recording 指明的录音 C9.wav 不存在")


def test_a_call_with_turns_is_taken_without_its_recording(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "a.json", dialogue("C9", GREETED, channel="call", recording="C9.wav"))
    intake = ingest(tmp_path)
    assert intake.interactions[0].recording is None
    assert len(intake.notes) == 1
    assert "C9.wav" in intake.notes[0]


def test_a_recording_outside_the_inbox_is_refused(tmp_path: Path, write_json: WriteJson) -> None:
    write_wave(tmp_path / "x.wav")
    write_json(tmp_path / "inbox" / "a.json", {"id": "C9", "channel": "call", "recording": "../x.wav"})
    problem = only_problem(ingest(tmp_path / "inbox"))
    assert (problem.code, problem.reason) == ("Z108", "recording 指向收件夹之外：../x.wav")


def test_files_that_are_still_being_written_wait(tmp_path: Path, write_json: WriteJson) -> None:
    old = write_json(tmp_path / "old.json", chat())
    os.utime(old, (time.time() - 600,) * 2)
    write_json(tmp_path / "new.json", chat(id="N"))
    write_wave(tmp_path / "x.wav.part")
    intake = ingest(tmp_path, settled_seconds=300)
    assert [i.id for i in intake.interactions] == ["C1"]
    assert intake.waiting == ("new.json", "x.wav.part")


def test_files_that_were_just_written_are_waited_for(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "new.json", chat())
    intake = ingest(tmp_path, settled_seconds=0.3)
    assert [i.id for i in intake.interactions] == ["C1"]
    assert intake.waiting == ()


def test_a_file_that_goes_on_growing_is_waited_for_once(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "ready.json", chat())
    growing, over = write_wave(tmp_path / "growing.wav"), threading.Event()

    def upload() -> None:
        while not over.wait(0.02):
            with growing.open("ab") as file:
                file.write(bytes(320))

    uploader = threading.Thread(target=upload)
    uploader.start()
    try:
        intake = ingest(tmp_path, settled_seconds=0.5)
    finally:
        over.set()
        uploader.join()
    assert [i.id for i in intake.interactions] == ["C1"]
    assert intake.waiting == ("growing.wav",)


def test_a_sidecar_waits_for_its_recording(tmp_path: Path, write_json: WriteJson) -> None:
    sidecar = write_json(tmp_path / "x.json", {"id": "C9", "channel": "call"})
    os.utime(sidecar, (time.time() - 600,) * 2)
    write_wave(tmp_path / "x.wav")
    intake = ingest(tmp_path, settled_seconds=300)
    assert (intake.interactions, intake.set_aside, intake.waiting) == ((), (), ("x.wav",))


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Z113"):
        ingest(tmp_path / "nowhere")


def test_single_files_come_in_the_order_given(tmp_path: Path, write_json: WriteJson) -> None:
    files = [write_json(tmp_path / f"{name}.json", chat(id=name)) for name in "BA"]
    assert [i.id for i in ingest_files(files).interactions] == ["B", "A"]


def test_a_single_recording_finds_its_sidecar(tmp_path: Path, write_json: WriteJson) -> None:
    write_json(tmp_path / "x.json", {"id": "C9", "channel": "call"})
    intake = ingest_files([write_wave(tmp_path / "x.wav")])
    assert [i.id for i in intake.interactions] == ["C9"]


def test_reasons_can_be_in_english(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert ingest(tmp_path, language="en").set_aside[0].reason == "The file is empty (0 bytes)"
