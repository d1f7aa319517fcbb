"""How errors are counted, and what is spoken to be heard."""

from __future__ import annotations

import json
import random
from pathlib import Path

from models.asr.training.evaluate import Errors, clips, voiced
from models.asr.training.export import HEARING
from models.asr.training.speech import RATE


def test_the_rate_is_all_edits_over_all_characters() -> None:
    assert Errors((1, 0, 4), (10, 5, 10)).rate == 0.2


def test_the_interval_is_wider_where_clips_differ() -> None:
    even, uneven = Errors((2,) * 20, (10,) * 20).interval(), Errors((0, 4) * 10, (10,) * 20).interval()
    assert even == (0.2, 0.2)
    assert uneven[0] < 0.2 < uneven[1]


def test_conversations_are_spoken_sentence_by_sentence(tmp_path: Path) -> None:
    turns = [{"speaker": "agent", "text": "您好，请讲。工号1024。"}, {"speaker": "customer", "text": "我想退货。"}]
    path = tmp_path / "some.jsonl"
    path.write_text(json.dumps({"id": "C1", "channel": "call", "turns": turns}, ensure_ascii=False), encoding="utf-8")
    spoken = list(voiced(path, random.Random(1)))
    assert [text for text, _ in spoken] == ["您好，请讲。", "我想退货。"]
    assert all(len(samples) > RATE // 2 for _, samples in spoken)


def test_clips_are_no_longer_than_a_window_and_keep_their_words(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    turns = [{"speaker": "agent", "text": f"{name}先生，您好，请讲。"} for name in "张王李赵周吴"]
    path.write_text(json.dumps({"id": "C1", "channel": "call", "turns": turns}, ensure_ascii=False), encoding="utf-8")
    spoken = list(voiced(path, random.Random(1)))
    made = clips(spoken, seconds=60)
    assert all(len(clip.samples) <= (HEARING["chunk_seconds"] + 1) * RATE for clip in made)
    assert all(any(text in clip.text for text, _ in spoken) for clip in made)
