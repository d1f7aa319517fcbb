import math

import pytest

from pipeline.base_line import Counted, at_least, dispersion, rise

QUIET = [Counted(300, happened) for happened in (3, 2, 4, 3, 3, 2, 4)]


def test_a_night_like_the_others_is_no_rise() -> None:
    assert rise(Counted(300, 4), QUIET, chance=0.01) is None


def test_three_times_the_usual_is_a_rise_with_its_base_line() -> None:
    found = rise(Counted(300, 14), QUIET, chance=0.01)
    assert found is not None
    assert (found.usual, found.nights) == (0.01, 7)
    assert found.chance < 1e-3


def test_the_probability_is_that_of_the_binomial() -> None:
    by_hand = math.fsum(math.comb(10, k) * 0.2**k * 0.8 ** (10 - k) for k in range(4, 11))
    assert at_least(4, 10, 0.2) == pytest.approx(by_hand)
    assert at_least(0, 10, 0.2) == 1.0


def test_the_doubt_of_a_short_base_line_counts() -> None:
    now = Counted(300, 9)
    assert rise(now, [Counted(60, 1)] * 3, chance=0.01) is None
    assert rise(now, [Counted(6000, 60)] * 3, chance=0.01) is not None


def test_nights_that_differ_much_make_the_test_careful() -> None:
    uneven = [Counted(300, happened) for happened in (0, 30, 1, 0, 2, 29, 1)]
    even = [Counted(300, 9)] * 7
    assert dispersion(uneven) > 10
    assert dispersion(even) == 1.0
    assert rise(Counted(300, 24), even, chance=0.01) is not None
    assert rise(Counted(300, 24), uneven, chance=0.01) is None


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (Counted(300, 30), QUIET[:2]),
        (Counted(30, 20), [Counted(5, 0)] * 5),
        (Counted(4, 2), QUIET),
        (Counted(0, 0), QUIET),
        (Counted(300, 30), [Counted(0, 0)] * 9),
    ],
    ids=["two nights", "few cases before", "two cases tonight", "nothing tonight", "nothing before"],
)
def test_without_enough_to_compare_there_is_no_rise(now: Counted, before: list[Counted]) -> None:
    assert rise(now, before, chance=0.5) is None


def test_a_small_difference_is_no_rise_however_certain() -> None:
    assert rise(Counted(1_000_000, 11_000), [Counted(1_000_000, 10_000)] * 5, chance=0.01) is None


def test_a_fault_that_never_happened_before_can_rise() -> None:
    found = rise(Counted(300, 6), [Counted(300, 0)] * 7, chance=0.01)
    assert found is not None
    assert found.usual == 0
