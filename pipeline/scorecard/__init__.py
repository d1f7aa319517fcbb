"""Scorecards: YAML → `Scorecard`, and everything that can be wrong with one."""

from pipeline.scorecard.document import Document
from pipeline.scorecard.examples import dialogue
from pipeline.scorecard.load import (
    BadScorecardError,
    Problem,
    find_scorecard,
    load_scorecard,
    read,
    shipped_scorecards,
)
from pipeline.scorecard.model import Criterion, Scorecard, Title

__all__ = [
    "BadScorecardError",
    "Criterion",
    "Document",
    "Problem",
    "Scorecard",
    "Title",
    "dialogue",
    "find_scorecard",
    "load_scorecard",
    "read",
    "shipped_scorecards",
]
