"""The log of the commands."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.settings import PRIVATE


def keep_log(path: Path) -> None:
    """Write warnings of the pipeline to a file, without personal data."""
    handler = _LateFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("pipeline").addHandler(handler)


class _LateFile(logging.Handler):
    """Writes to a file that is made with the first record, so that commands that log nothing leave nothing behind."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        from pipeline.redact import masked_text

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(masked_text(self.format(record), proved=True) + "\n")
        except OSError:
            self.handleError(record)
