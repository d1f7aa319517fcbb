"""Made-up nights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from pipeline.conversation import Channel, SetAside
from pipeline.night_figures import Circumstances, Judged, NightFigures, night_figures

BEGAN = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
NO_FAULTS: Mapping[str, bool] = MappingProxyType({})


def judged(
    number: int,
    *,
    channel: Channel = Channel.CHAT,
    agent: str | None = "1024",
    queue: str | None = "售后",
    csat: float | None = None,
    total: float | None = 90.0,
    passed: bool | None = True,
    fatal: tuple[str, ...] = (),
    reasons: tuple[str, ...] = (),
    sentiment_end: float | None = 0.3,
    complaint_level: int | None = None,
    resolved: bool | None = True,
    audio_seconds: float | None = None,
    seconds: float | None = None,
    faults: Mapping[str, bool] = NO_FAULTS,
) -> Judged:
    """A conversation that went well, unless told otherwise."""
    return Judged(
        evaluation=number,
        digest=f"sha256:{number:064x}",
        id=f"T{number}",
        source=f"T{number}.json",
        channel=channel,
        agent=agent,
        queue=queue,
        csat=csat,
        scorecard="online-chat",
        total=total,
        passed=passed,
        fatal=fatal,
        flagged=bool(reasons),
        reasons=reasons,
        sentiment_end=sentiment_end,
        complaint_level=complaint_level,
        resolved=resolved,
        audio_seconds=audio_seconds,
        seconds=seconds,
        faults=faults,
    )


def night(
    conversations: Iterable[Judged] = (),
    *,
    run: int = 1,
    set_aside: tuple[SetAside, ...] = (),
    worker_hour: float = 0.0,
) -> NightFigures:
    """The figures of a night that began `run` days after the first."""
    began = BEGAN + timedelta(days=run)
    made = began + timedelta(hours=2)
    return night_figures(
        conversations,
        Circumstances(
            run, "/srv/inbox", "local", began, made, set_aside=set_aside, worker_hour=worker_hour, currency="CNY"
        ),
    )


def plain_night(run: int, *, count: int = 200, bad: int = 4, faulty: int = 2, queue: str = "售后") -> NightFigures:
    """A night of `count` chats, `bad` of which did not pass, with `faulty` cases of the fault `taboo_words`."""
    return night(
        (
            judged(number, queue=queue, passed=number >= bad, faults={"taboo_words": number < faulty})
            for number in range(count)
        ),
        run=run,
    )
