"""Copies of recordings, named by their content, so that reports can play them after the inbox was emptied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.recordings import file_digest


def keep(recording: Path, folder: Path) -> str:
    """Copy a recording into `folder`, unless it is there already. A copy in `folder` is taken as it is.

    Returns:
        The name of the copy below `folder`, such as `3f/3f9a….wav`.

    Raises:
        OSError: the recording cannot be read or the copy not written.
    """
    if recording.is_relative_to(folder):
        return recording.relative_to(folder).as_posix()
    digest = file_digest(recording)
    name = f"{digest[:2]}/{digest}{recording.suffix.lower()}"
    copy = folder / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.{os.getpid()}.part")
        shutil.copyfile(recording, partial)
        partial.replace(copy)
    return name
