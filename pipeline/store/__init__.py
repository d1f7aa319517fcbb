"""Where results are kept: tables, queries that give frozen records, migrations, copies of recordings.

Nothing outside this package knows SQLAlchemy. An evaluation is never edited: a change of scorecard, models or engine
makes another row. Importing this package is cheap; `open_store` is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.store.records import (
    CardChange,
    CardState,
    CardVersion,
    Decision,
    Failure,
    Hit,
    Item,
    Listed,
    Outline,
    Quarantined,
    Result,
    Reviewed,
    Run,
    Stored,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.i18n import Language
    from pipeline.store.database import Store

__all__ = [
    "CardChange",
    "CardState",
    "CardVersion",
    "Decision",
    "Failure",
    "Hit",
    "Item",
    "Listed",
    "Outline",
    "Quarantined",
    "Result",
    "Reviewed",
    "Run",
    "Stored",
    "open_store",
]


def open_store(url: str, *, media: str | Path, language: Language = "zh") -> Store:
    """Open the store at a SQLAlchemy URL, make or upgrade its tables.

    Args:
        url: such as `sqlite:////srv/zhijian/zhijian.sqlite` or `postgresql+psycopg://…`.
        media: the folder that copies of recordings go to: a path, or an address such as `s3://bucket/folder`.
        language: of errors.

    Raises:
        StoreError: Z401 no such kind of database, Z402 it cannot be opened, Z403 it was made by a newer zhijian, Z407
            no such kind of folder for recordings.
    """
    from pipeline.store.database import Store

    return Store(url, media=media, language=language)
