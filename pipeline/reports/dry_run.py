"""The page of a dry run: who gains, who loses, what else would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.conversation import Verdict
from pipeline.i18n import Language, t
from pipeline.reports.cases import LOOKS
from pipeline.reports.figure import Figure
from pipeline.reports.html import address, environment, write_assets
from pipeline.reports.material import CardText, Night
from pipeline.reports.words import Words
from pipeline.rescoring import Comparison, CriterionEffect, Transition
from pipeline.scorecard.difference import Change

NAME = "rescore.html"
_ROW = 34
"""Height of a bar in pixels."""
_COLOURS = {"gains": "var(--good)", "loses": "var(--bad)", "unclear": "var(--na)", "same": "var(--na)"}


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a criterion from a verdict to another, as badges."""

    before: tuple[str, str]
    after: tuple[str, str]
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CriterionMoves:
    """A criterion whose verdicts change, or that rests on readings that are not the present reader's."""

    title: str
    kind: str
    stale: int
    moves: tuple[Move, ...]


def write_dry_run(
    comparison: Comparison,
    out_dir: Path,
    cards: tuple[CardText, CardText],
    made_at: datetime,
    *,
    changes: Sequence[Change] = (),
    language: Language = "zh",
) -> Path:
    """Write the page of a dry run into the folder of a report; interactions that have a page there are linked.

    Args:
        comparison: what would change.
        out_dir: the folder, made if need be.
        cards: wording of the old and the new card.
        made_at: now, in the zone that the page shows.
        changes: what differs between the cards.
        language: of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    words = Words(language)
    write_assets(out_dir)
    pages = environment(words, Night(made_at, ()))
    pages.globals["linked"] = (out_dir / "index.html").is_file()

    def link(identifier: str) -> str:
        place = address(identifier)
        return place if (out_dir / place).is_file() else ""

    def tell(key: str, /, **args: object) -> str:
        return t(language, f"rescore.{key}", **args)

    def kind(change: Change) -> str:
        return " ".join(t(language, f"difference.{name}") for name in (f"kind.{change.kind}", f"part.{change.part}"))

    old, new = cards
    text = pages.get_template(NAME).render(
        root="",
        page="rescore",
        it=comparison,
        old=old,
        new=new,
        link=link,
        tell=tell,
        signed=signed,
        changes=changes,
        kind=kind,
        criteria=[moves for effect in comparison.criteria if (moves := _moves(effect, old, new, words))],
        outcomes=[
            *(
                (tell(f"pass.{one.before or 'none'}"), tell(f"pass.{one.after or 'none'}"), one)
                for one in comparison.passes
                if one.before != one.after
            ),
            *(
                (words.band(old, one.before) or tell("no_band"), words.band(new, one.after) or tell("no_band"), one)
                for one in comparison.bands
                if one.before != one.after
            ),
        ],
        agents=_agents(comparison, words),
        verdicts=_verdicts(comparison, old, new, words),
    )
    path = out_dir / NAME
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def signed(value: float, decimals: int = 1) -> str:
    """A change with its sign, a real minus."""
    return f"{value:+.{decimals}f}".replace("-", "−") if round(value, decimals) else "0"


def _moves(effect: CriterionEffect, old: CardText, new: CardText, words: Words) -> CriterionMoves | None:
    card = old if effect.kind == "removed" else new
    moved = [one for one in effect.transitions if one.before != one.after]
    if not moved and not effect.stale:
        return None
    known = card.criteria.get(effect.id)
    fault = known.fault if known else False

    def badge(verdict: str | None) -> tuple[str, str]:
        if verdict is None:
            return "na", "—"
        return LOOKS[Verdict(verdict)], words.verdict(Verdict(verdict), fault=fault)

    return CriterionMoves(
        words.criterion(card, effect.id),
        effect.kind,
        effect.stale,
        tuple(Move(badge(one.before), badge(one.after), one.count, one.examples) for one in moved),
    )


def _agents(comparison: Comparison, words: Words) -> str | None:
    """The mean change of every agent with its interval."""
    known = [(one, one.effect) for one in comparison.agents[::-1] if one.effect is not None]
    if not known:
        return None
    figure = Figure()
    labels = [_label(one.agent.name, one.agent.id) for one, _ in known]
    figure.add(
        "scatter",
        x=[effect.change for _, effect in known],
        y=labels,
        mode="markers",
        showlegend=False,
        marker={"size": 12, "symbol": "diamond", "color": [_COLOURS[effect.direction] for _, effect in known]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0 if e.high is None else e.high - e.change for _, e in known],
            "arrayminus": [0 if e.low is None else e.change - e.low for _, e in known],
            "color": "var(--muted)",
            "thickness": 2,
            "width": 6,
        },
        customdata=[[e.before, e.after, e.count] for _, e in known],
        hovertemplate="%{y}: %{customdata[0]:.1f} → %{customdata[1]:.1f} (n = %{customdata[2]})<extra></extra>",
    )
    figure.upright(0, {"color": "var(--muted)", "width": 1.5, "dash": "dot"})
    figure.layout(height=max(200, _ROW * len(known) + 90))
    figure.x_axis(title=t(words.language, "rescore.change_axis"), zeroline=False)
    figure.y_axis(ticks="", categoryorder="array", categoryarray=labels)
    return figure.json()


def _verdicts(comparison: Comparison, old: CardText, new: CardText, words: Words) -> str | None:
    """How many verdicts of each criterion get better, worse, or otherwise different."""
    moved = [effect for effect in comparison.criteria if effect.changed][::-1]
    if not moved:
        return None
    titles = [words.criterion(old if effect.kind == "removed" else new, effect.id) for effect in moved]
    figure = Figure()
    for way, colour in (("worse", "var(--bad)"), ("better", "var(--good)"), ("otherwise", "var(--na)")):
        counts = [sum(one.count for one in effect.transitions if _way(one) == way) for effect in moved]
        name = t(words.language, f"rescore.way.{way}")
        figure.add(
            "bar",
            x=[-count if way == "worse" else count for count in counts],
            y=titles,
            orientation="h",
            name=name,
            marker={"color": colour},
            customdata=counts,
            hovertemplate=f"%{{y}}: {name} %{{customdata}}<extra></extra>",
        )
    figure.layout(
        barmode="relative",
        height=max(200, _ROW * len(moved) + 100),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    figure.y_axis(ticks="", categoryorder="array", categoryarray=titles)
    figure.x_axis(title=words.say("chart.count_axis"))
    return figure.json()


_RANK = {Verdict.UNMET.value: 0, Verdict.PARTIAL.value: 1, Verdict.MET.value: 2}


def _way(one: Transition) -> str:
    """Whether a step is for the better or the worse; one from or to a verdict that does not count is neither."""
    if one.before == one.after:
        return "same"
    if one.before not in _RANK or one.after not in _RANK:
        return "otherwise"
    return "better" if _RANK[one.after] > _RANK[one.before] else "worse"


def _label(name: str | None, identifier: str) -> str:
    return f"{name} {identifier}" if name and name != identifier else identifier
