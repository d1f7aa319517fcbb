"""Both READMEs tell every command and setting, link to what is there, and show an item that is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.check import validate
from pipeline.cli.app import app
from pipeline.i18n import Language
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


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "samples/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", text_of(name))
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


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
