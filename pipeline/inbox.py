"""Which files of an inbox can be taken, which are still being written, and which nobody can read."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipeline.conversation import SetAside
from pipeline.errors import InputError
from pipeline.i18n import Language, t

UNFINISHED = frozenset({".part", ".partial", ".filepart", ".crdownload", ".tmp", ".download"})
"""Endings of files that a program is still fetching."""
_CLUTTER = {"thumbs.db", "desktop.ini"}
PATIENCE = 10.0
"""Seconds that a run waits at most for files that were just written."""
Mark: TypeAlias = "tuple[int, int] | None"
"""Size in bytes and time of change in nanoseconds by which a change is seen; `None` where the file is not there."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """Files to take, each with its mark; files that are still being written; what cannot be read.

    `settling` is in how many seconds all that are waiting have settled, unless they change again.
    """

    ready: Mapping[Path, Mark]
    waiting: tuple[Path, ...]
    unreadable: tuple[SetAside, ...]
    settling: float


def sift(inbox: Path, settled_seconds: float, language: Language) -> Sifted:
    """The files of a folder and all folders below it, hidden ones passed over, by their paths.

    Files that changed within `settled_seconds` are waited for, once and no longer than `PATIENCE`.
    """
    found = _sift(inbox, settled_seconds, language)
    if 0 < found.settling <= PATIENCE:
        time.sleep(found.settling)
        found = _sift(inbox, settled_seconds, language)
    return found


def changed(before: Mapping[Path, Mark]) -> frozenset[Path]:
    """Those files that no longer have their mark."""
    return frozenset(path for path, mark in before.items() if _mark(_status(path)) != mark)


def unreadable(where: str, detail: str, language: Language) -> InputError:
    """The error about a file or folder that cannot be read."""
    what = t(language, "ingest.unreadable", detail=detail)
    return InputError("Z111", what, where=where, hint=t(language, "ingest.unreadable_hint"))


def _sift(inbox: Path, settled_seconds: float, language: Language) -> Sifted:
    now = time.time()
    ready: dict[Path, Mark] = {}
    waiting: list[Path] = []
    unread: list[SetAside] = []
    settling = 0.0

    def pass_over(where: str, detail: str) -> None:
        problem = unreadable(Path(where).relative_to(inbox).as_posix(), detail, language)
        unread.append(SetAside.because(problem, problem.where))

    def skip(error: OSError) -> None:
        pass_over(str(error.filename), error.strerror or "")

    for folder, folders, names in os.walk(inbox, onerror=skip):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if name.startswith((".", "~$")) or name.lower() in _CLUTTER:
                continue
            status = _status(path)
            if status is not None and not stat.S_ISREG(status.st_mode):
                pass_over(str(path), t(language, "ingest.no_regular_file"))
            elif path.suffix.lower() in UNFINISHED:
                waiting.append(path)
            elif status is not None and 0 <= now - status.st_mtime < settled_seconds:
                waiting.append(path)
                settling = max(settling, status.st_mtime + settled_seconds - now)
            else:
                ready[path] = _mark(status)
    return Sifted(dict(sorted(ready.items())), tuple(sorted(waiting)), tuple(unread), settling)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _mark(status: os.stat_result | None) -> Mark:
    return None if status is None else (status.st_size, status.st_mtime_ns)
