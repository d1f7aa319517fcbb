"""`zhijian serve`: the schedule, kept until Ctrl+C."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli.console import messages
from pipeline.i18n import t
from pipeline.prefect_setup import local_server
from pipeline.settings import Settings


def serve(inbox: Path | None, settings: Settings) -> int:
    """Keep the schedule against a local Prefect server; gives the exit status."""
    language, console, times = settings.language, messages(), settings.schedule
    console.print(t(language, "flows.starting"))
    with local_server(settings.home, times.port, language) as api:
        from pipeline.flows import keep

        told = {"zone": settings.time_zone, "url": api.removesuffix("/api")}
        console.print(t(language, "flows.serving", **told), markup=False, soft_wrap=True)
        for name in ("nightly", "weekly", "monthly", "retention", "learn"):
            cron = getattr(times, name) or t(language, "flows.never")
            console.print(t(language, "flows.entry", name=name, cron=cron), markup=False)
        keep(settings, inbox or Path(times.inbox))
    return 0
