"""Plotly figures as JSON. Colours are names of the page's CSS variables, so that both colour schemes fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.reports.agents import AgentSummary
from pipeline.reports.material import Case, Night
from pipeline.reports.summary import Rate, by_team, rates, totals
from pipeline.reports.words import Words, mood_kind

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

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
    from plotly.graph_objects import Bar

    counts = Counter((min(int(total // STEP) * STEP, 100 - STEP), passed is False) for total, passed in scored)
    lowest = min(30, *(low for low, _ in counts))
    lows = list(range(lowest, 100, STEP))
    figure = new_figure()
    for failed, colour in ((True, "var(--bad)"), (False, "var(--accent)")):
        name = words.say("chart.failed" if failed else "chart.passed")
        figure.add_trace(
            Bar(
                x=[low + STEP / 2 for low in lows],
                y=[counts[(low, failed)] for low in lows],
                width=STEP * 0.86,
                name=name,
                marker={"color": colour},
                customdata=[f"{low}–{low + STEP}" for low in lows],
                hovertemplate=f"%{{customdata}}<br>{name} %{{y}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", legend=_LEGEND)
    figure.update_xaxes(title=words.say("chart.score_axis"), range=[lowest - 1, 101], dtick=10)
    figure.update_yaxes(title=words.say("chart.count_axis"), **_whole(max(counts.values())))
    return figure_json(figure)


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
    from plotly.graph_objects import Bar

    top = sorted(counts, key=lambda key: (-counts[key], key))[:LOSSES][::-1]
    figure = new_figure()
    for kind, colour in zip(_KINDS, ("var(--bad)", "var(--warn)", "var(--series-2)"), strict=True):
        keys = [key for key in top if kinds[key] == kind]
        if keys:
            figure.add_trace(
                Bar(
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
            )
    figure.update_layout(legend=_LEGEND, barmode="stack")
    figure.update_yaxes(categoryorder="array", categoryarray=[_title(night, key, words) for key in top], ticks="")
    figure.update_xaxes(visible=False, range=[0, max(counts.values()) * 1.12])
    return figure_json(figure)


def mood(cases: Sequence[Case], words: Words) -> str | None:
    """Shares of upset, calm and content customers at the start and at the end."""
    measures = [c.evaluation.measures for c in cases]
    starts = [mood_kind(m.sentiment_start) for m in measures if m.sentiment_start is not None]
    ends = [mood_kind(m.sentiment_end) for m in measures if m.sentiment_end is not None]
    if not starts or not ends:
        return None
    from plotly.graph_objects import Bar

    labels = [words.say("chart.end"), words.say("chart.start")]
    figure = new_figure()
    for kind, colour in MOODS.items():
        counts = [ends.count(kind), starts.count(kind)]
        shares = [counts[0] / len(ends), counts[1] / len(starts)]
        figure.add_trace(
            Bar(
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
        )
    figure.update_layout(barmode="stack", legend=_LEGEND | {"traceorder": "normal"})
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(ticks="", showgrid=False)
    return figure_json(figure)


def trend(summary: AgentSummary, words: Words, link: Link) -> str | None:
    """Every interaction of an agent by day, the daily average, and the peers' average as a line."""
    dated = [c for c in summary.cases if c.started_at is not None and c.evaluation.total is not None]
    if not dated:
        return None
    from plotly.graph_objects import Scatter

    days: dict[date, list[float]] = {}
    for case in dated:
        if case.started_at is not None and case.evaluation.total is not None:
            days.setdefault(case.started_at.date(), []).append(case.evaluation.total)
    figure = new_figure()
    figure.add_trace(
        Scatter(
            x=[day.isoformat() for day in days],
            y=[sum(v) / len(v) for v in days.values()],
            mode="lines",
            name=words.say("agent.daily"),
            line={"color": "var(--accent)", "width": 3},
            hovertemplate="%{x|%m-%d}: %{y:.1f}<extra></extra>",
        )
    )
    figure.add_trace(_dots([c.started_at.date().isoformat() for c in dated if c.started_at], dated, words, link))
    peers = totals(summary.peers)
    if peers:
        figure.add_hline(
            y=peers.mean,
            line={"dash": "dot", "color": "var(--muted)", "width": 1.5},
            annotation={"text": f"{_peers(summary, words)} {peers.mean:.1f}", "font": {"size": 12}},
            annotation_position="bottom right",
        )
    figure.update_layout(legend=_LEGEND)
    figure.update_xaxes(
        tickmode="array",
        tickvals=[day.isoformat() for day in days],
        ticktext=[words.short_day(day) for day in days],
        showgrid=False,
    )
    figure.update_yaxes(title=words.say("chart.score_axis"), range=_score_range([c.evaluation.total for c in dated]))
    return figure_json(figure)


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
    from plotly.graph_objects import Scatter

    titles = [_aim(night, key, words) for key in keys]
    figure = new_figure()
    for better, colour in ((True, "var(--good)"), (False, "var(--bad)")):
        xs: list[float | None] = []
        ys: list[str | None] = []
        for key, title in zip(keys, titles, strict=True):
            gap = own[key].share - peers[key].share
            if gap and (gap > 0) is better:
                xs += [own[key].share, peers[key].share, None]
                ys += [title, title, None]
        figure.add_trace(
            Scatter(x=xs, y=ys, mode="lines", line={"color": colour, "width": 4}, showlegend=False, hoverinfo="skip")
        )
    for name, met, marker in (
        (_peers(summary, words), peers, {"color": "var(--na)", "size": 9, "symbol": "line-ns-open", "line_width": 2}),
        (summary.name, own, {"color": "var(--accent)", "size": 11}),
    ):
        figure.add_trace(
            Scatter(
                x=[met[key].share for key in keys],
                y=titles,
                mode="markers",
                name=name,
                marker=marker,
                hovertemplate="%{y}: %{x:.0%}<extra>" + name + "</extra>",
            )
        )
    figure.update_layout(legend=_LEGEND, height=max(260, 26 * len(keys) + 90))
    figure.update_xaxes(tickformat=".0%", range=[-0.04, 1.04], dtick=0.25)
    figure.update_yaxes(categoryorder="array", categoryarray=titles, showgrid=True, ticks="")
    return figure_json(figure)


def intervals(summaries: Sequence[AgentSummary], words: Words, link: Link) -> str | None:
    """Every agent's average with its interval, and a dot for each interaction."""
    known = [s for s in reversed(summaries) if s.average]
    if not known:
        return None
    from plotly.graph_objects import Scatter

    figure = new_figure()
    cases = [c for s in known for c in s.cases if c.evaluation.total is not None]
    names = {c.id: _label(s) for s in known for c in s.cases}
    figure.add_trace(_dots([names[c.id] for c in cases], cases, words, link, sideways=True))
    means = [s.average.mean for s in known if s.average]
    figure.add_trace(
        Scatter(
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
    )
    figure.update_layout(legend=_LEGEND, height=max(380, 56 * len(known) + 100))
    figure.update_xaxes(title=words.say("chart.score_axis"), range=_score_range([c.evaluation.total for c in cases]))
    figure.update_yaxes(ticks="", categoryorder="array", categoryarray=[_label(s) for s in known])
    return figure_json(figure)


def heatmap(night: Night, summaries: Sequence[AgentSummary], words: Words) -> str | None:
    """How far each agent met each criterion; blank where it never applied."""
    every = rates(night.cases)
    if not every or not summaries:
        return None
    from plotly.graph_objects import Heatmap

    keys = list(every)
    met = [rates(s.cases) for s in summaries]
    values = [[row[key].share if key in row else None for row in met] for key in keys]
    figure = new_figure(
        Heatmap(
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
    )
    figure.update_layout(height=max(240, 30 * len(keys) + 60))
    figure.update_xaxes(side="top", ticks="", showgrid=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure_json(figure)


_KINDS = ("fatal", "fault", "duty")
_LEGEND: dict[str, Any] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def new_figure(*traces: Any) -> Figure:
    """A figure that lets the page shine through.

    Named from the beginning, its template is looked up once; Plotly would first copy its own, which takes long.
    """
    from plotly.graph_objects import Figure

    clear = "rgba(0,0,0,0)"
    return Figure(traces, layout={"template": "none", "paper_bgcolor": clear, "plot_bgcolor": clear})


def figure_json(figure: Figure) -> str:
    """A figure as JSON that may stand in a page."""
    text: str = figure.to_json(validate=False)
    return text.replace("</", "<\\/")


def _whole(highest: int) -> dict[str, Any]:
    return {"rangemode": "tozero", "dtick": 1} if highest <= 6 else {"rangemode": "tozero"}


def _score_range(totals_: Iterable[float | None]) -> list[float]:
    known = [v for v in totals_ if v is not None]
    return [max(-4.0, min([60.0, *known]) - 6), 103.0]


def _dots(
    places: Sequence[str], cases: Sequence[Case], words: Words, link: Link, *, sideways: bool = False
) -> Any:  # plotly has no types
    from plotly.graph_objects import Scatter

    linked = [(place, case, address) for place, case in zip(places, cases, strict=True) if (address := link(case))]
    places, cases = [place for place, _, _ in linked], [case for _, case, _ in linked]
    scores = [c.evaluation.total for c in cases]
    return Scatter(
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
    from plotly.graph_objects import Scatterpolar

    figure = new_figure()
    axes = [_wrapped(axis) for axis in axes]
    for name, (shares, colour) in lines.items():
        figure.add_trace(
            Scatterpolar(
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
        )
    figure.update_layout(
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
    return figure_json(figure)


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
