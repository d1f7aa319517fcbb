"""The outbox and the nights in the store, on either kind of database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from pipeline.alerts.wording import MOST_CASES, Grave, grave_message
from pipeline.conversation import Channel
from pipeline.night_figures import Circumstances, from_json, night_figures, to_json
from pipeline.store import open_store
from pipeline.store.database import Store
from pipeline.store.records import Letter, LetterState, Message, Result
from tests.night_material import night
from tests.test_store import result

NOW = datetime(2026, 1, 6, tzinfo=UTC)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(store_url, media=tmp_path / "media") as opened:
        yield opened


def circumstances(run: int) -> Circumstances:
    return Circumstances(run, "/srv/inbox", "local", NOW, NOW)


def message(name: str = "n", *subjects: str) -> Message:
    return Message(name, "night", "标题", ("一行",), "/srv/n.html", NOW, subjects)


def test_a_message_goes_out_once_to_each_receiver_and_comes_back_whole(store: Store) -> None:
    for _ in range(2):
        store.put_message(message(), ["mail:1", "wecom:2"])
    first, second = store.letters_due(["mail:1", "wecom:2"])
    assert (first.message, first.receiver, second.receiver) == (message(), "mail:1", "wecom:2")
    assert first.key != second.key
    assert [letter.receiver for letter in store.letters_due(["wecom:2"])] == ["wecom:2"]


def test_a_try_is_in_doubt_until_it_is_settled(store: Store) -> None:
    store.put_message(message(), ["mail:1"])
    (due,) = store.letters_due(["mail:1"])
    claimed = store.claim_letter(due.id)
    assert claimed is not None
    assert claimed.doubts == 0
    assert [(one.state, one.doubts) for one in store.letters()] == [(LetterState.SENDING, 1)]
    assert store.settle_letter(due.id, LetterState.WAITING, "HTTP 503") is LetterState.WAITING
    assert [(one.doubts, one.problem) for one in store.letters()] == [(0, "HTTP 503")]


def test_two_doubts_are_the_end(store: Store) -> None:
    store.put_message(message(), ["mail:1"])
    (due,) = store.letters_due(["mail:1"])
    states = []
    for _ in range(2):
        assert store.claim_letter(due.id)
        states.append(store.settle_letter(due.id, LetterState.WAITING, "late", doubtful=True))
    assert states == [LetterState.WAITING, LetterState.UNKNOWN]
    assert store.claim_letter(due.id) is None


def test_of_many_that_want_to_send_one_does(store: Store) -> None:
    store.put_message(message(), ["mail:1"])
    (due,) = store.letters_due(["mail:1"])
    got: list[Letter | None] = []
    threads = [Thread(target=lambda: got.append(store.claim_letter(due.id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert sum(one is not None for one in got) == 1


def erase(store: Store, *names: str) -> None:
    items = [one for one in store.kept() if one.id in names]
    assert len(items) == len(names)
    store.drop_all(items, why="customer")


def grave(*results: Result) -> Message:
    cases = [Grave(r.conversation.interaction.digest, r.evaluation.interaction, None, (), True) for r in results]
    return grave_message(cases, {}, made_at=NOW, report="", language="zh")


def test_what_is_erased_leaves_what_a_message_says_of_others(store: Store) -> None:
    first, second = result("T1"), result("T2")
    store.save([first, second])
    store.put_message(grave(first, second), ["mail:1"])
    erase(store, "T1")
    assert [letter.message.lines for letter in store.letters_due(["mail:1"])] == [("…", "T2：一级投诉（坐席 —）")]
    erase(store, "T2")
    assert store.letters() == ()


def test_what_is_erased_is_in_no_later_message_either(store: Store) -> None:
    first, second = result("T1"), result("T2")
    store.save([first, second])
    for told in (grave(first), grave(first, second)):
        store.put_message(told, ["mail:1"])
    erase(store, "T1")
    assert [letter.message.lines for letter in store.letters()] == [("…", "T2：一级投诉（坐席 —）")]


def test_others_that_a_message_only_counts_keep_it(store: Store) -> None:
    many = [result(f"T{number}") for number in range(MOST_CASES + 1)]
    store.save(many)
    store.put_message(grave(*many), ["mail:1"])
    erase(store, *(f"T{number}" for number in range(MOST_CASES)))
    (letter,) = store.letters()
    assert letter.message.lines == ("…",) * MOST_CASES + ("另有 1 通，见报告。",)


def test_a_night_counts_what_no_night_has_told_of(store: Store) -> None:
    store.save([result("T1"), result("T2")])
    run = store.begin_run("/srv/inbox", "local")
    first = list(store.untold())
    assert [(one.id, one.channel) for one in first] == [("T1", Channel.CALL), ("T2", Channel.CALL)]
    figures = night_figures(first, circumstances(run))
    assert store.keep_night(figures, to_json(figures), None, [])
    store.save([result("T3")])
    assert [one.id for one in store.untold()] == ["T3"]


def test_what_is_evaluated_again_is_no_news(store: Store) -> None:
    store.save([result("T1")])
    run = store.begin_run("/srv/inbox", "local")
    figures = night_figures(store.untold(), circumstances(run))
    store.keep_night(figures, to_json(figures), None, [])
    store.save([result("T1", card="sha256:c2")])
    assert list(store.untold()) == []


def test_a_night_and_its_message_are_kept_together_and_once(store: Store) -> None:
    run = store.begin_run("/srv/inbox", "local")
    figures = night(run=run)
    assert store.keep_night(figures, to_json(figures), message(), ["mail:1"])
    assert not store.keep_night(figures, to_json(figures), message("other"), ["mail:1"])
    assert len(store.letters()) == 1
    assert [from_json(kept) for kept in store.nights(5)] == [figures]
    assert store.nights(5, before=run) == ()


def test_a_later_time_stands_for_an_earlier_one(store: Store) -> None:
    given = result("T1")
    digest = given.conversation.interaction.digest
    store.save([given])
    for seconds in (3.0, 2.5):
        store.note_timings({digest: seconds})
    assert [one.seconds for one in store.untold()] == [2.5]
