"""docs/compare.md: each row has YAML, and each YAML loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipeline.criteria import KINDS
from pipeline.scorecard import load_scorecard

PAGE = Path(__file__).parents[1] / "docs" / "compare.md"
TOP = {"sections": "sections: {s: 部分}", "lists": "lists: {polite: [您好, 麻烦您]}", "version": 'version: "1"'}
CONDITIONS = "conditions:\n  upset: {phrase: {any: [气死我了], by: customer}}\n  hold_asked: {phrase: 请稍等}"
GREETING = "{id: greeting, title: 问候, section: s, points: 5, phrase: 您好}"


def rows() -> list[tuple[str, str, tuple[str, ...]]]:
    """Kind of snippet, first cell and snippets of every row."""
    found, kind = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line.split()[1]
        cells = re.fullmatch(r"\| (.+?) \| (.+) \| (.+?) \|", line)
        if cells and cells[3] not in ("---", "YAML"):
            found.append((kind, cells[1], tuple(re.findall(r"`([^`]+)`", cells[3]))))
    return found


def card(kind: str, snippet: str) -> str:
    """A card with `snippet` where it belongs."""
    top = dict(TOP)
    criteria, flag = [GREETING], ""
    bare = snippet.removeprefix("{").removesuffix("}") if snippet.startswith("{") else snippet
    if kind == "Operators":
        criteria.append(f"{{id: it, title: 项目, section: s, points: 5, {bare}}}")
    elif kind == "Criteria":
        operator = "" if KINDS.keys() & yaml.safe_load(f"{{{bare}}}").keys() else ", phrase: 您好"
        criteria.append(f"{{id: it, title: 项目, section: s, {bare}{operator}}}")
    elif kind == "Flags":
        criteria.append("{id: grave, title: 项目, section: s, points: 5, severity: critical, phrase: 您好}")
        flag = f"flag:\n  - {snippet}"
    else:
        top[bare.split(":")[0]] = bare
    listed = "\n".join(f"  - {criterion}" for criterion in criteria)
    return "\n".join(["id: shown", "title: 示例", "pass: 60", *top.values(), CONDITIONS, "criteria:", listed, flag])


SNIPPETS = [(kind, snippet) for kind, _, snippets in rows() for snippet in snippets]


@pytest.mark.parametrize(("kind", "snippet"), SNIPPETS, ids=[snippet for _, snippet in SNIPPETS])
def test_snippet_loads(tmp_path: Path, kind: str, snippet: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(card(kind, snippet), encoding="utf-8")
    loaded = load_scorecard(path, language="en")
    assert loaded.criteria


def test_every_row_has_yaml_unless_it_is_no_matter_of_a_card() -> None:
    without = [first for _, first, snippets in rows() if not snippets]
    assert len(without) == 4, without


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_of_criterion_is_compared(name: str) -> None:
    assert any(re.search(rf"\b{name}: ", snippet) for _, snippet in SNIPPETS)
