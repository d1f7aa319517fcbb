"""From the outbox to the receivers, with further tries where they can help."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.alerts import mail, robots
from pipeline.alerts.receivers import Kind, Receiver
from pipeline.alerts.sending import NoAnswerError, NotNowError, RefusedError
from pipeline.settings import Settings
from pipeline.store.records import Letter, LetterState

if TYPE_CHECKING:
    from pipeline.store.database import Store

logger = logging.getLogger(__name__)
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages were sent, wait for another run, were refused, or may have arrived."""

    sent: int = 0
    waiting: int = 0
    refused: int = 0
    unknown: int = 0


def deliver(
    store: Store,
    to: Sequence[Receiver],
    settings: Settings,
    *,
    attempts: int | None = None,
    again: bool = False,
    only: Collection[str] | None = None,
    pause: Pause = time.sleep,
) -> Delivered:
    """Send what waits for these receivers, oldest first.

    A try that may help later is made again, `alerts.attempts` times, after `alerts.backoff` seconds and twice as long
    each time. A receiver that failed that often gets no further message in this run: what is left waits for the next.

    Args:
        store: with the outbox.
        to: the receivers.
        settings: how long to wait, whom mail comes from.
        attempts: tries of one message; default those of the settings.
        again: try what was refused, too.
        only: keys of the messages that are meant; default all.
        pause: how to wait.

    Raises:
        StoreError: the store cannot be read or written.
    """
    by_name = {receiver.name: receiver for receiver in to}
    counts: Counter[LetterState] = Counter()
    failing: set[str] = set()
    for letter in store.letters_due(list(by_name), again=again):
        if only is not None and letter.key not in only:
            continue
        if letter.receiver in failing:
            counts[LetterState.WAITING] += 1
            continue
        state = _deliver(store, letter, by_name[letter.receiver], settings, attempts, pause)
        if state is not None:
            counts[state] += 1
        if state is LetterState.WAITING:
            failing.add(letter.receiver)
    return Delivered(
        counts[LetterState.SENT],
        counts[LetterState.WAITING],
        counts[LetterState.REFUSED],
        counts[LetterState.UNKNOWN],
    )


def _deliver(
    store: Store, letter: Letter, receiver: Receiver, settings: Settings, attempts: int | None, pause: Pause
) -> LetterState | None:
    """The state that a message is left in; `None` where another process has it."""
    state: LetterState | None = None
    for number in range(attempts or settings.alerts.attempts):
        if number:
            pause(settings.alerts.backoff * 2 ** (number - 1))
        claimed = store.claim_letter(letter.id)
        if claimed is None:
            return state
        state = _try(store, claimed, receiver, settings)
        if state is not LetterState.WAITING:
            break
    return state


def _try(store: Store, letter: Letter, receiver: Receiver, settings: Settings) -> LetterState:
    send = mail.send if receiver.kind is Kind.MAIL else robots.send
    try:
        send(letter, receiver, settings)
    except RefusedError as error:
        logger.warning("alert %s to %s refused: %s", letter.key, receiver.name, error)
        return store.settle_letter(letter.id, LetterState.REFUSED, str(error))
    except NotNowError as error:
        return store.settle_letter(letter.id, LetterState.WAITING, str(error))
    except NoAnswerError as error:
        return store.settle_letter(letter.id, LetterState.WAITING, str(error), doubtful=True)
    except Exception as error:
        logger.exception("alert %s to %s could not be sent", letter.key, receiver.name)
        return store.settle_letter(letter.id, LetterState.WAITING, type(error).__name__, doubtful=True)
    return store.settle_letter(letter.id, LetterState.SENT)
