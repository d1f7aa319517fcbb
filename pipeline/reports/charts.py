"""Plotly figures as JSON. Colours are names of the page's CSS variables, so that both colour schemes fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pipeline.reports.agents import AgentSummary
from pipeline.reports.figure import Figure
from pipeline.reports.material import Case, Night
from pipeline.reports.summary import Rate, by_team, rates, totals
from pipeline.reports.words import Words, mood_kind

STEP = 5
"""Points of score per bar of the distribution."""

MOODS = {"upset": "var(--bad)", "calm": "var(--na)", "content": "var(--good)"}
SERIES = ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)", "var(--series-5)")
LOSSES = 10
MIN_AXES = 3

Link = Callable[[Case], str | None]
"""Address of a case's page, relative to the page of the chart; `None` where it has none, and no dot either."""


def distribution(cases: Sequence[Case], words: Words) -> str | None:
    """How many interactions got which score, passed and not passed."""
    scored = [(c.evaluation.total, c.evaluation.passed) for c in cases if c.evaluation.total is not None]
    if not scored:
        return None
    counts = Counter((min(int(total // STEP) * STEP, 100 - STEP), passed is False) for total, passed in scored)
    lowest = min(30, *(low for low, _ in counts))
    lows = list(range(lowest, 100, STEP))
    figure = Figure()
    for failed, colour in ((True, "var(--bad)"), (False, "var(--accent)")):
        name = words.say("chart.failed" if failed else "chart.passed")
        figure.add(
            "bar",
            x=[low + STEP / 2 for low in lows],
            y=[counts[(low, failed)] for low in lows],
            width=STEP * 0.86,
            name=name,
            marker={"color": colour},
            customdata=[f"{low}–{low + STEP}" for low in lows],
            hovertemplate=f"%{{customdata}}<br>{name} %{{y}}<extra></extra>",
        )
    figure.layout(barmode="stack", legend=_LEGEND)
    figure.x_axis(title=words.say("chart.score_axis"), range=[lowest - 1, 101], dtick=10)
    figure.y_axis(title=words.say("chart.count_axis"), **_whole(max(counts.values())))
    return figure.json()


def losses(night: Night, cases: Sequence[Case], words: Words) -> str | None:
    """The criteria that cost points in most interactions: fatal faults, other faults, duties not done."""
    counts: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    for case in cases:
        for finding in case.evaluation.findings:
            if finding.lost:
                counts[finding.criterion] += 1
                kind = "fatal" if finding.fatal else "fault" if finding.fault else "duty"
                kinds[finding.criterion] = min(kind, kinds.get(finding.criterion, kind), key=_KINDS.index)
    if not counts:
        return None
    top = sorted(counts, key=lambda key: (-counts[key], key))[:LOSSES][::-1]
    figure = Figure()
    for kind, colour in zip(_KINDS, ("var(--bad)", "var(--warn)", "var(--series-2)"), strict=True):
        keys = [key for key in top if kinds[key] == kind]
        if keys:
            figure.add(
                "bar",
                y=[_title(night, key, words) for key in keys],
                x=[counts[key] for key in keys],
                orientation="h",
                name=words.say(f"chart.kind.{kind}"),
                marker={"color": colour},
                text=[str(counts[key]) for key in keys],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x}<extra></extra>",
            )
    figure.layout(legend=_LEGEND, barmode="stack")
    figure.y_axis(categoryorder="array", categoryarray=[_title(night, key, words) for key in top], ticks="")
    figure.x_axis(visible=False, range=[0, max(counts.values()) * 1.12])
    return figure.json()


def mood(cases: Sequence[Case], words: Words) -> str | None:
    """Shares of upset, calm and content customers at the start and at the end."""
    measures = [c.evaluation.measures for c in cases]
    starts = [mood_kind(m.sentiment_start) for m in measures if m.sentiment_start is not None]
    ends = [mood_kind(m.sentiment_end) for m in measures if m.sentiment_end is not None]
    if not starts or not ends:
        return None
    labels = [words.say("chart.end"), words.say("chart.start")]
    figure = Figure()
    for kind, colour in MOODS.items():
        counts = [ends.count(kind), starts.count(kind)]
        shares = [counts[0] / len(ends), counts[1] / len(starts)]
        figure.add(
            "bar",
            y=labels,
            x=shares,
            orientation="h",
            name=words.say(f"mood.{kind}"),
            marker={"color": colour},
            width=0.62,
            text=[words.percent(share) if share >= 0.08 else "" for share in shares],
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": "var(--on-colour)"},
            customdata=counts,
            hovertemplate=f"%{{y}} · {words.say(f'mood.{kind}')}: %{{customdata}}<extra></extra>",
        )
    figure.layout(barmode="stack", legend=_LEGEND | {"traceorder": "normal"})
    figure.x_axis(visible=False, range=[0, 1])
    figure.y_axis(ticks="", showgrid=False)
    return figure.json()


def trend(summary: AgentSummary, words: Words, link: Link) -> str | None:
    """Every interaction of an agent by day, the daily average, and the peers' average as a line."""
    dated = [c for c in summary.cases if c.started_at is not None and c.evaluation.total is not None]
    if not dated:
        return None
    days: dict[date, list[float]] = {}
    for case in dated:
        if case.started_at is not None and case.evaluation.total is not None:
            days.setdefault(case.started_at.date(), []).append(case.evaluation.total)
    figure = Figure()
    figure.add(
        "scatter",
        x=[day.isoformat() for day in days],
        y=[sum(v) / len(v) for v in days.values()],
        mode="lines",
        name=words.say("agent.daily"),
        line={"color": "var(--accent)", "width": 3},
        hovertemplate="%{x|%m-%d}: %{y:.1f}<extra></extra>",
    )
    _add_dots(figure, [c.started_at.date().isoformat() for c in dated if c.started_at], dated, words, link)
    peers = totals(summary.peers)
    if peers:
        line = {"dash": "dot", "color": "var(--muted)", "width": 1.5}
        figure.level(peers.mean, line, f"{_peers(summary, words)} {peers.mean:.1f}", size=12)
    figure.layout(legend=_LEGEND)
    figure.x_axis(
        tickmode="array",
        tickvals=[day.isoformat() for day in days],
        ticktext=[words.short_day(day) for day in days],
        showgrid=False,
    )
    figure.y_axis(title=words.say("chart.score_axis"), range=_score_range([c.evaluation.total for c in dated]))
    return figure.json()


def agent_radar(night: Night, summary: AgentSummary, words: Words) -> str | None:
    """An agent's rates by section against the peers' (by criterion where the card has too few sections)."""
    own, peers, names = _profile(night, summary.cases, summary.peers, words)
    if len(own) < MIN_AXES:
        return None
    return _radar(
        [names[key] for key in own],
        {
            _peers(summary, words): ([peers[key].share if key in peers else None for key in own], "var(--na)"),
            summary.name: ([own[key].share for key in own], "var(--accent)"),
        },
    )


def team_radar(night: Night, words: Words) -> str | None:
    """The teams' rates by section, one line each."""
    teams = by_team(night.cases)
    every, _, names = _profile(night, night.cases, night.cases, words)
    if len(every) < MIN_AXES or not teams:
        return None
    by = "section" if _by_section(night.cases) else "criterion"
    lines: dict[str, tuple[list[float | None], str]] = {}
    for (team, cases), colour in zip(teams.items(), SERIES * len(teams), strict=False):
        met = rates(cases, by=by)
        lines[team] = ([met[key].share if key in met else None for key in every], colour)
    return _radar([names[key] for key in every], lines)


def against_peers(night: Night, summary: AgentSummary, words: Words) -> str | None:
    """Every criterion: the agent's rate and the peers', joined by a line; sorted by the difference."""
    own, peers = rates(summary.cases), rates(summary.peers)
    keys = sorted((k for k in own if k in peers), key=lambda k: (own[k].share - peers[k].share, own[k].share, k))
    if not keys:
        return None
    titles = [_aim(night, key, words) for key in keys]
    figure = Figure()
    for better, colour in ((True, "var(--good)"), (False, "var(--bad)")):
        xs: list[float | None] = []
        ys: list[str | None] = []
        for key, title in zip(keys, titles, strict=True):
            gap = own[key].share - peers[key].share
            if gap and (gap > 0) is better:
                xs += [own[key].share, peers[key].share, None]
                ys += [title, title, None]
        figure.add(
            "scatter", x=xs, y=ys, mode="lines", line={"color": colour, "width": 4}, showlegend=False, hoverinfo="skip"
        )
    for name, met, marker in (
        (
            _peers(summary, words),
            peers,
            {"color": "var(--na)", "size": 9, "symbol": "line-ns-open", "line": {"width": 2}},
        ),
        (summary.name, own, {"color": "var(--accent)", "size": 11}),
    ):
        figure.add(
            "scatter",
            x=[met[key].share for key in keys],
            y=titles,
            mode="markers",
            name=name,
            marker=marker,
            hovertemplate="%{y}: %{x:.0%}<extra>" + name + "</extra>",
        )
    figure.layout(legend=_LEGEND, height=max(260, 26 * len(keys) + 90))
    figure.x_axis(tickformat=".0%", range=[-0.04, 1.04], dtick=0.25)
    figure.y_axis(categoryorder="array", categoryarray=titles, showgrid=True, ticks="")
    return figure.json()


def intervals(summaries: Sequence[AgentSummary], words: Words, link: Link) -> str | None:
    """Every agent's average with its interval, and a dot for each interaction."""
    known = [s for s in reversed(summaries) if s.average]
    if not known:
        return None
    figure = Figure()
    cases = [c for s in known for c in s.cases if c.evaluation.total is not None]
    names = {c.id: _label(s) for s in known for c in s.cases}
    _add_dots(figure, [names[c.id] for c in cases], cases, words, link, sideways=True)
    means = [s.average.mean for s in known if s.average]
    figure.add(
        "scatter",
        x=means,
        y=[_label(s) for s in known],
        mode="markers",
        name=words.say("column.average"),
        marker={"color": "var(--accent)", "size": 13, "symbol": "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(a.high - a.mean) if a and a.high is not None else 0 for a in (s.average for s in known)],
            "arrayminus": [(a.mean - a.low) if a and a.low is not None else 0 for a in (s.average for s in known)],
            "color": "var(--accent)",
            "thickness": 2,
            "width": 6,
        },
        hovertemplate="%{y}: %{x:.1f}<extra></extra>",
    )
    figure.layout(legend=_LEGEND, height=max(380, 56 * len(known) + 100))
    figure.x_axis(title=words.say("chart.score_axis"), range=_score_range([c.evaluation.total for c in cases]))
    figure.y_axis(ticks="", categoryorder="array", categoryarray=[_label(s) for s in known])
    return figure.json()


def heatmap(night: Night, summaries: Sequence[AgentSummary], words: Words) -> str | None:
    """How far each agent met each criterion; blank where it never applied."""
    every = rates(night.cases)
    if not every or not summaries:
        return None
    keys = list(every)
    met = [rates(s.cases) for s in summaries]
    values = [[row[key].share if key in row else None for row in met] for key in keys]
    figure = Figure()
    figure.add(
        "heatmap",
        x=[_label(s) for s in summaries],
        y=[_aim(night, key, words) for key in keys],
        z=values,
        text=[["" if v is None else f"{v:.0%}" for v in row] for row in values],
        texttemplate="%{text}",
        zmin=0,
        zmax=1,
        colorscale=[[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]],
        showscale=False,
        xgap=3,
        ygap=3,
        hoverongaps=False,
        hovertemplate="%{x} · %{y}: %{z:.0%}<extra></extra>",
    )
    figure.layout(height=max(240, 30 * len(keys) + 60))
    figure.x_axis(side="top", ticks="", showgrid=False)
    figure.y_axis(autorange="reversed", ticks="", showgrid=False)
    return figure.json()


_KINDS = ("fatal", "fault", "duty")
_LEGEND: dict[str, Any] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def _whole(highest: int) -> dict[str, Any]:
    return {"rangemode": "tozero", "dtick": 1} if highest <= 6 else {"rangemode": "tozero"}


def _score_range(totals_: Iterable[float | None]) -> list[float]:
    known = [v for v in totals_ if v is not None]
    return [max(-4.0, min([60.0, *known]) - 6), 103.0]


def _add_dots(
    figure: Figure, places: Sequence[str], cases: Sequence[Case], words: Words, link: Link, *, sideways: bool = False
) -> None:
    linked = [(place, case, address) for place, case in zip(places, cases, strict=True) if (address := link(case))]
    places, cases = [place for place, _, _ in linked], [case for _, case, _ in linked]
    scores = [c.evaluation.total for c in cases]
    figure.add(
        "scatter",
        x=scores if sideways else places,
        y=places if sideways else scores,
        mode="markers",
        name=words.say("agent.single"),
        marker={
            "size": 8,
            "opacity": 0.85,
            "color": ["var(--bad)" if c.evaluation.passed is False else "var(--series-2)" for c in cases],
            "line": {"color": "var(--surface)", "width": 1},
        },
        customdata=[[address, c.id] for _, c, address in linked],
        hovertemplate="%{customdata[1]}: " + ("%{x:.1f}" if sideways else "%{y:.1f}") + "<extra></extra>",
    )


def _by_section(cases: Iterable[Case]) -> bool:
    return len({f.section for c in cases for f in c.evaluation.findings}) >= MIN_AXES


def _profile(
    night: Night, own: Sequence[Case], peers: Sequence[Case], words: Words
) -> tuple[dict[str, Rate], dict[str, Rate], dict[str, str]]:
    """Rates of both groups along the same axes, and the axes' titles."""
    if not _by_section(own):
        met = rates(own)
        return met, rates(peers), {key: _title(night, key, words) for key in met}
    met = rates(own, by="section")
    cards = {f.section: night.card(c) for c in own for f in c.evaluation.findings}
    return met, rates(peers, by="section"), {key: words.section(cards[key], key) for key in met}


def _radar(axes: Sequence[str], lines: Mapping[str, tuple[Sequence[float | None], str]]) -> str:
    figure = Figure()
    axes = [_wrapped(axis) for axis in axes]
    for name, (shares, colour) in lines.items():
        figure.add(
            "scatterpolar",
            r=[*shares, shares[0]],
            theta=[*axes, axes[0]],
            name=name,
            mode="lines+markers",
            connectgaps=True,
            line={"color": colour, "width": 2.5},
            marker={"size": 6},
            fill="toself",
            fillcolor=colour.replace(")", "-fill)"),
            hovertemplate="%{theta}: %{r:.0%}<extra>" + name + "</extra>",
        )
    figure.layout(
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.1, "yanchor": "top"},
        polar={
            "radialaxis": {
                "range": [0, 1],
                "tickformat": ".0%",
                "tickvals": [0.25, 0.5, 0.75, 1],
                "angle": 90 - 180 / len(axes),
                "tickangle": 0,
            },
            "angularaxis": {"direction": "clockwise", "rotation": 90},
        },
    )
    return figure.json()


def _wrapped(title: str, width: int = 14) -> str:
    """A title in lines that fit beside a radar."""
    lines = [""]
    for word in title.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "<br>".join(lines)


def _peers(summary: AgentSummary, words: Words) -> str:
    return words.say("agent.peers.team" if summary.peers_are_team else "agent.peers.all")


def _label(summary: AgentSummary) -> str:
    name, number = summary.name, summary.agent.id
    return name if name == number else f"{name} {number}"


def _aim(night: Night, criterion: str, words: Words) -> str:
    """What 100 % stands for: the duty, or that the fault did not happen."""
    text, title = night.criterion(criterion), _title(night, criterion, words)
    return words.say("team.without", title=title) if text and text.fault else title


def _title(night: Night, criterion: str, words: Words) -> str:
    text = night.criterion(criterion)
    return words.title(text.title if text else None, criterion)
