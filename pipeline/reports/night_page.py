"""The report of one night as a page and as JSON: what came, how good it was, what it cost, and how nights compare.

```
OUT/night-000012.html   run 12; OUT/index.html is the same page for the last night
OUT/night-000012.json   its figures
OUT/static/             style, scripts, plotly.min.js, shared by all nights
```
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.base_line import Counted
from pipeline.i18n import t
from pipeline.night_figures import NightFigures, to_json
from pipeline.reports.figure import Figure
from pipeline.reports.html import environment, write_assets
from pipeline.reports.material import CardText, Night
from pipeline.reports.words import Words

NAME = "night.html"
MOST_GROUPS = 15
_ROW = 30
_LEGEND: dict[str, Any] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


@dataclass(frozen=True, slots=True)
class Compared:
    """A group or a fault tonight, with its share in the nights before (`None`: there were none)."""

    title: str
    counted: Counted
    usual: float | None
    interactions: int = 0
    mean: float | None = None


def file_name(run: int, suffix: str) -> str:
    """The name of a night's file."""
    return f"night-{run:06d}.{suffix}"


def write_night(
    night: NightFigures,
    before: Sequence[NightFigures],
    warnings: Sequence[str],
    out_dir: Path,
    cards: Sequence[CardText],
    *,
    zone: str,
    words: Words,
) -> Path:
    """Write page and JSON of a night.

    Args:
        night: the night.
        before: nights before, newest first.
        warnings: what is out of the ordinary, in sentences.
        out_dir: the folder, made if need be.
        cards: wording of the scorecards that were used.
        zone: time zone that the page shows.
        words: of the page.

    Returns:
        The path of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    write_assets(out_dir)
    content = {**to_json(night), "warnings": list(warnings)}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (out_dir / file_name(night.run, "json")).write_text(text, encoding="utf-8", newline="\n")
    made_at = night.made_at.astimezone(ZoneInfo(zone))
    pages = environment(words, Night(made_at, (), cards={card.id: card for card in cards}))
    pages.globals["linked"] = False
    nights = [*reversed(before), night]
    days = _days(nights, zone, words)

    def tell(key: str, /, **args: object) -> str:
        return t(words.language, f"nights.{key}", **args)

    page = pages.get_template(NAME).render(
        root="",
        page="night",
        it=night,
        tell=tell,
        warnings=warnings,
        last=before[0] if before else None,
        change=_change,
        started=words.when(night.started_at.astimezone(ZoneInfo(zone))),
        ended=words.when(made_at),
        lasted=words.length((night.made_at - night.started_at).total_seconds()),
        day=words.day(made_at.date()),
        reasons=[(words.rule(reason, cards), count) for reason, count in night.reasons.items()],
        queues=_groups(night, before, lambda one: one.queues),
        agents=_groups(night, before, lambda one: one.agents),
        volume=_volume(nights, days, tell),
        quality=_quality(nights, days, tell),
        faults=_faults(night, before, cards, words, tell),
        cost=_cost(nights, days, tell),
    )
    path = out_dir / file_name(night.run, "html")
    for target in (path, out_dir / "index.html"):
        target.write_text(page, encoding="utf-8", newline="\n")
    return path


def _change(now: float | None, then: float | None, decimals: int = 0) -> str:
    """A difference with its sign; empty where either is not known."""
    if now is None or then is None:
        return ""
    return f"{now - then:+.{decimals}f}".replace("-", "−") if round(now - then, decimals) else "±0"


def _days(nights: Sequence[NightFigures], zone: str, words: Words) -> list[str]:
    """Labels of nights: the day, with the time where two nights ended on the same one."""
    local = [one.made_at.astimezone(ZoneInfo(zone)) for one in nights]
    days = [words.short_day(moment.date()) for moment in local]
    if len(set(days)) == len(days):
        return days
    return [f"{day} {moment:%H:%M:%S}" for day, moment in zip(days, local, strict=True)]


def _groups(
    night: NightFigures, before: Sequence[NightFigures], of: Callable[[NightFigures], Sequence[Any]]
) -> list[Compared]:
    """Queues or agents of the night, most failures first."""
    found = [
        Compared(
            group.name,
            group.failed,
            _usual([past.failed for one in before for past in of(one) if past.name == group.name]),
            group.interactions,
            group.mean,
        )
        for group in of(night)
    ]
    return sorted(found, key=lambda one: (-one.counted.share, -one.interactions, one.title))[:MOST_GROUPS]


def _usual(past: Sequence[Counted]) -> float | None:
    judged = sum(one.judged for one in past)
    return sum(one.happened for one in past) / judged if judged else None


def _volume(nights: Sequence[NightFigures], days: Sequence[str], tell: Callable[..., str]) -> str | None:
    """Conversations a night, by channel."""
    if not any(one.interactions for one in nights):
        return None
    figure = Figure()
    for channel, colour in (("call", "var(--series-1)"), ("chat", "var(--series-2)"), ("email", "var(--series-3)")):
        counts = [one.by_channel.get(channel, 0) for one in nights]
        if any(counts):
            name = tell(f"channel.{channel}")
            figure.add(
                "bar",
                x=days,
                y=counts,
                name=name,
                marker={"color": colour},
                width=0.5,
                hovertemplate=f"%{{x}}<br>{name} %{{y}}<extra></extra>",
            )
    figure.layout(barmode="stack", legend=_LEGEND)
    _by_night(figure, days)
    figure.y_axis(title=tell("axis.count"), rangemode="tozero")
    return figure.json()


def _quality(nights: Sequence[NightFigures], days: Sequence[str], tell: Callable[..., str]) -> str | None:
    """Average score, pass rate, satisfaction and complaint-risk index of the nights, all 0…100."""
    lines: Mapping[str, list[float | None]] = {
        "mean": [one.mean for one in nights],
        "passed": [100 * one.passed.share if one.passed.judged else None for one in nights],
        "satisfied": [100 * one.ratings.share if one.ratings.judged else None for one in nights],
        "risk": [one.risk for one in nights],
    }
    if all(value is None for values in lines.values() for value in values):
        return None
    figure = Figure()
    colours = ("var(--accent)", "var(--good)", "var(--series-3)", "var(--bad)")
    for (key, values), colour in zip(lines.items(), colours, strict=True):
        if any(value is not None for value in values):
            name = tell(f"line.{key}")
            figure.add(
                "scatter",
                x=days,
                y=values,
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2.5},
                marker={"size": 7},
                hovertemplate=f"%{{x}}<br>{name} %{{y:.1f}}<extra></extra>",
            )
    figure.layout(legend=_LEGEND)
    _by_night(figure, days)
    figure.y_axis(range=[-4, 104], dtick=25)
    return figure.json()


def _faults(
    night: NightFigures,
    before: Sequence[NightFigures],
    cards: Sequence[CardText],
    words: Words,
    tell: Callable[..., str],
) -> str | None:
    """How often each fault happened tonight, and in the nights before."""
    texts = {card.id: card for card in cards}
    found = []
    for fault in night.faults:
        past = [
            one.counted
            for earlier in before
            for one in earlier.faults
            if (one.scorecard, one.criterion) == (fault.scorecard, fault.criterion)
        ]
        usual = _usual(past)
        if fault.counted.happened or usual:
            title = words.criterion(texts.get(fault.scorecard), fault.criterion)
            found.append(Compared(title, fault.counted, usual))
    if not found:
        return None
    merged = sorted(_merged(found), key=lambda one: (one.counted.share, one.title))[-MOST_GROUPS:]
    titles = [one.title for one in merged]
    figure = Figure()
    figure.add(
        "bar",
        y=titles,
        x=[100 * one.counted.share for one in merged],
        orientation="h",
        name=tell("tonight"),
        marker={"color": "var(--warn)"},
        width=0.55,
        customdata=[[one.counted.happened, one.counted.judged] for one in merged],
        hovertemplate="%{y}: %{customdata[0]} / %{customdata[1]} · %{x:.1f}%<extra></extra>",
    )
    if any(one.usual is not None for one in merged):
        figure.add(
            "scatter",
            y=titles,
            x=[None if one.usual is None else 100 * one.usual for one in merged],
            mode="markers",
            name=tell("usual"),
            marker={"color": "var(--text)", "size": 14, "symbol": "line-ns-open", "line": {"width": 3}},
            hovertemplate=f"%{{y}} · {tell('usual')} %{{x:.1f}}%<extra></extra>",
        )
    figure.layout(legend=_LEGEND, height=max(220, _ROW * len(merged) + 90))
    figure.x_axis(ticksuffix="%", rangemode="tozero")
    figure.y_axis(ticks="", categoryorder="array", categoryarray=titles)
    return figure.json()


def _merged(found: Sequence[Compared]) -> list[Compared]:
    """Faults of the same title in several scorecards as one."""
    by_title: dict[str, list[Compared]] = {}
    for one in found:
        by_title.setdefault(one.title, []).append(one)
    merged: list[Compared] = []
    for title, alike in by_title.items():
        counted = Counted(sum(o.counted.judged for o in alike), sum(o.counted.happened for o in alike))
        known = [(o.usual, o.counted.judged) for o in alike if o.usual is not None]
        weight = sum(judged for _, judged in known)
        usual = sum(share * judged for share, judged in known) / weight if weight else None
        merged.append(Compared(title, counted, usual))
    return merged


def _cost(nights: Sequence[NightFigures], days: Sequence[str], tell: Callable[..., str]) -> str | None:
    """Minutes of a worker that an hour of audio took, night by night."""
    values = [
        None if one.cost.seconds_per_audio_hour is None else one.cost.seconds_per_audio_hour / 60 for one in nights
    ]
    if all(value is None for value in values):
        return None
    figure = Figure()
    figure.add(
        "scatter",
        x=days,
        y=values,
        mode="lines+markers",
        line={"color": "var(--accent)", "width": 2.5},
        marker={"size": 8},
        hovertemplate=f"%{{x}}<br>%{{y:.1f}} {tell('minutes')}<extra></extra>",
    )
    _by_night(figure, days)
    figure.y_axis(title=tell("axis.minutes"), rangemode="tozero")
    return figure.json()


def _by_night(figure: Figure, days: Sequence[str]) -> None:
    step = max(1, len(days) // 7)
    shown = list(days[::-1][::step][::-1])
    figure.x_axis(type="category", tickmode="array", tickvals=shown, ticktext=shown, showgrid=False)
