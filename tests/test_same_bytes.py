"""Same input, same card → the same bytes, in whatever process and in batches of whatever size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPENINGS = ("您好，安心家电客服，请问有什么可以帮您？", "喂，说吧", "您好，工号1024为您服务", "哪位", "早上好，请讲")
TROUBLES = (
    "我的洗衣机漏水了",
    "太差了！我等了三天都没人来，我要投诉",
    "想问一下发票怎么开",
    "你们又扣了我一次钱，退给我",
)
ANSWERS = (
    "非常抱歉给您添麻烦了，我理解您的心情，今天下午五点前给您回电。",
    "这个不归我们管，不知道，你打别的电话",
    "请您稍等，我帮您查一下。",
)
SCRIPT = """
import json, sys
from pathlib import Path
from pipeline.batch import Batch, evaluate, split
from pipeline.formats_out import evaluation_record
from pipeline.ingest import ingest_files
from pipeline.settings import Settings
from pipeline.workshop import Workshop

workshop = Workshop(Settings())
interactions = ingest_files([Path(sys.argv[1])]).interactions
for batch in split(interactions, calls=1, texts=int(sys.argv[2])):
    for result in evaluate(batch, workshop):
        card = workshop.card(result.conversation.interaction.channel)
        record = evaluation_record(result.evaluation, result.review, card)
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\\n")
"""


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 conversations, chats and calls that came as text, no two alike."""
    path = tmp_path_factory.mktemp("inbox") / "sixty.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(60):
            said = [
                ("agent", OPENINGS[number % len(OPENINGS)]),
                ("customer", TROUBLES[number % len(TROUBLES)] + "。" * (number % 2)),
                *[("agent", ANSWERS[(number + turn) % len(ANSWERS)]) for turn in range(number % 4)],
                ("customer", "好的，谢谢" if number % 3 else "你怎么这样，算了"),
                ("agent", "感谢您的来电，再见" if number % 2 else "嗯"),
            ]
            turns = [
                {"speaker": speaker, "text": text, "start": 4.0 * place, "end": 4.0 * place + 3}
                for place, (speaker, text) in enumerate(said)
            ]
            channel = "chat" if number % 3 == 0 else "call"
            file.write(json.dumps({"id": f"S{number:03}", "channel": channel, "turns": turns}) + "\n")
    return path


def printed(inbox: Path, *, seed: str, batch: int) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIJIAN_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(inbox), str(batch)],
        cwd=ROOT,
        env=environment | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_evaluations_do_not_depend_on_process_or_size_of_batches(inbox: Path) -> None:
    first = printed(inbox, seed="0", batch=60)
    lines = first.decode().splitlines()
    assert [json.loads(line)["interaction"] for line in lines] == [f"S{number:03}" for number in range(60)]
    assert len({json.dumps(json.loads(line)["criteria"]) for line in lines}) > 20
    assert printed(inbox, seed="1", batch=7) == first
    assert printed(inbox, seed="4242", batch=1) == first
