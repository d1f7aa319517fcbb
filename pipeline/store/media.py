"""Copies of recordings, named by their content, so that reports can play them after the inbox was emptied."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from pipeline.conversation import Conversation
from pipeline.recordings import file_digest
from pipeline.remote import RemotePath, at_hand
from pipeline.whole_file import whole


def copies(conversations: Iterable[Conversation], folder: Path | RemotePath) -> dict[str, str | None]:
    """Names of the copies of recordings in `folder`, by digest of their interactions; made where there is none.

    Raises:
        OSError: a recording cannot be read or its copy not written.
    """
    interactions = (conversation.interaction for conversation in conversations)
    return {one.digest: None if one.recording is None else _copy(one.recording, folder) for one in interactions}


def _copy(recording: str, folder: Path | RemotePath) -> str:
    """The name of a recording's copy below `folder`, such as `3f/3f9a….wav`. What lies in `folder` is a copy itself."""
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
        with whole(copy) as unfinished:
            shutil.copyfile(file, unfinished)
    return name
