"""Points, weights, caps, bands and the pass mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import Args, Fault

FULL = 100.0
_MEANT_AS_HUNDRED = (75.0, 125.0)
"""Sums within these were hardly meant to be anything but 100."""


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """What is odd about the numbers of `card`."""
    yield from _of_criteria(card)
    yield from _sums(card)
    yield from _bands(card)
    if card.settings.fatal_cap >= card.pass_mark > 0 and any(criterion.fatal for criterion in card.criteria):
        args = {"cap": card.settings.fatal_cap, "mark": card.pass_mark}
        yield Fault(("settings", "fatal_cap"), "fatal_cap_passes", args, severity="warning")


def _of_criteria(card: Scorecard) -> Iterator[Fault]:
    for number, criterion in enumerate(card.criteria):
        once = criterion.deduct or criterion.bonus
        if criterion.each is not None and criterion.each.cap is not None and once and criterion.each.cap < once:
            args = {"cap": criterion.each.cap, "once": once}
            yield Fault(("criteria", number, "each", "cap"), "cap_below_one", args, severity="warning")
        if once is not None and once > FULL:
            name = "deduct" if criterion.deduct else "bonus"
            yield Fault(("criteria", number, name), "worth_beyond", {"name": name, "given": once}, severity="warning")
        if criterion.partial_share is not None and criterion.partial is None:
            yield Fault(("criteria", number, "partial_share"), "partial_share_alone", severity="warning")


def _sums(card: Scorecard) -> Iterator[Fault]:
    duties = [criterion for criterion in card.criteria if criterion.points]
    if not duties:
        yield Fault(("criteria",), "no_duty", {"start": card.settings.start}, severity="warning")
    weights = card.weights
    if weights is None:
        yield from _sum("points", sum(criterion.points or 0.0 for criterion in duties), ("criteria",))
        return
    with_points = {criterion.section for criterion in duties}
    for name in weights:
        if name not in with_points:
            yield Fault(("sections", name, "weight"), "weight_without_points", {"name": name}, severity="warning")
    yield from _sum("weight", sum(weights.values()), ("sections",))


def _sum(name: str, total: float, place: tuple[str, ...]) -> Iterator[Fault]:
    low, high = _MEANT_AS_HUNDRED
    if low <= total <= high and round(total, 6) != FULL:
        yield Fault(place, "sum", {"name": name, "total": round(total, 2)}, severity="advice")


def _bands(card: Scorecard) -> Iterator[Fault]:
    if not card.bands:
        return
    names, starts = list(card.bands), [band.least for band in card.bands.values()]
    for number, name in enumerate(names):
        if starts[number] in starts[:number]:
            other = names[starts.index(starts[number])]
            args: Args = {"name": name, "other": other, "least": starts[number]}
            yield Fault(("bands", name), "band_unreachable", args)
    if starts not in (sorted(starts), sorted(starts, reverse=True)):
        yield Fault(("bands",), "bands_order", severity="warning")
    least = min(starts)
    if card.pass_mark < least:
        args = {"mark": card.pass_mark, "least": least}
        yield Fault(("pass",), "pass_outside_bands", args, severity="warning")
    elif card.pass_mark not in starts and card.pass_mark > 0:
        band = card.band_of(card.pass_mark) or ""
        yield Fault(("pass",), "pass_inside_band", {"mark": card.pass_mark, "band": band}, severity="advice")
