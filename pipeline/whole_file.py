"""Files that are there whole or not at all, however many write them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file that appears as `path`, replacing one that is there, once all of it is written.

    Raises:
        OSError: it cannot take its name. Nothing is left behind then, nor where writing fails.
    """
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8, into a folder that exists, whole or not at all.

    Raises:
        OSError: it cannot be written. Nothing is left behind then.
    """
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
