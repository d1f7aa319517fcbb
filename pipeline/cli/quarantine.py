"""`zhijian quarantine`: what is not tried any more, and giving it another chance."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.errors import InputError
from pipeline.i18n import t
from pipeline.settings import Settings
from pipeline.store import Quarantined, open_store

_SHOWN_DIGITS = 12


def show(settings: Settings) -> int:
    """Print what is in quarantine; gives the exit status."""
    language, zone = settings.language, ZoneInfo(settings.time_zone)
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        found = store.quarantined()
    if not found:
        messages().print(t(language, "quarantine.empty"))
        return 0
    table = Table(title=t(language, "quarantine.title"), title_justify="left", box=None, pad_edge=False)
    for name in ("content", "file", "tries", "since", "reason", "hint"):
        table.add_column(t(language, f"quarantine.{name}"), overflow="fold")
    for one in found:
        since = one.since.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        reason = escape(f"[{one.code}] {one.reason}")
        table.add_row(_short(one), escape(one.source), str(one.tries), since, reason, escape(one.hint))
    results().print(table)
    return 0


def retry(wanted: Sequence[str], settings: Settings, *, everything: bool) -> int:
    """Let contents be tried again by the next run; gives the exit status.

    Args:
        wanted: files, or beginnings of the contents' digests.
        settings: with the store.
        everything: all of them.

    Raises:
        InputError: Z123 one of those named is not in quarantine, or none is named.
    """
    language = settings.language
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        found = store.quarantined()
        chosen: dict[str, Quarantined] = {one.digest: one for one in found} if everything else {}
        for name in wanted:
            same = [one for one in found if one.source == name or _digits(one).startswith(name.removeprefix("sha256:"))]
            if not same:
                what = t(language, "quarantine.unknown", name=name)
                raise InputError("Z123", what, hint=t(language, "quarantine.unknown_hint"))
            chosen.update({one.digest: one for one in same})
        if not wanted and not everything:
            raise InputError("Z123", t(language, "quarantine.none_named"), hint=t(language, "quarantine.unknown_hint"))
        store.leave_quarantine(chosen)
    for one in chosen.values():
        results().print(f"{_short(one)}  {one.source}", markup=False, soft_wrap=True)
    messages().print(t(language, "quarantine.freed", count=len(chosen)), markup=False)
    return 0


def _digits(one: Quarantined) -> str:
    return one.digest.removeprefix("sha256:")


def _short(one: Quarantined) -> str:
    return _digits(one)[:_SHOWN_DIGITS]
