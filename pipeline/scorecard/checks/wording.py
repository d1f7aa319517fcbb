"""Phrases that get in one another's way: one within another, excused at once, or heard as a forbidden one."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pipeline.criteria import phrase
from pipeline.criteria.base import PatternText, Settings, Strict
from pipeline.criteria.expression import ExpressionBase
from pipeline.criteria.patterns import Patterns, wordings
from pipeline.scorecard.checks.walk import parts
from pipeline.scorecard.model import Criterion, Scorecard
from pipeline.scorecard.problems import Args, Fault, Place

MOST_WORDINGS = 12
"""A phrase with more wordings is not compared: it stands for too much to be told in one sentence."""
_EACH_IS_NEEDED = ("all",)
"""Lists in which a phrase within another one does no harm."""


def faults(card: Scorecard, plain: Mapping[str, Any]) -> Iterator[Fault]:
    """Phrases of `card` that say less, or more, than they seem to."""
    lists = tuple(sorted(card.lists.items()))
    for name, sources in card.lists.items():
        yield from _covered(sources, ("lists", name), lists, card.settings)
    for place, part in parts(card):
        for key, sources in _phrase_lists(part):
            if key not in _EACH_IS_NEEDED:
                counted = getattr(part, "at_least", 1) if key == "any" else 1
                yield from _covered(sources, (*place, key), lists, card.settings, counted=counted)
        if isinstance(part, phrase.Params):
            yield from _self_excused(part, place, lists, card.settings)
    yield from _like_forbidden(card, lists)


def _phrase_lists(part: Strict) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lists of phrases among the parameters of an operator."""
    for name, key in _phrase_keys(type(part)):
        value = getattr(part, name)
        if value:
            yield key, value


@cache
def _phrase_keys(model: type[Strict]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, field.alias or name)
        for name, field in model.model_fields.items()
        if model is not Scorecard and typing.get_args(field.annotation)[:1] == (PatternText,)
    )


@cache
def _wordings(source: str, lists: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[str, ...]:
    return wordings(source, dict(lists), most=MOST_WORDINGS)


def _found_in_all(source: str, others: Patterns) -> set[int]:
    """Numbers of the patterns among `others` that are found in every wording of `source`."""
    told = _wordings(source, others.lists)
    found = [{place.pattern for place in others.search(text)} for text in told]
    return set.intersection(*found) if found else set()


def _covered(
    sources: tuple[str, ...],
    place: Place,
    lists: tuple[tuple[str, tuple[str, ...]], ...],
    settings: Settings,
    *,
    counted: int = 1,
) -> Iterator[Fault]:
    """Phrases that another one of the same list finds anyway."""
    if len(sources) < 2:
        return
    patterns = Patterns(sources, lists, settings.gap)
    covering: dict[int, int] = {}
    for number, source in enumerate(sources):
        for other in sorted(_found_in_all(source, patterns)):
            if sources[other] != source and covering.get(other) != number:
                covering[number] = other
                break
    for number, other in covering.items():
        args: Args = {"text": sources[number], "other": sources[other], "wanted": counted}
        if counted > 1:
            yield Fault((*place, number), "counted_twice", args, severity="warning")
        else:
            yield Fault((*place, number), "covered", args, severity="advice")


def _self_excused(
    params: phrase.Params, place: Place, lists: tuple[tuple[str, tuple[str, ...]], ...], settings: Settings
) -> Iterator[Fault]:
    """Phrases of `any` and `all` that `except` or `none` of the same operator always takes away."""
    for key, rule in (("except_", "excused_phrase"), ("none", "forbids_itself")):
        sources = getattr(params, key)
        if not sources:
            continue
        against = Patterns(sources, lists, settings.gap)
        for name in ("any", "all"):
            for number, source in enumerate(getattr(params, name)):
                hit = min(_found_in_all(source, against), default=None)
                if hit is not None:
                    args = {"text": source, "other": sources[hit]}
                    yield Fault((*place, name, number), rule, args, severity="warning")


def _like_forbidden(card: Scorecard, lists: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[Fault]:
    """Phrases that a duty asks for and that break another criterion, as they are written or as they sound."""
    wanted = [
        (place, params.by, (key, number), source)
        for index, criterion in enumerate(card.criteria)
        if not criterion.fault
        for place, params in _decisive(criterion.operator, ("criteria", index))
        for key in ("any", "all")
        for number, source in enumerate(getattr(params, key))
    ]
    for criterion in card.criteria:
        if not criterion.fault or criterion.unless:
            continue
        for _, params in _decisive(criterion.operator, ()):
            forbidden = Patterns(params.any, lists, card.settings.gap)
            excused = Patterns(params.except_, lists, card.settings.gap)
            for place, by, where, source in wanted if params.any else ():
                if by == params.by:
                    fault = _breaks(source, forbidden, excused, params, card.settings, criterion)
                    if fault is not None:
                        rule, args = fault
                        yield Fault((*place, *where), rule, args, severity="warning")


def _breaks(
    source: str,
    forbidden: Patterns,
    excused: Patterns,
    params: phrase.Params,
    settings: Settings,
    criterion: Criterion,
) -> tuple[str, dict[str, str | int | float]] | None:
    for text in _wordings(source, forbidden.lists):
        if excused.sources and excused.search(text):
            continue
        args: dict[str, str | int | float] = {"text": source, "criterion": criterion.id}
        written = forbidden.search(text)
        if written:
            return "breaks_another", args | {"other": forbidden.sources[written[0].pattern]}
        if (params.homophones or settings.homophones) == "never":
            continue
        near = settings.near_sounds if params.near_sounds is None else params.near_sounds
        least = settings.homophone_min_chars if params.homophone_min_chars is None else params.homophone_min_chars
        heard = forbidden.search_sounds(text, near=near, least=least)
        if heard:
            return "sounds_forbidden", args | {"other": forbidden.sources[heard[0].pattern]}
    return None


def _decisive(expression: ExpressionBase, place: Place) -> Iterator[tuple[Place, phrase.Params]]:
    """The phrase operators that decide by themselves: the expression itself, or one of the branches of `any_of`."""
    if expression.operator == "phrase":
        yield (*place, "phrase"), expression.params
    elif expression.operator == "any_of":
        for number, branch in enumerate(expression.params):
            yield from _decisive(branch, (*place, "any_of", number))
