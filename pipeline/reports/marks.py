"""What the page of an interaction was made from, in one digest that stands at its end.

Where the same would be written again, the page is left alone: a night changes few of the pages of the night before.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pipeline import __version__
from pipeline.i18n import Language
from pipeline.reports.material import Case, Night


class Marks:
    """Marks of the pages of one report.

    Args:
        night: the material.
        language: of the pages.
        linked: whether they link to an overview.
    """

    def __init__(self, night: Night, language: Language, *, linked: bool) -> None:
        self._revised = night.load is not None
        self._cards = {name: _digest(repr(card)) for name, card in night.cards.items()}
        self._common = (_program(), language, linked, str(night.made_at.tzinfo))

    def of(self, case: Case) -> str:
        """The mark of a case, which may be an outline; empty where only the whole case would tell.

        An evaluation never changes, so that its keys say all of it: content, scorecard, models, version. Besides count
        what else the page shows: wording, review, decisions, whether there is a recording and what was deleted.
        """
        if not self._revised:
            return ""
        interaction, evaluation = case.conversation.interaction, case.evaluation
        recording = interaction.recording
        there = recording is not None and ("://" in recording or Path(recording).is_file())
        parts = (
            *self._common,
            self._cards.get(evaluation.scorecard_id),
            (interaction.digest, interaction.id, interaction.source, case.revision, there),
            (evaluation.scorecard_digest, evaluation.engine_version, sorted(evaluation.models.items())),
            (case.review.flagged, case.review.priority, case.review.reasons),
            sorted((criterion, verdict.value) for criterion, verdict in case.decided.items()),
        )
        return _digest(repr(parts))


def stamp(mark: str) -> str:
    """What stands at the end of a page with this mark."""
    return f"\n<!-- {mark} -->\n" if mark else ""


def marked(page: Path, mark: str) -> bool:
    """Whether a page is there with this mark at its end."""
    end = stamp(mark).encode()
    try:
        with page.open("rb") as file:
            file.seek(-len(end), 2)
            return file.read() == end
    except OSError:
        return False


@cache
def _program() -> str:
    """Digest of what makes pages: the version, the modules and templates of reports, and the catalogue."""
    whole = hashlib.sha256(__version__.encode())
    for folder in ("reports", "locales"):
        for name, content in sorted(_contents(files("pipeline") / folder)):
            whole.update(f"{folder}/{name}".encode())
            whole.update(content)
    return whole.hexdigest()


def _contents(folder: Traversable) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += [(f"{entry.name}/{name}", content) for name, content in _contents(entry)]
        elif entry.name.endswith((".py", ".html", ".yaml")):
            found.append((entry.name, entry.read_bytes()))
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
