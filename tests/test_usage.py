"""Help and what is said of a wrong use, in the reader's language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.cli.usage import told

ROOT = Path(__file__).parents[1]


def said(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a wrong use prints, without frames."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["zhijian", *words.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nachts", "没有 nachts 这个命令"),
        ("alerts nope", "没有 nope 这个命令"),
        ("scor", "没有 scor 这个命令，是不是想用 score、rescore、scorecard？"),
        ("--nope", "没有 --nope 这个选项"),
        ("score x --form json", "没有 --form 这个选项，是不是想用 --format？"),
        ("score", "缺少参数 files"),
        ("review a b", "缺少参数 verdict，可以写：met、partial、unmet、not_applicable"),
        ("review a b met", "缺少选项 --why"),
        ("score x --format", "选项 --format 后面要写一个值"),
        ("version --help=x", "选项 --help 后面不写值"),
        ("version 1 2", "多出了用不上的参数：1、2"),
        ("score x --format yaml", "--format 的值不对：没有“yaml”这个取值，可以写：json、table"),
        ("search a --since 2026", "--since 的值不对：“2026”不是日期，应当像 2026-01-31 这样写"),
        ("alerts list --limit x", "--limit 的值不对：应当是整数"),
        ("alerts list --limit 0", "--limit 的值不对：不能小于 1"),
        ("models train utterance --out x --minutes x", "--minutes 的值不对：应当是数字"),
    ],
)
def test_a_wrong_use_is_told_in_chinese(
    words: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = said(words, monkeypatch, capsys)
    assert f"│ {message} " in printed
    assert printed.startswith("用法：zhijian")
    assert "用法说明：zhijian" in printed


@pytest.mark.parametrize("words", ["", "--", "models"])
def test_no_command_shows_the_help(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["zhijian", *words.split()])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 2
    assert "[选项] 命令 [参数]…" in printed.out + printed.err


def test_english_is_told_by_the_same_words_as_ever() -> None:
    program = "import sys; sys.argv[0] = 'zhijian'; from pipeline.cli import main; main()"
    environment = {"ZHIJIAN_LANGUAGE": "en", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", program, "scor"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: zhijian [OPTIONS] COMMAND [ARGS]...")
    assert "No such command 'scor'. Did you mean 'score', 'rescore', 'scorecard'?" in done.stderr


def test_a_sentence_that_nobody_knows_is_told_as_it_is() -> None:
    assert told("Something quite new.", "zh") == "Something quite new."
    assert told("Invalid value for '--x': Something new.", "zh") == "--x 的值不对：Something new."
