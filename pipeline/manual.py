"""The manual of kinds, docs/kinds.md and docs/kinds.zh-CN.md, made from the docstrings of their modules.

`python -m pipeline.manual` writes both; a test fails where they are not what the docstrings say.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.criteria import KINDS
from pipeline.i18n import Language

FILES: dict[Language, Path] = {"en": Path("docs/kinds.md"), "zh": Path("docs/kinds.zh-CN.md")}
"""The manual in each language, from the root of the repository."""
_SCORECARDS = Path("docs/scorecards.md").name

_PAGE = re.compile(
    r"(?P<name>\w+): (?P<en>[^\n]*[^\n\s]) / (?P<zh>[^\n]+)\n\n"
    r"English: (?P<english>.+?)\n\n中文：(?P<chinese>.+?)\n\n"
    r"```yaml\n(?P<yaml>.+?)\n```\n\n```met\n(?P<met>.+?)\n```\n\n```unmet\n(?P<unmet>.+?)\n```\s*",
    re.DOTALL,
)
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
_MIXED = re.compile("[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")
_HEAD: dict[Language, str] = {
    "en": f"""\
# Kinds of criteria

What decides a criterion, or a named condition, is one operator. These are all of them, each with one dialogue in which
it holds and one in which it does not; the tests run both. `any_of`, `all_of` and `not` join operators, and the name of
a condition stands for its operator. Windows, patterns and whatever else criteria share is in
[{_SCORECARDS}]({_SCORECARDS}). 中文见 [{FILES["zh"].name}]({FILES["zh"].name}).

Lines such as `@queue 售后` say what the conversation came with; `[12.0-15.5] 坐席(0.92): …` gives times and how well
the words were heard. For a fault, "holds" means that it happened. This page is made from the docstrings of the modules
by `make docs`; change it there.
""",
    "zh": f"""\
# 判定方式

每个评分项（或命名的条件）由一种判定方式来判。下面是全部判定方式，每种附一段“成立”和一段“不成立”的小对话，测试会逐段
运行。`any_of`（任一）、`all_of`（全部）、`not`（相反）可以把它们组合起来；直接写条件的名字，就等于写它的判定方式。
窗口、话术写法等共用的内容见 [{_SCORECARDS}]({_SCORECARDS})。English: [{FILES["en"].name}]({FILES["en"].name}).

`@queue 售后` 这样的行写明会话带来的数据；`[12.0-15.5] 坐席(0.92): …` 写明时间和听得有多清楚。对不应出现的行为，“成立”
就是发生了。本页由 `make docs` 从各模块的说明生成，要改请改那里。
""",
}
_HOLDS: dict[Language, str] = {"en": "Holds:", "zh": "成立："}
_FAILS: dict[Language, str] = {"en": "Does not hold:", "zh": "不成立："}
_TABLE: dict[Language, str] = {
    "en": "| kind | holds when |\n| --- | --- |\n",
    "zh": "| 名称 | 什么时候成立 |\n| --- | --- |\n",
}


@dataclass(frozen=True, slots=True)
class Page:
    """The manual page of one kind: a clause and a text in each language, the operator, and its two dialogues."""

    name: str
    clause: dict[Language, str]
    text: dict[Language, str]
    yaml: str
    met: str
    unmet: str


def page(name: str, docstring: str) -> Page:
    """The page that a module's docstring holds.

    Raises:
        ValueError: the docstring is not of the form of a page, or of another kind's.
    """
    match = _PAGE.fullmatch(docstring)
    if match is None or match["name"] != name:
        raise ValueError(f"the docstring of the kind {name} is no manual page; CONTRIBUTING.md shows its form")
    return Page(
        name,
        {"en": _sentence(match["en"]), "zh": _spaced(match["zh"])},
        {"en": " ".join(match["english"].split()), "zh": _spaced(_joined(match["chinese"]))},
        match["yaml"],
        match["met"],
        match["unmet"],
    )


def pages() -> tuple[Page, ...]:
    """The pages of all kinds, in the order of the registry.

    Raises:
        ValueError: the docstring of a kind is not of the form of a page.
    """
    return tuple(page(name, kind.manual) for name, kind in KINDS.items())


def manual(language: Language) -> str:
    """The whole manual as Markdown."""
    all_pages = pages()
    rows = "".join(f"| [`{one.name}`](#{one.name}) | {_cell(one.clause[language])} |\n" for one in all_pages)
    parts = (
        f"## {one.name}\n\n{one.clause[language]}\n\n{one.text[language]}\n\n```yaml\n{one.yaml}\n```\n\n"
        f"{_HOLDS[language]}\n\n```text\n{one.met}\n```\n\n{_FAILS[language]}\n\n```text\n{one.unmet}\n```\n"
        for one in all_pages
    )
    return "\n".join((_HEAD[language], _TABLE[language] + rows, *parts))


def write(root: Path) -> tuple[Path, ...]:
    """Write the manual in every language below `root`.

    Raises:
        OSError: it cannot be written.
    """
    written = []
    for language, name in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(manual(language), encoding="utf-8", newline="\n")
        written.append(file)
    return tuple(written)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _joined(text: str) -> str:
    """Lines of Chinese as one, with a blank where Latin letters or digits meet anything but punctuation."""
    joined = ""
    for line in map(str.strip, text.splitlines()):
        meet = joined[-1:] + line[:1]
        both = meet.isascii() and "`" not in meet
        joined += (" " if joined and (both or _MIXED.fullmatch(meet)) else "") + line
    return joined


def _spaced(text: str) -> str:
    """A blank between Chinese characters and what is set as code, whatever a line break swallowed."""
    parts = re.split(r"(`[^`]*`)", text)
    for number in range(1, len(parts), 2):
        before, after = parts[number - 1], parts[number + 1]
        parts[number - 1] = f"{before} " if _IDEOGRAPH.fullmatch(before[-1:]) else before
        parts[number + 1] = f" {after}" if _IDEOGRAPH.fullmatch(after[:1]) else after
    return "".join(parts)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    for file in write(target):
        sys.stdout.write(f"{file}\n")
