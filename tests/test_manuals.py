"""The manuals tell every command, setting and error code, link to what is there, and show what is valid."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.check import validate
from pipeline.cli.app import app
from pipeline.dialogue import build
from pipeline.flagging import flag
from pipeline.formats_out import evaluation_record
from pipeline.i18n import Language
from pipeline.interactions import parse_interaction
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score
from pipeline.settings import environment_name, keys

ROOT = Path(__file__).parent.parent
MANUALS: list[tuple[str, Language]] = [("README.md", "en"), ("README.zh-CN.md", "zh")]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "_language"), MANUALS)
def test_every_setting_is_told_with_its_variable(name: str, _language: Language) -> None:
    told = set(re.findall(r"^\| `([\w.]+)` \| `(ZHIJIAN_\w+)` \|", text_of(name), re.M))
    assert told == {(key, environment_name(key)) for key in keys()}


@pytest.mark.parametrize(("name", "_language"), MANUALS)
def test_every_command_is_told(name: str, _language: Language) -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name for group in app.registered_groups}
    assert set(re.findall(r"^\| `zhijian (\w+)", text_of(name), re.M)) == commands | groups


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "samples/README.md"),
        *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
    ],
)
def test_links_lead_somewhere(name: str) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(name), flags=re.S)
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", prose)
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("folder", ["pipeline", "models", "scorecards", "bench", "samples"])
def test_manuals_that_the_code_names_are_there(folder: str) -> None:
    sources = [path for end in ("py", "yaml", "html", "js") for path in (ROOT / folder).rglob(f"*.{end}")]
    named = [
        (path, name) for path in sources for name in re.findall(r"[\w/.-]+\.md\b", path.read_text(encoding="utf-8"))
    ]
    assert [(path, name) for path, name in named if not any((at / name).exists() for at in (ROOT, path.parent))] == []


def codes_of(text: str) -> set[int]:
    """Numbers of the error codes in `text`, ranges such as Z301–Z304 included."""
    ranges = re.findall(r"Z(\d{3})(?:–Z(\d{3}))?", text)
    return {number for first, last in ranges for number in range(int(first), int(last or first) + 1)}


def test_every_error_code_is_told() -> None:
    raised = [
        code for path in (ROOT / "pipeline").rglob("*.py") for code in re.findall(r'"(Z\d{3})"', text_of(str(path)))
    ]
    assert codes_of(" ".join(raised)) == codes_of(text_of("docs/formats.md").split("## Error codes")[1])


def test_every_error_code_is_told_once() -> None:
    table = text_of("docs/formats.md").split("## Error codes")[1]
    told = [number for row in re.findall(r"^\| (Z[^|]*)\|", table, re.M) for number in sorted(codes_of(row))]
    assert [number for number in set(told) if told.count(number) > 1] == []


def test_shown_interaction_is_taken_and_shown_evaluation_is_whole() -> None:
    shown_in, shown_out, *_ = (
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", text_of("docs/formats.md"), re.S)
    )
    interaction = parse_interaction(shown_in, source="docs/formats.md", digest="sha256:0", recording="call.wav")
    assert interaction.extra == {}
    card = find_scorecard("hotline")
    evaluation = score(build(interaction, interaction.turns), card, engine_version="0")
    made = evaluation_record(evaluation, flag(evaluation, build(interaction, interaction.turns), card), card)
    assert set(shown_out) == set(made)
    for key in ("measures", "classes", "review", "scorecard"):
        assert set(shown_out[key]) == set(made[key])  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "language"), MANUALS)
def test_item_that_is_shown_is_valid(name: str, language: Language, tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(- id: .*?)```", text_of(name), re.S)
    assert found is not None
    item = "".join(f"  {line}\n" for line in found[1].splitlines())
    card = tmp_path / "card.yaml"
    card.write_text(
        f'id: shown\nversion: "1.0"\ntitle: 示例\npass: 80\nsections: {{closing: 结束}}\ncriteria:\n{item}',
        encoding="utf-8",
    )
    assert validate(card, language=language) == ()
