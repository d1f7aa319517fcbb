"""Text files that are there whole or not at all, however many write them at once."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, text: str) -> None:
    """Write a text file, which appears under its name only once it is whole.

    Args:
        path: of the file, in a folder that exists; a file that is there is replaced.
        text: of the file, in UTF-8.

    Raises:
        OSError: it cannot be written. Nothing is left behind then.
    """
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
