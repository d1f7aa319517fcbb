"""Whether something happened more often tonight than it used to: an exact test against the nights before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_NIGHTS = 3
"""Nights that a base line needs; with fewer, nobody knows how much nights differ."""
LEAST_JUDGED = 30
"""Cases that the base line must rest on altogether."""
LEAST_CASES = 3
"""Cases tonight below which nobody is told, however unlikely they are: one or two are for the review queue."""
LEAST_RATIO = 1.25
"""How many times the usual share it must be, because a large night makes any small difference certain."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happened (`happened`) among the cases in which it could be judged (`judged`)."""

    judged: int
    happened: int

    @property
    def share(self) -> float:
        """The share 0…1; 0 where nothing could be judged."""
        return self.happened / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class Rise:
    """A share that is higher than it used to be; `usual` is the share of the base line, `chance` the p-value."""

    now: Counted
    usual: float
    nights: int
    chance: float


def rise(now: Counted, before: Sequence[Counted], *, chance: float) -> Rise | None:
    """The rise of a share over its own base line, `None` where there is none, or not enough to tell.

    Two shares are compared exactly (the conditional test of two Poisson rates: J. Przyborowski and H. Wilenski,
    "Homogeneity of results in testing samples from Poisson series", Biometrika 31, 1940). Without a change, of all
    `x + X` cases tonight's `x` of `n` are spread as Binomial(x + X, n / (n + N)), whatever the rate is; `X` of `N` are
    those of the base line, whose own uncertainty is thereby counted. The p-value is `P(at least x)`.

    Nights differ more than Poisson allows (a delivery is late, a product fails). The dispersion of the base line,
    `φ = max(1, Σ (x_i − e_i)² / e_i / (m − 1))` over its `m` nights, divides all counts before the test (quasi-Poisson:
    P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, section 6.2); `x` is then rounded down and
    `X` up, which can only make the test more careful.

    Args:
        now: tonight.
        before: the nights before, in any order; nights in which nothing could be judged are left out.
        chance: how likely a rise may be told that is none, for this one test.
    """
    known = [night for night in before if night.judged]
    judged = sum(night.judged for night in known)
    if len(known) < LEAST_NIGHTS or judged < LEAST_JUDGED or now.happened < LEAST_CASES:
        return None
    happened = sum(night.happened for night in known)
    usual = happened / judged
    if now.share < LEAST_RATIO * usual:
        return None
    spread = dispersion(known)
    cases, past = math.floor(now.happened / spread), math.ceil(happened / spread)
    found = at_least(cases, cases + past, now.judged / (now.judged + judged))
    return Rise(now, usual, len(known), found) if found <= chance else None


def dispersion(nights: Sequence[Counted]) -> float:
    """How many times more the nights differ than Poisson counts would, at least 1."""
    judged = sum(night.judged for night in nights)
    rate = sum(night.happened for night in nights) / judged if judged else 0.0
    if rate == 0 or len(nights) < 2:
        return 1.0
    squares = math.fsum((night.happened - rate * night.judged) ** 2 / (rate * night.judged) for night in nights)
    return max(1.0, squares / (len(nights) - 1))


def at_least(cases: int, trials: int, share: float) -> float:
    """The probability of at least `cases` successes in `trials` trials of probability `share` (0 < share < 1)."""
    if cases <= 0:
        return 1.0

    def term(k: int) -> float:
        ways = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        return math.exp(ways + k * math.log(share) + (trials - k) * math.log1p(-share))

    return min(1.0, math.fsum(term(k) for k in range(cases, trials + 1)))
