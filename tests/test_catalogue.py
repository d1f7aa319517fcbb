"""The catalogue of sentences: every key is used, and every key that is used exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.i18n import LANGUAGES, area

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"
AREAS = sorted(path.stem for path in (PACKAGE / "locales").glob("*.yaml"))
SOURCES = {
    path: path.read_text(encoding="utf-8") for end in ("py", "html") for path in sorted(PACKAGE.rglob(f"*.{end}"))
}
QUOTED = re.compile(r"""["']@?([a-z]\w*(?:\.\w+)*)["']""")

BEHIND: dict[str, tuple[str, ...]] = {
    "cli": ("pipeline/cli/app.py",),
    "quarantine": ("pipeline/cli/quarantine.py",),
    "store": ("pipeline/store",),
    "report": ("pipeline/reports", "pipeline/cli"),
    "ingest": ("pipeline/ingest.py", "pipeline/recordings.py", "pipeline/interactions.py"),
    "hearing": ("pipeline/transcribe.py",),
    "rescore": ("pipeline/cli/rescores.py", "pipeline/reports"),
    "nights": ("pipeline/reports",),
}
"""Where a helper puts the area before a key, so that the key stands in the source without it (`say("home")`)."""

DYNAMIC = (
    *("privacy.table.", "privacy.what.", "privacy.class."),
    # the end is a value: `f"{the part here}{value}"`
    "cli.search.", "cli.backup.", "cli.restore.",
    "cli.panel.", "cli.batch.", "cli.set_aside.", "cli.validate.", "cli.agent.",
    "criteria.role.", "criteria.way.", "criteria.channel.", "criteria.class.", "criteria.measure.", "criteria.tone.",
    "criteria.privacy.", "criteria.hold.", "criteria.sequence.",
    "criteria.question.", "criteria.entity.",
    "criteria.pattern.", "criteria.similar.", "criteria.emoji.", "criteria.terms.", "settings.embedding.",
    "flag.",
    "hearing.warning.",
    "ingest.expected.",
    "models.column.",
    "report.advice.", "report.channel.", "report.chart.kind.", "report.complaint.", "report.level.", "report.measure.",
    "report.mood.", "report.rule.", "report.speaker.", "report.verdict.", "report.weekday.",
    "scorecard.error.", "scorecard.verdict.",
    "versions.column.", "versions.state.", "difference.",
    "rescore.column.", "rescore.table.", "rescore.pass.", "rescore.direction.", "rescore.criterion.", "rescore.way.",
    "learning.column.",
    "validate.error.", "validate.warning.", "validate.advice.", "validate.fix.", "validate.why.",
    "training.base.", "training.step.",
    "usage.says.",
    "alerts.warning.", "alerts.state.", "alerts.column.",
    "nights.table.", "nights.column.", "nights.channel.", "nights.line.",
)  # fmt: skip
"""Beginnings of keys that are put together while the program runs."""


def every(*names: str) -> list[str]:
    return [key for name in names or AREAS for key in area(name)]


def in_sources(name: str) -> set[str]:
    """Whole keys of an area that stand in the sources."""
    found: set[str] = set()
    for path, text in SOURCES.items():
        quoted = set(QUOTED.findall(text))
        found |= {key for key in quoted if key.startswith(f"{name}.")}
        if any((ROOT / place) in (path, *path.parents) for place in BEHIND.get(name, ())):
            found |= {f"{name}.{key}" for key in quoted}
    return found


@pytest.mark.parametrize("name", AREAS)
def test_every_sentence_is_used(name: str) -> None:
    used = in_sources(name)
    unused = [key for key in every(name) if key not in used and not key.startswith(DYNAMIC)]
    # a hint is found by the key of its error: `f"{area}.{key}_hint"`
    assert [key for key in unused if not (key.endswith("_hint") and key.removesuffix("_hint") in used)] == []


def test_every_sentence_that_is_used_is_there() -> None:
    told = {
        (path.name, key)
        for path, text in SOURCES.items()
        for key in re.findall(r"""\bt\(\s*\w[\w.]*,\s*"([\w.]+)\"""", text)
    }
    told |= {
        (path.name, key) for path, text in SOURCES.items() for key in re.findall(r"""\bReason\(\s*"([\w.]+)\"""", text)
    }
    told |= {
        (path.name, f"report.{key}")
        for path, text in SOURCES.items()
        for key in re.findall(r"""\bsay\(\s*["']([\w.]+)["']\s*[,)]""", text)
    }
    assert len(told) > 200
    known = set(every())
    assert {(file, key) for file, key in told if key not in known} == set()


def test_every_beginning_that_is_put_together_has_an_end() -> None:
    known = every()
    assert [start for start in DYNAMIC if not any(key.startswith(start) for key in known)] == []
    start = re.compile(rf"""f["']@?((?:{"|".join(AREAS)})\.(?:\w+\.)*)\{{""")
    begun = {key for text in SOURCES.values() for key in start.findall(text)}
    assert [start for start in sorted(begun) if not any(key.startswith(start) for key in known)] == []


@pytest.mark.parametrize("name", AREAS)
def test_every_sentence_is_there_in_every_language(name: str) -> None:
    for key, sentences in area(name).items():
        assert key.startswith(f"{name}.")
        assert set(sentences) == set(LANGUAGES), key
        assert all(sentences.values()), key
