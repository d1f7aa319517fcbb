"""Chinese that readers see, in the catalogues and in scorecards, is punctuated as Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.i18n import area

ROOT = Path(__file__).parents[1]
AREAS = sorted(path.stem for path in (ROOT / "pipeline" / "locales").glob("*.yaml"))

HALF_WIDTH = re.compile(r"[,;!?()](?!\w)|(?<!\w)[(]|:(?=\s|$)|\.(?=\s|$)|\.\.\.|[\"']|(?<=[\u3400-\u9fff])[,;:!?().]")
CODE = re.compile(
    r"(?:[a-z_]+|\{name\}|标准说法): (?:\{\{.*\}\}|\[[^\]]*\]|\"\{version\}\"|编号|…|[\w.{}-]+)"  # YAML
    r"|\{[^{}]*\}"  # an argument
    r"|“(?:键: 值|坐席: …|客户: …)”"  # YAML as it is written
    r"|带有 [^号]* 等符号"
    r"|pip install [\w .-]+"
    r"|-?\d*\.\.-?\d*"  # a range
    r"|\[\w+\] \w+ = \"[^\"]*\"|\w+ = \"[^\"]*\""  # a line of TOML
    r"|criteria:|“: ”|“, ”|\[甲, 乙\]"
    r"|http\(s\)|\(a\+\)\+|> >= < <= == !=|\* 或 \?|\"0 1 \* \* \*\"|pip install '[^']*'"
    r"|\{\{.*?\}\}"
)


def titles(content: Any, key: str = "") -> Iterator[str]:
    """Chinese texts of a scorecard that readers see: titles and advice, not phrases."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from titles(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from titles(value)
    elif isinstance(content, str) and key in ("zh", "title", "advice"):
        yield content


def chinese() -> list[tuple[str, str]]:
    texts = [(key, sentences["zh"]) for name in AREAS for key, sentences in area(name).items()]
    for path in sorted((ROOT / "scorecards").glob("*.yaml")):
        texts += [(path.name, text) for text in titles(yaml.safe_load(path.read_text(encoding="utf-8")))]
    return texts


def test_chinese_is_punctuated_as_chinese() -> None:
    texts = chinese()
    assert len(texts) > 500
    assert [(where, text) for where, text in texts if HALF_WIDTH.search(CODE.sub("码", text))] == []


@pytest.mark.parametrize(
    "text", ["好的,谢谢", "总分:86", "总分 {n}, 合格", "(无)", "真的吗?", '他说"好"', "稍等...", "写好了."]
)
def test_western_punctuation_in_chinese_is_noticed(text: str) -> None:
    assert HALF_WIDTH.search(CODE.sub("码", text))


@pytest.mark.parametrize(
    "text", ["总分：{n}（满分 100）", "例如 2025-10-12T09:31:05+08:00", "见 docs/scorecards.md", "95% 区间"]
)
def test_figures_and_file_names_are_left_alone(text: str) -> None:
    assert not HALF_WIDTH.search(CODE.sub("码", text))
