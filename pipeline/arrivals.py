"""What is kept of an interaction that waits for its turn, and the way back to all that came with it.

A night may bring more text than fits into memory. Planning needs to know who is there, not what was said: that is read
again from its file when its batch is due.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.conversation import Channel, Interaction, Json
from pipeline.errors import InputError
from pipeline.i18n import Language, t
from pipeline.interactions import decode_json, parse_interaction


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes of a file: where they begin, how many they are, and what they were.

    `line` is the number of a line in a `.jsonl` file, `None` for a whole file. Of a recording that came alone there is
    no JSON: `size` is 0.
    """

    file: str
    line: int | None
    offset: int
    size: int
    mark: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """An interaction of an inbox without what was said. `written`: its turns came with it as text.

    `place` is where its JSON stands; the other fields are those of `pipeline.conversation.Interaction`.
    """

    id: str
    channel: Channel
    digest: str
    source: str
    written: bool
    recording: str | None
    place: Place


def place_of(file: Path, line: int | None, offset: int, data: bytes) -> Place:
    """The place of `data`, which stands in `file` from `offset` on."""
    return Place(sys.intern(str(file)), line, offset, len(data), _mark(data))


def arrival_of(interaction: Interaction, place: Place) -> Arrival:
    """What is kept of an interaction."""
    return Arrival(
        interaction.id,
        interaction.channel,
        interaction.digest,
        interaction.source,
        interaction.written,
        interaction.recording,
        place,
    )


def fetch(arrival: Arrival, *, language: Language = "zh") -> Interaction:
    """All that came with an interaction, read again from where it was found.

    Raises:
        InputError: Z301, the file is gone, or other than it was.
    """
    place = arrival.place
    content: Mapping[str, Json] = {"id": arrival.id, "channel": arrival.channel.value}
    if place.size:
        try:
            content = decode_json(read_again(place).decode("utf-8-sig"), source=arrival.source, language=language)
        except (OSError, ValueError, InputError) as error:
            what = t(language, "ingest.moved")
            raise InputError("Z301", what, where=arrival.source, hint=t(language, "ingest.moved_hint")) from error
    return parse_interaction(
        content, source=arrival.source, digest=arrival.digest, recording=arrival.recording, language=language
    )


def read_again(place: Place) -> bytes:
    """The bytes of a place.

    Raises:
        OSError: the file cannot be read, or it has other bytes there than it had.
    """
    with Path(place.file).open("rb") as file:
        file.seek(place.offset)
        data = file.read(place.size)
    if _mark(data) != place.mark:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), place.file)
    return data


def _mark(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()
