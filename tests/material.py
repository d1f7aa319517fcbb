"""Material that several tests use: small recordings and short dialogues."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

Line = tuple[str, str]
GREETED: tuple[Line, ...] = (
    ("agent", "您好，这里是安心家电服务热线，工号1024，请问有什么可以帮您？"),
    ("customer", "我的洗衣机不转了，昨天刚买的，太气人了。"),
    ("agent", "非常抱歉给您添麻烦了，我理解您的心情，请问您的订单号是多少？"),
    ("customer", "八八六六一二。"),
    ("agent", "谢谢您，师傅会在24小时内上门。请问还有其他可以帮您的吗？"),
    ("customer", "没有了，谢谢。"),
    ("agent", "感谢您的来电，祝您生活愉快，再见。"),
)
RUDE: tuple[Line, ...] = (
    ("agent", "说吧，什么事。"),
    ("customer", "我的洗衣机坏了，你们到底管不管？"),
    ("agent", "我都说了几遍了，这个不归我们管，你打别的电话。"),
    ("customer", "你这是什么态度，我要投诉！"),
    ("agent", "随便你。"),
)


def write_wave(path: Path, seconds: float = 1.0, *, rate: int = 8000, channels: int = 2, pitch: float = 220.0) -> Path:
    """A WAV file with one quiet tone."""
    times = np.arange(int(seconds * rate)) / rate
    tone = (3000 * np.sin(2 * np.pi * pitch * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone, channels).tobytes())
    return path


def encode(source: Path, target: Path, codec: str, *, rate: int = 16_000, **options: str) -> Path:
    """The recording in another form, with two channels."""
    import av

    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream(codec, rate=rate, layout="stereo", options=options)
        assert isinstance(stream, av.AudioStream)
        for frame in given.decode(audio=0):
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return target


def chat_files(folder: Path, count: int) -> Path:
    """The folder with that many chats, T0 and so on: every second one rude, the others well greeted."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        content = json.dumps(dialogue(f"T{number}", RUDE if number % 2 else GREETED), ensure_ascii=False)
        (folder / f"{number}.json").write_text(content, encoding="utf-8")
    return folder


def dialogue(identifier: str, lines: Sequence[Line], *, channel: str = "chat", **more: object) -> dict[str, object]:
    """An interaction object of docs/formats.md, six seconds a turn."""
    turns = [
        {"speaker": speaker, "text": text, "start": 6.0 * n, "end": 6.0 * n + 5.0}
        for n, (speaker, text) in enumerate(lines)
    ]
    return {
        "id": identifier,
        "channel": channel,
        "agent": {"id": "1024", "name": "小李", "team": "售后一组"},
        "started_at": "2025-10-12T09:31:05+08:00",
        "turns": turns,
        **more,
    }
