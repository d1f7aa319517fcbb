"""How a try to send ends badly: refused, not now, or without an answer."""

from __future__ import annotations


class SendingError(Exception):
    """A try that failed. The text goes into the store: it must hold neither keys nor addresses."""


class RefusedError(SendingError):
    """The receiver does not take it, and would not take it again."""


class NotNowError(SendingError):
    """It has not arrived, for certain; another try may help."""


class NoAnswerError(SendingError):
    """Nobody knows whether it arrived."""
