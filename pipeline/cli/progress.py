"""On standard error, while batches are worked on: bars for people, or lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.cli.console import messages
from pipeline.i18n import Language, t


class Bars:
    """One bar over interactions, with the minutes of speech that were transcribed so far."""

    def __init__(self, interactions: int, language: Language) -> None:
        self._language = language
        self._seconds = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speech]}"),
            console=messages(),
        )
        self._task = self._progress.add_task(t(language, "cli.progress.evaluating"), total=interactions, speech="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def heard(self, seconds: float) -> None:
        """So many more seconds of speech were transcribed."""
        self._seconds += seconds
        minutes = f"{self._seconds / 60:.1f}"
        self._progress.update(self._task, speech=t(self._language, "cli.progress.speech", minutes=minutes))

    def done(self, interactions: int) -> None:
        """So many more interactions are done."""
        self._progress.advance(self._task, interactions)

    def step(self, stage: str, interactions: Sequence[str]) -> None:
        """Nothing: bars tell what is done."""


class Lines:
    """One JSON object a stage and line on standard error: `stage` and the ids of the `interactions`."""

    def heard(self, seconds: float) -> None:
        """Nothing."""

    def done(self, interactions: int) -> None:
        """Nothing."""

    def step(self, stage: str, interactions: Sequence[str]) -> None:
        """A stage is passed."""
        sys.stderr.write(json.dumps({"stage": stage, "interactions": list(interactions)}, ensure_ascii=False) + "\n")
        sys.stderr.flush()
