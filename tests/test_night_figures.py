from dataclasses import replace

import pytest

from pipeline.base_line import Counted
from pipeline.conversation import Channel, SetAside
from pipeline.night_figures import complaint_risk, from_json, shared_seconds, to_json
from tests.night_material import judged, night


def test_a_night_is_counted_by_channel_queue_and_agent() -> None:
    found = night(
        [
            judged(1, total=80, passed=False, reasons=("fatal:rudeness", "total_below:60"), fatal=("rudeness",)),
            judged(2, total=100, queue=None),
            judged(3, total=None, passed=None, agent=None, channel=Channel.CALL),
        ]
    )
    assert (found.interactions, dict(found.by_channel)) == (3, {"call": 1, "chat": 2})
    assert (found.mean, found.passed, found.fatal, found.flagged) == (90.0, Counted(2, 1), 1, 1)
    assert dict(found.reasons) == {"fatal": 1, "total_below": 1}
    assert [(g.name, g.interactions, g.mean, g.failed) for g in found.queues] == [("售后", 2, 80.0, Counted(1, 1))]
    assert [(g.name, g.interactions, g.failed) for g in found.agents] == [("1024", 2, Counted(2, 1))]
    assert found.last_evaluation == 3


def test_faults_count_only_where_they_could_be_judged() -> None:
    found = night([judged(1, faults={"rudeness": True}), judged(2, faults={"rudeness": False}), judged(3)])
    assert [(f.criterion, f.counted) for f in found.faults] == [("rudeness", Counted(2, 1))]


def test_an_empty_night_knows_nothing_rather_than_zero() -> None:
    found = night()
    assert (found.mean, found.risk, found.cost.seconds_per_audio_hour, found.cost.money) == (None, None, None, None)
    assert (found.passed, found.ratings) == (Counted(0, 0), Counted(0, 0))


def test_customers_are_satisfied_from_four_on() -> None:
    assert night([judged(n, csat=csat) for n, csat in enumerate((5, 4, 3.9, None))]).ratings == Counted(3, 2)


def test_the_risk_is_that_no_sign_suffices() -> None:
    everything = judged(1, complaint_level=1, sentiment_end=-0.8, fatal=("rudeness",), resolved=False)
    assert complaint_risk(everything) == pytest.approx(1 - 0.4 * 0.6 * 0.7 * 0.8)


def test_more_signs_never_lower_the_risk() -> None:
    one = judged(1, complaint_level=3)
    more = replace(one, resolved=False)
    assert (complaint_risk(one) or 0) < (complaint_risk(more) or 0)
    assert complaint_risk(judged(2)) == 0.0


def test_without_signs_the_risk_is_unknown_and_does_not_count() -> None:
    mute = judged(1, sentiment_end=None, resolved=None)
    assert complaint_risk(mute) is None
    assert night([mute, judged(2, complaint_level=2)]).risk == pytest.approx(40)


def test_cost_is_seconds_and_money_an_hour_of_audio() -> None:
    found = night(
        [
            judged(1, channel=Channel.CALL, seconds=60, audio_seconds=600),
            judged(2, channel=Channel.CALL, seconds=120, audio_seconds=1200),
            judged(3, seconds=2),
            judged(4),
        ],
        worker_hour=3.6,
    ).cost
    assert (found.call_seconds, found.text_seconds, found.audio_hours) == (180, 2, 0.5)
    assert found.seconds_per_audio_hour == pytest.approx(360)
    assert found.money_per_audio_hour == pytest.approx(0.36)
    assert found.money == pytest.approx(0.182)


def test_without_a_price_there_is_no_money() -> None:
    found = night([judged(1, seconds=60, audio_seconds=600)]).cost
    assert (found.money, found.money_per_audio_hour) == (None, None)


def test_the_slowest_come_first_and_are_few() -> None:
    found = night(judged(n, seconds=float(n)) for n in range(40)).slowest
    assert [slow.id for slow in found] == [f"T{n}" for n in range(39, 29, -1)]


def test_a_batch_shares_its_time_by_weight() -> None:
    assert shared_seconds([1.0, 3.0], 8.0) == (2.0, 6.0)
    assert shared_seconds([0.0, 0.0], 8.0) == (4.0, 4.0)


def test_figures_come_back_from_json() -> None:
    found = night(
        [judged(1, csat=5, seconds=3, faults={"x": True})], set_aside=(SetAside("a.wav", "Z102", "不是录音"),)
    )
    assert from_json(to_json(found)) == found


def test_figures_of_another_version_are_passed_over() -> None:
    assert from_json({"run": 1}) is None
