"""`zhijian rescore`: a dry run of a scorecard over the stored past."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.cli.progress import Bars
from pipeline.conversation import Verdict
from pipeline.dry_run import DryRun, Past, moment
from pipeline.formats_out import flag_sentence
from pipeline.i18n import Language, t
from pipeline.reports.words import Words
from pipeline.rescoring import Comparison, CriterionEffect, Effect
from pipeline.scorecard import Scorecard
from pipeline.scorecard.difference import differences
from pipeline.settings import Settings
from pipeline.store import open_store

if TYPE_CHECKING:
    from rich.console import Console

_DIRECTION = {"gains": "green", "loses": "red", "unclear": "dim", "same": "dim"}
_SHOWN = 20
"""Rows of the longest tables on a screen; the page and JSON have more."""
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    scorecard: str
    against: str
    since: str | None
    until: str | None
    agent: str | None
    limit: int | None
    keep: bool


def rescore(wanted: Wanted, settings: Settings, *, output: str, out: Path | None) -> int:
    """Score the stored past by both cards and tell what would change; gives the exit status."""
    language = settings.language
    past = Past(
        since=moment(wanted.since, settings, where="--since"),
        until=moment(wanted.until, settings, where="--until", last=True),
        agent=wanted.agent,
        limit=wanted.limit,
    )
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        against = None if wanted.against == ACTIVE else wanted.against
        run = DryRun(wanted.scorecard, against, store, settings)
        with Bars(run.count(past), language) as bars:
            comparison = run.compare(past, progress=bars, keep_as=getpass.getuser() if wanted.keep else None)
    if not comparison.interactions:
        messages().print(t(language, "rescore.nothing"), markup=False, soft_wrap=True)
    if output == "json":
        sys.stdout.write(json.dumps(comparison.record(), ensure_ascii=False, indent=2) + "\n")
    elif output == "html":
        from pipeline.night import card_text
        from pipeline.reports.dry_run import write_dry_run

        made_at = datetime.now(ZoneInfo(settings.time_zone))
        path = write_dry_run(
            comparison,
            out or settings.report,
            (card_text(run.old), card_text(run.new)),
            made_at,
            changes=differences(run.old, run.new, language=language),
            language=language,
        )
        results().print(t(language, "rescore.page", path=path), markup=False, soft_wrap=True)
    else:
        _Tables(comparison, run.old, run.new, language).print(results())
    for note in notes(comparison, language):
        messages().print(note, markup=False, soft_wrap=True)
    if wanted.keep:
        messages().print(t(language, "rescore.kept", count=run.kept, left=run.left), markup=False, soft_wrap=True)
    return 0


def notes(comparison: Comparison, language: Language) -> Iterator[str]:
    """What limits the comparison: interactions that were not read, or by other models or an earlier zhijian."""
    if comparison.missing:
        yield t(language, "rescore.missing", count=comparison.missing)
    if comparison.other:
        yield t(language, "rescore.other", count=comparison.other)
    if comparison.older:
        yield t(language, "rescore.older", count=comparison.older)


class _Tables:
    """The comparison as tables."""

    def __init__(self, comparison: Comparison, old: Scorecard, new: Scorecard, language: Language) -> None:
        self._it = comparison
        self._old, self._new, self._language = old, new, language
        self._words = Words(language)

    def print(self, console: Console) -> None:
        """Print all of it."""
        it = self._it
        old, new = f"{it.old.id}@{it.old.version}", f"{it.new.id}@{it.new.version}"
        console.print(self._say("heading", old=old, new=new, count=it.interactions), markup=False, style="bold")
        if not it.interactions:
            return
        if it.overall is not None:
            console.print(self._say("overall", **self._means(it.overall)), markup=False)
        for table in (self._agents(), self._outcomes(), self._criteria(), self._flags(), self._shifts()):
            if table.row_count:
                console.print()
                console.print(table)
        console.print()
        for line in load_lines(it, self._language):
            console.print(line, markup=False, soft_wrap=True)

    def _agents(self) -> Table:
        table = self._table("agents", ("agent", "count", "before", "after", "change", "interval", "direction"))
        for one in self._it.agents:
            name = f"{one.agent.name} ({one.agent.id})" if one.agent.name else one.agent.id
            effect = one.effect
            if effect is None:
                table.add_row(escape(name), str(one.interactions), *["—"] * 5)
                continue
            means = self._means(effect)
            colour = _DIRECTION[effect.direction]
            table.add_row(
                escape(name),
                str(effect.count),
                means["before"],
                means["after"],
                f"[{colour}]{means['change']}[/]",
                means["interval"],
                f"[{colour}]{self._say(f'direction.{effect.direction}')}[/]",
            )
        return table

    def _outcomes(self) -> Table:
        table = self._table("outcomes", ("from", "to", "count", "examples"))
        for transition in self._it.passes:
            if transition.before != transition.after:
                states = (self._say(f"pass.{state or 'none'}") for state in (transition.before, transition.after))
                table.add_row(*states, str(transition.count), self._ids(transition.examples))
        for transition in self._it.bands:
            if transition.before != transition.after:
                bands = (
                    self._say("no_band") if band is None else escape(card.band_title(band, self._language))
                    for band, card in ((transition.before, self._old), (transition.after, self._new))
                )
                table.add_row(*bands, str(transition.count), self._ids(transition.examples))
        return table

    def _criteria(self) -> Table:
        table = self._table("criteria", ("criterion", "from", "to", "count", "examples"))
        for effect in self._it.criteria:
            moved = [one for one in effect.transitions if one.before != one.after]
            if not moved and not effect.stale:
                continue
            title = escape(self._title(effect))
            if effect.stale:
                title += f" [yellow]{self._say('stale', count=effect.stale)}[/]"
            if not moved:
                table.add_row(title, "—", "—", "0", "")
            for number, one in enumerate(moved):
                table.add_row(
                    title if number == 0 else "",
                    self._verdict(effect, one.before),
                    self._verdict(effect, one.after),
                    str(one.count),
                    self._ids(one.examples),
                )
        return table

    def _flags(self) -> Table:
        table = self._table("flags", ("reason", "before", "after", "appeared", "vanished", "examples"))
        for flag in self._it.flags:
            if flag.appeared or flag.vanished:
                sentence = flag_sentence(flag.reason, self._new if flag.after else self._old, self._language)
                examples = [f"+{name}" for name in flag.appeared_in] + [f"−{name}" for name in flag.vanished_in]
                counts = (flag.before, flag.after, flag.appeared, flag.vanished)
                table.add_row(escape(sentence), *map(str, counts), self._ids(tuple(examples)))
        return table

    def _shifts(self) -> Table:
        table = self._table("shifts", ("interaction", "agent", "before", "after", "from", "to"))
        for shift in self._it.shifts[:_SHOWN]:
            table.add_row(
                escape(shift.interaction),
                escape(shift.agent or "—"),
                self._words.score(shift.before),
                self._words.score(shift.after),
                self._outcome(shift.band_before, self._old, flagged=shift.flagged_before),
                self._outcome(shift.band_after, self._new, flagged=shift.flagged_after),
            )
        return table

    def _outcome(self, band: str | None, card: Scorecard, *, flagged: bool) -> str:
        named = self._say("no_band") if band is None else card.band_title(band, self._language)
        return escape(named) + (" [bold yellow]⚑[/]" if flagged else "")

    def _title(self, effect: CriterionEffect) -> str:
        card = self._old if effect.kind == "removed" else self._new
        title = card.criterion(effect.id).title.text(self._language)
        return title if effect.kind == "kept" else self._say(f"criterion.{effect.kind}", title=title)

    def _verdict(self, effect: CriterionEffect, verdict: str | None) -> str:
        if verdict is None:
            return "—"
        card = self._old if effect.kind == "removed" else self._new
        return self._words.verdict(Verdict(verdict), fault=card.criterion(effect.id).fault)

    def _means(self, effect: Effect) -> dict[str, str]:
        interval = "—"
        if effect.low is not None and effect.high is not None:
            interval = f"{_signed(effect.low)} … {_signed(effect.high)}"
        return {
            "count": str(effect.count),
            "before": f"{effect.before:.1f}",
            "after": f"{effect.after:.1f}",
            "change": _signed(effect.change),
            "interval": interval,
        }

    def _table(self, name: str, columns: tuple[str, ...]) -> Table:
        title = self._say(f"table.{name}", shown=min(_SHOWN, len(self._it.shifts)), count=self._it.changed)
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            number = column in ("count", "change", "appeared", "vanished")
            number = number or (column in ("before", "after") and name in ("agents", "flags", "shifts"))
            justify = "right" if number else "left"
            table.add_column(self._say(f"column.{column}"), justify=justify, overflow="fold")  # type: ignore[arg-type]
        return table

    def _ids(self, examples: tuple[str, ...]) -> str:
        return escape("  ".join(examples))

    def _say(self, key: str, **args: object) -> str:
        return t(self._language, f"rescore.{key}", **args)


def load_lines(comparison: Comparison, language: Language) -> Iterator[str]:
    """How much more or less people would have to review."""
    count = comparison.interactions
    if not count:
        return
    before, after = comparison.flagged_before, comparison.flagged_after
    yield t(
        language,
        "rescore.load",
        before=before,
        after=after,
        before_share=f"{before / count:.1%}",
        after_share=f"{after / count:.1%}",
        change=f"{after - before:+d}".replace("-", "−"),
    )
    if comparison.days and comparison.days > 1:
        yield t(
            language,
            "rescore.load_a_day",
            before=f"{before / comparison.days:.1f}",
            after=f"{after / comparison.days:.1f}",
            days=comparison.days,
        )


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0"
