"""Python's garbage collector, told not to look again and again through what stays: libraries, models, cards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

SELDOM = (5_000, 10, 10)
"""Objects after which the collector looks through the youngest, and how often that makes it look through older ones."""
_LOCK = Lock()
_inside = 0
_before = gc.get_threshold()


@contextmanager
def seldom() -> Iterator[None]:
    """While it is entered, by whatever thread, the collector runs seldom and passes over what was there before.

    A batch makes many small records, which go without it; it would take a fourth of the time of writing pages.
    """
    global _inside, _before
    with _LOCK:
        if not _inside:
            _before = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(*SELDOM)
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                gc.unfreeze()
                gc.set_threshold(*_before)
