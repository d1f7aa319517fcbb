"""Little scorecards for tests."""

from __future__ import annotations

from pathlib import Path

from pipeline.conversation import Conversation, Finding
from pipeline.criteria.base import Outcome
from pipeline.scorecard import Scorecard, load_scorecard
from pipeline.scoring import context_for, score


def card(folder: Path, criteria: str, *, top: str = "") -> Scorecard:
    """A scorecard of the given criteria (YAML list items, without indentation) and further top-level lines."""
    path = folder / "card.yaml"
    path.write_text(f'id: test\nversion: "1"\ntitle: 测试\npass: 60\n{top}\ncriteria:\n{criteria}\n', encoding="utf-8")
    return load_scorecard(path)


def finding(folder: Path, conversation: Conversation, worth: str, operator: str, *, top: str = "") -> Finding:
    """The finding of one criterion, `worth` and `operator` being its YAML lines."""
    lines = "\n".join(f"    {line}" for line in f"{worth}\n{operator}".splitlines())
    scorecard = card(folder, f"  - id: it\n    title: 项目\n    section: s\n{lines}", top=top)
    return score(conversation, scorecard, engine_version="test").findings[0]


def outcome(folder: Path, conversation: Conversation, operator: str, *, top: str = "") -> Outcome:
    """What the operator alone says."""
    lines = "\n".join(f"    {line}" for line in operator.splitlines())
    scorecard = card(folder, f"  - id: it\n    title: 项目\n    section: s\n    points: 1\n{lines}", top=top)
    context = context_for(scorecard, conversation)
    return scorecard.criteria[0].expression.plan(conversation, context)
