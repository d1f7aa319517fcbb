"""What text is searched by: pairs of neighbouring characters. Most Chinese words have two, and no blanks part them.

An index of words would need a dictionary and miss what is not in it; one of three characters misses words of two. Pairs
find every text of two characters and more. Longer texts are looked for by all their pairs; whether these stand in a row
is seen in the turns.

Beside the pairs of a conversation stands a mark of its agent, so that a search of one agent need not gather what all
the others said. It looks like a pair whose first unit no text has: half of a surrogate.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from struct import unpack

LEAST = 2
"""Characters that a text must have to be searched for."""


def form(text: str) -> str:
    """`text` as it is compared: letters, digits and Chinese characters; half-width, lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))


def place(text: str, wanted: str) -> tuple[int, int]:
    """The half-open span of `text` that has the form `wanted`, the first one.

    Raises:
        ValueError: there is none.
    """
    offsets: list[int] = []
    letters: list[str] = []
    for number, character in enumerate(text):
        kept = form(character)
        letters.append(kept)
        offsets += [number] * len(kept)
    start = "".join(letters).index(wanted)
    return offsets[start], offsets[start + len(wanted) - 1] + 1


def pairs(texts: Iterable[str]) -> tuple[int, ...]:
    """The pairs in `texts`, each once, ascending; no pair reaches from one text into the next.

    A pair is the signed 32-bit number of its two UTF-16 units; characters beyond the basic plane count as U+FFFD.
    """
    return tuple(sorted(set().union(*map(_pairs, texts))))


@lru_cache(maxsize=65536)
def _pairs(text: str) -> frozenset[int]:
    said = form(text)
    units = said.encode("utf-16-be")
    if len(units) > 2 * len(said):
        units = "".join(sign if sign <= "\uffff" else "\ufffd" for sign in said).encode("utf-16-be")
    # Read as whole numbers of 32 bits, once from the first unit on and once from the second.
    halves = (units[first : first + (len(units) - first) // 4 * 4] for first in (0, 2))
    return frozenset().union(*(unpack(f">{len(half) // 4}i", half) for half in halves))


def agent_mark(agent: str) -> int:
    """What stands beside the pairs for the agent with that id: 27 bits of its digest, so that two may share one."""
    return _signed(0xD8000000 | int.from_bytes(hashlib.sha256(agent.encode()).digest()[:4]) >> 5)


def _signed(number: int) -> int:
    return (number + 0x80000000) % 0x100000000 - 0x80000000
