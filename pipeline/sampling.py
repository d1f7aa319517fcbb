"""The step `draw`: interactions that random rules ask for so that nobody's work stays unseen (`at_least`, `per`).

A random share is decided for each interaction alone (`pipeline.flagging`). A minimum needs them all: of each agent
(team, queue, band, channel) and period, those with the lowest numbers are added until there are enough. The number
comes from the interaction's id, so every machine that knows the same interactions draws the same.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from pipeline.conversation import Conversation, Evaluation, ReviewItem
from pipeline.flagging import RANDOM, lot, stratum, together
from pipeline.scorecard import Scorecard
from pipeline.scorecard.model import FlagRule

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


def draw(
    cases: Sequence[tuple[Conversation, Evaluation, ReviewItem]],
    cards: Iterable[Scorecard],
    *,
    zone: tzinfo = DEFAULT_ZONE,
) -> tuple[ReviewItem, ...]:
    """The review items in the order of the cases, with those added that a minimum asks for.

    Args:
        cases: every interaction that the minimum is to be taken over.
        cards: the scorecards that they were scored by; others are left as they are.
        zone: in which days, weeks and months begin.
    """
    by_digest = {card.digest: card for card in cards}
    reviews = [review for _, _, review in cases]
    groups: dict[str, list[int]] = defaultdict(list)
    for place, (_, evaluation, _) in enumerate(cases):
        if evaluation.scorecard_digest in by_digest:
            groups[evaluation.scorecard_digest].append(place)
    for digest, places in groups.items():
        for rule in by_digest[digest].flag:
            if rule.at_least is not None:
                for place in _added(rule, rule.at_least, places, cases, reviews, zone):
                    reviews[place] = _with_sample(reviews[place], rule.priority)
    return tuple(reviews)


class Minimums:
    """What `draw` would add, counted one interaction at a time; holds no more than the minimum of each group.

    Args:
        card: with the rules.
        zone: in which days, weeks and months begin.
    """

    def __init__(self, card: Scorecard, *, zone: tzinfo = DEFAULT_ZONE) -> None:
        self._rules = [rule for rule in card.flag if rule.at_least is not None]
        self._zone = zone
        self._drawn: Counter[tuple[int, str, str]] = Counter()
        self._lowest: dict[tuple[int, str, str], list[tuple[int, str, bool]]] = defaultdict(list)

    def add(self, conversation: Conversation, evaluation: Evaluation, review: ReviewItem) -> None:
        """Count one interaction."""
        for number, rule in enumerate(self._rules):
            group = stratum(rule.per, evaluation, conversation.interaction)
            if group is None:
                continue
            key = (number, group, _period(conversation.interaction.started_at, rule.every, self._zone))
            if RANDOM in review.reasons:
                self._drawn[key] += 1
                continue
            entry = (-lot(evaluation.interaction, evaluation.scorecard_id), evaluation.interaction, review.flagged)
            if len(self._lowest[key]) < (rule.at_least or 0):
                heapq.heappush(self._lowest[key], entry)
            else:
                heapq.heappushpop(self._lowest[key], entry)

    def added(self) -> int:
        """How many interactions would be looked at only because a minimum asks for them."""
        found: set[str] = set()
        for key, lowest in self._lowest.items():
            missing = max(0, (self._rules[key[0]].at_least or 0) - self._drawn[key])
            chosen = sorted(lowest, reverse=True)[:missing]
            found |= {interaction for _, interaction, flagged in chosen if not flagged}
        return len(found)


def _added(
    rule: FlagRule,
    at_least: int,
    places: Sequence[int],
    cases: Sequence[tuple[Conversation, Evaluation, ReviewItem]],
    reviews: Sequence[ReviewItem],
    zone: tzinfo,
) -> list[int]:
    """Those of each group that drew the lowest numbers, as many as are missing beside those already drawn."""
    groups: Mapping[tuple[str, str], list[tuple[int, str, int]]] = defaultdict(list)
    for place in places:
        conversation, evaluation, _ = cases[place]
        group = stratum(rule.per, evaluation, conversation.interaction)
        if group is not None:
            period = _period(conversation.interaction.started_at, rule.every, zone)
            number = lot(evaluation.interaction, evaluation.scorecard_id)
            groups[group, period].append((number, evaluation.interaction, place))
    added: list[int] = []
    for group_places in groups.values():
        waiting = [place for _, _, place in sorted(group_places) if RANDOM not in reviews[place].reasons]
        added += waiting[: max(0, at_least - (len(group_places) - len(waiting)))]
    return added


def _with_sample(review: ReviewItem, priority: float) -> ReviewItem:
    urgent = round(together((review.priority, priority)), 4)
    return replace(review, flagged=True, priority=urgent, reasons=(*review.reasons, RANDOM))


def _period(moment: datetime | None, every: str, zone: tzinfo) -> str:
    """Name of the day, week or month; one of its own for what began nobody knows when."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    if every == "week":
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{local:%Y-%m-%d}" if every == "day" else f"{local:%Y-%m}"
