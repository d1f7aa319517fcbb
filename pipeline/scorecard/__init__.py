"""Scorecards: YAML → `Scorecard`, and everything that can be wrong with one."""

from pipeline.criteria.title import Title
from pipeline.scorecard.document import Document
from pipeline.scorecard.examples import dialogue
from pipeline.scorecard.load import find_scorecard, load_scorecard, read, shipped_scorecards
from pipeline.scorecard.model import Criterion, Scorecard
from pipeline.scorecard.problems import BadScorecardError, Fault, Place, Problem, Spot, in_order

__all__ = [
    "BadScorecardError",
    "Criterion",
    "Document",
    "Fault",
    "Place",
    "Problem",
    "Scorecard",
    "Spot",
    "Title",
    "dialogue",
    "find_scorecard",
    "in_order",
    "load_scorecard",
    "read",
    "shipped_scorecards",
]
