"""`zhijian search`: what was said, in which interactions."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.i18n import t
from pipeline.reports.words import Words
from pipeline.settings import Settings
from pipeline.store import Hit, open_store


def search(
    text: str, settings: Settings, *, agent: str | None, since: datetime | None, until: datetime | None, limit: int
) -> int:
    """Print the interactions in which a text was said; gives the exit status: 1 where there is none."""
    language = settings.language
    zone = ZoneInfo(settings.time_zone)
    first, last = (None if day is None else day.replace(tzinfo=zone) for day in (since, until))
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        found = list(islice(store.search(text, agent=agent, since=first, until=last), limit + 1))
    if not found:
        messages().print(t(language, "cli.search.none", text=text), markup=False, soft_wrap=True)
        return 1
    results().print(_table(found[:limit], zone, settings))
    if len(found) > limit:
        messages().print(t(language, "cli.search.more", limit=limit), markup=False, soft_wrap=True)
    return 0


def _table(hits: list[Hit], zone: ZoneInfo, settings: Settings) -> Table:
    words = Words(settings.language)
    table = Table(box=None, pad_edge=False)
    for name in ("interaction", "moment", "agent_name", "score", "turn", "said"):
        table.add_column(t(settings.language, f"cli.search.{name}"), overflow="fold")
    for hit in hits:
        start, end = hit.span
        said = f"{escape(hit.text[:start])}[bold]{escape(hit.text[start:end])}[/]{escape(hit.text[end:])}"
        agent = hit.case.agent
        table.add_row(
            escape(hit.case.interaction),
            f"{hit.case.moment.astimezone(zone):%Y-%m-%d %H:%M}",
            escape((agent.name or agent.id) if agent else "—"),
            words.score(hit.case.total),
            str(hit.turn + 1),
            said,
        )
    return table
