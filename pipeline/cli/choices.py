"""What options and arguments can be."""

from __future__ import annotations

from enum import StrEnum


class Output(StrEnum):
    """How `score` and `validate` print."""

    JSON = "json"
    TABLE = "table"


class CardOutput(StrEnum):
    """How `scorecard show` prints."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


class RescoreOutput(StrEnum):
    """How `rescore` tells what would change."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


class Lines(StrEnum):
    """How `export` prints."""

    JSONL = "jsonl"


class Judged(StrEnum):
    """What a person can decide; who has listened is not unsure."""

    MET = "met"
    PARTIAL = "partial"
    UNMET = "unmet"
    NOT_APPLICABLE = "not_applicable"


class Trainable(StrEnum):
    """What `models train` can train."""

    UTTERANCE = "utterance"


class EngineName(StrEnum):
    """How `run` works."""

    LOCAL = "local"
    PREFECT = "prefect"
    DASK = "dask"
