"""Copies of recordings, named by their content, so that reports can play them after the inbox was emptied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.recordings import file_digest
from pipeline.remote import RemotePath, at_hand


def keep(recording: str, folder: Path | RemotePath) -> str:
    """Copy a recording into `folder`, unless it is there already. A copy in `folder` is taken as it is.

    Returns:
        The name of the copy below `folder`, such as `3f/3f9a….wav`.

    Raises:
        OSError: the recording cannot be read or the copy not written.
    """
    if recording.startswith(f"{folder}/"):
        return recording.removeprefix(f"{folder}/")
    file = at_hand(recording)
    digest = file_digest(file)
    name = f"{digest[:2]}/{digest}{file.suffix.lower()}"
    copy = folder / name
    if isinstance(copy, RemotePath):
        copy.put(file)
    elif not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.{os.getpid()}.part")
        shutil.copyfile(file, partial)
        partial.replace(copy)
    return name
