"""`zhijian alerts`: who got which message, a trial message, sending what is left."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from pipeline.alerts.deliver import Delivered, deliver
from pipeline.alerts.receivers import Receiver, receivers
from pipeline.alerts.wording import trial_message
from pipeline.cli.console import messages, results
from pipeline.i18n import t
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.store.records import Letter, LetterState

_COLOUR = {
    LetterState.SENT: "green",
    LetterState.REFUSED: "red",
    LetterState.UNKNOWN: "yellow",
    LetterState.WAITING: "yellow",
    LetterState.SENDING: "dim",
}


def show(settings: Settings, *, limit: int) -> int:
    """Print the last messages; gives the exit status."""
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        found = store.letters(limit)
    if found:
        results().print(_table(found, receivers(settings), settings))
    else:
        messages().print(t(settings.language, "alerts.none"))
    return 0


def trial(settings: Settings) -> int:
    """Send a trial message to every receiver; 1 where one did not get it for certain."""
    to = receivers(settings)
    if not to:
        return _nobody(settings)
    message = trial_message(made_at=datetime.now(UTC), language=settings.language)
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        store.put_message(message, [receiver.name for receiver in to])
        keys = {letter.key for letter in store.letters(len(to)) if letter.message.alert == message.alert}
        done = deliver(store, to, settings, only=keys)
        sent = [letter for letter in store.letters(len(to)) if letter.key in keys]
    results().print(_table(sent[::-1], to, settings))
    return _told(done, settings)


def send(settings: Settings) -> int:
    """Send what waits or was refused; 1 where something is left."""
    to = receivers(settings)
    if not to:
        return _nobody(settings)
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        done = deliver(store, to, settings, again=True)
    return _told(done, settings)


def _nobody(settings: Settings) -> int:
    messages().print(t(settings.language, "alerts.nobody"))
    return 1


def _told(done: Delivered, settings: Settings) -> int:
    counts = {"sent": done.sent, "waiting": done.waiting, "refused": done.refused, "unknown": done.unknown}
    messages().print(t(settings.language, "alerts.done", **counts))
    return 1 if done.waiting or done.refused or done.unknown else 0


def _table(letters: list[Letter] | tuple[Letter, ...], to: tuple[Receiver, ...], settings: Settings) -> Table:
    language, zone = settings.language, ZoneInfo(settings.time_zone)
    known = {receiver.name: f"{receiver.kind} {receiver.shown}" for receiver in to}
    table = Table(box=None, pad_edge=False)
    for name in ("time", "title", "receiver", "state", "tries", "problem"):
        table.add_column(t(language, f"alerts.column.{name}"), overflow="fold")
    for letter in letters:
        gone = t(language, "alerts.gone", kind=letter.receiver.partition(":")[0])
        table.add_row(
            f"{letter.message.made_at.astimezone(zone):%m-%d %H:%M}",
            escape(letter.message.title),
            escape(known.get(letter.receiver, gone)),
            f"[{_COLOUR[letter.state]}]{t(language, f'alerts.state.{letter.state}')}[/]",
            str(letter.tries),
            escape(letter.problem),
        )
    return table
