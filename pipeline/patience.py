"""Trying again where that can help: a store that is held by another, a network folder that stalls. Never elsewhere."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pipeline.errors import StoreError

TRIES, FIRST_SECONDS, MOST_SECONDS = 4, 0.5, 8.0
"""How often a step is tried, and how long to wait before the second try; the wait doubles with every further one."""
_PASSING = {"Z404", "Z406", "Z408"}
_PASSING_NUMBERS = {
    errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT, errno.ENFILE, errno.EMFILE,
}  # fmt: skip
Args = ParamSpec("Args")
Made = TypeVar("Made")


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed a little later: not so where a disk is full, a file missing, or a right lacking."""
    if isinstance(error, StoreError):
        return error.code in _PASSING
    return isinstance(error, OSError) and error.errno in _PASSING_NUMBERS


def patiently(step: Callable[Args, Made], *args: Args.args, **more: Args.kwargs) -> Made:
    """What a step gives, tried up to `TRIES` times with growing pauses while its error may pass; then that error."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

    trying = Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(multiplier=FIRST_SECONDS, max=MOST_SECONDS, jitter=FIRST_SECONDS),
        reraise=True,
    )
    return trying(step, *args, **more)
