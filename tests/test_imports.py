"""What must be quick must import little: modules are counted, not seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch", "transformers", "faster_whisper", "ctranslate2", "onnxruntime", "prefect", "snownlp", "sqlalchemy",
    "alembic", "fastapi", "plotly", "huggingface_hub", "av", "pandas",
}  # fmt: skip
MOST_MODULES = 1100

PROGRAM = """
import sys
sys.argv = ["zhijian", *sys.argv[1:]]
from pipeline.cli import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write("\\n" + " ".join(sys.modules))
"""


PLAIN = """
id: plain
version: "1"
title: 问候
pass: 60
criteria:
  - id: greeting
    section: opening
    title: 问候
    points: 5
    phrase: {any: [您好], window: {turns: 1}}
    examples:
      met: ["坐席: 您好，请讲。"]
      unmet: ["坐席: 喂，什么事。"]
"""


def modules_of(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=ROOT, env={"PYTHONIOENCODING": "utf-8"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["run", "--help"],
        ["version"],
        ["validate", "absent.yaml"],
        ["models", "list"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_quick_commands_import_nothing_heavy(words: list[str]) -> None:
    loaded = modules_of(*words)
    assert "pipeline.settings" in loaded
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()
    assert len(loaded) <= MOST_MODULES


def test_validate_loads_no_engine_where_no_example_needs_one(tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text(PLAIN, encoding="utf-8")
    loaded = modules_of("validate", str(card))
    assert "pipeline.scorecard.checks" in loaded
    assert {name.split(".")[0] for name in loaded} & (HEAVY | {"numpy", "pypinyin"}) == set()
    assert len(loaded) <= MOST_MODULES


def test_validate_loads_the_engine_that_reads_the_examples_and_nothing_else_heavy() -> None:
    loaded = modules_of("validate", "scorecards/hotline.yaml")
    assert {name.split(".")[0] for name in loaded} & HEAVY == {"ctranslate2"}
    assert len(loaded) <= MOST_MODULES


def test_a_missing_inbox_is_told_without_prefect_torch_or_speech() -> None:
    loaded = modules_of("run", "nowhere")
    assert {name.split(".")[0] for name in loaded} & {"torch", "prefect", "snownlp", "plotly", "fastapi"} == set()
