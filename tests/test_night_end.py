"""What follows a batch and a night, from an inbox to what receivers get."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.nightly import Nightly, run_local
from pipeline.settings import load_settings
from pipeline.store import open_store
from pipeline.workshop import Workshop
from tests.loopback import Web, web
from tests.material import GREETED, RUDE, dialogue

WriteJson = Callable[[Path, object], Path]


@pytest.fixture
def inbox(tmp_path: Path, write_json: WriteJson) -> Path:
    folder = tmp_path / "inbox"
    for number in range(4):
        lines = RUDE if number == 3 else GREETED
        write_json(folder / f"{number}.json", dialogue(f"T{number}", lines, queue="售后", csat=5 - number % 3))
    (folder / "bad.json").write_text("{", encoding="utf-8")
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with web() as opened:
        monkeypatch.setenv("ZHIJIAN_ALERTS_WEBHOOK", f"{opened.url}#geheim")
        monkeypatch.setenv("ZHIJIAN_ALERTS_BACKOFF", "0")
        yield opened


@pytest.fixture(scope="module")
def _warm() -> Workshop:
    """Cards and reader, loaded once."""
    shop = Workshop(load_settings())
    assert shop.reader
    return shop


@pytest.fixture
def shop(_warm: Workshop) -> Workshop:
    return _warm


def run(inbox: Path, shop: Workshop) -> Nightly:
    nightly = Nightly(inbox, load_settings(), workshop=shop)
    run_local(nightly)
    return nightly


def kinds(server: Web) -> list[object]:
    return [got.json["kind"] for got in server.got]


def test_a_night_ends_with_a_page_its_figures_and_word_of_it(inbox: Path, shop: Workshop, server: Web) -> None:
    night = run(inbox, shop).finish().night
    figures = night.figures
    assert (figures.interactions, dict(figures.by_channel), figures.fatal) == (4, {"chat": 4}, 1)
    assert [(group.name, group.interactions) for group in figures.queues] == [("售后", 4)]
    assert (figures.ratings.judged, figures.ratings.happened) == (4, 3)
    assert [item.code for item in figures.set_aside] == ["Z105"]
    assert figures.cost.text_seconds is not None
    assert figures.cost.text_seconds > 0
    assert figures.cost.seconds_per_audio_hour is None
    assert len(figures.slowest) == 4
    page = night.page.read_text(encoding="utf-8")
    assert "bad.json" in page
    assert "没有异常" not in page
    content = json.loads(night.json.read_text(encoding="utf-8"))
    assert (content["interactions"], content["cost"]["money"]) == (4, None)
    assert len(content["warnings"]) == 1
    assert kinds(server) == ["grave", "warning"]
    assert server.got[-1].json["report"] == str(night.page)


def test_a_grave_case_is_told_after_its_batch_and_not_again(inbox: Path, shop: Workshop, server: Web) -> None:
    nightly = run(inbox, shop)
    assert kinds(server) == ["grave"]
    (line,) = server.got[0].json["lines"]
    assert line.startswith("T3：触犯红线（")
    nightly.finish()
    run(inbox, shop).finish()
    assert kinds(server).count("grave") == 1


def test_messages_hold_no_words_and_no_names(inbox: Path, shop: Workshop, server: Web) -> None:
    run(inbox, shop).finish()
    told = "".join(got.body.decode() for got in server.got)
    assert "1024" in told
    assert not any(word in told for word in ("小李", "洗衣机", "八八六六", "geheim"))


def test_what_a_killed_run_evaluated_is_told_by_the_next(inbox: Path, shop: Workshop) -> None:
    run(inbox, shop)
    figures = run(inbox, shop).finish().night.figures
    assert (figures.run, figures.interactions, figures.known) == (2, 4, 4)


def test_grave_cases_of_a_run_killed_before_it_told_them_are_told_at_the_end(
    inbox: Path, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(inbox, shop)
    with web() as server:
        monkeypatch.setenv("ZHIJIAN_ALERTS_WEBHOOK", server.url)
        nightly = run(inbox, shop)
        assert server.got == []
        nightly.finish()
    assert sorted(map(str, kinds(server))) == ["grave", "warning"]


def test_the_next_night_counts_only_what_is_new(inbox: Path, shop: Workshop, write_json: WriteJson) -> None:
    first = run(inbox, shop).finish().night
    write_json(inbox / "9.json", dialogue("T9", GREETED))
    second = run(inbox, shop).finish().night
    assert [night.figures.interactions for night in (first, second)] == [4, 1]
    assert second.page != first.page
    assert (second.page.parent / "index.html").read_bytes() == second.page.read_bytes()


def test_a_receiver_that_is_gone_fails_no_night(inbox: Path, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as gone:
        pass
    monkeypatch.setenv("ZHIJIAN_ALERTS_WEBHOOK", gone.url)
    monkeypatch.setenv("ZHIJIAN_ALERTS_BACKOFF", "0")
    monkeypatch.setenv("ZHIJIAN_ALERTS_ATTEMPTS", "1")
    outcome = run(inbox, shop).finish()
    assert (len(outcome.results), outcome.night.delivered.sent, outcome.night.delivered.waiting) == (4, 0, 2)


def test_what_could_not_be_sent_is_sent_by_the_next_run(
    inbox: Path, shop: Workshop, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers[:] = [(503, "")]
    run(inbox, shop).finish()
    server.got.clear()
    server.answers[:] = [(200, "")]
    delivered = run(inbox, shop).finish().night.delivered
    assert delivered.sent == 3
    assert kinds(server) == ["grave", "warning", "night"]


def test_quiet_nights_can_be_kept_quiet(
    tmp_path: Path, shop: Workshop, server: Web, monkeypatch: pytest.MonkeyPatch, write_json: WriteJson
) -> None:
    monkeypatch.setenv("ZHIJIAN_ALERTS_NIGHTLY", "false")
    write_json(tmp_path / "quiet" / "1.json", dialogue("T1", GREETED))
    night = run(tmp_path / "quiet", shop).finish().night
    assert (night.warned, server.got) == ((), [])


def test_without_receivers_there_is_a_report_and_no_message(inbox: Path, shop: Workshop) -> None:
    night = run(inbox, shop).finish().night
    assert night.page.is_file()
    settings = load_settings()
    with open_store(settings.store_url, media=settings.media) as store:
        assert store.letters() == ()
        assert len(store.nights(5)) == 1


def test_a_night_is_kept_once(inbox: Path, shop: Workshop) -> None:
    from pipeline.night_end import RunFacts, night_report

    run(inbox, shop).finish()
    settings = load_settings()
    with open_store(settings.store_url, media=settings.media) as store:
        again = night_report(store, settings, RunFacts(1, str(inbox)), shop.cards)
        assert len(store.nights(5)) == 1
    assert again.figures.interactions == 4


def test_the_summary_for_prefect_tells_counts_and_files(inbox: Path, shop: Workshop) -> None:
    told = run(inbox, shop).finish().night.markdown("zh")
    assert "新评 4 通" in told
    assert "- `bad.json:1`: [Z105]" in told


def test_the_english_page_is_english(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_LANGUAGE", "en")
    settings = load_settings()
    nightly = Nightly(inbox, settings)
    run_local(nightly)
    page = nightly.finish().night.page.read_text(encoding="utf-8")
    assert "Night report" in page
    assert "New conversations" in page


def test_a_wrong_receiver_is_told_before_anything_is_done(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.errors import SettingsError

    monkeypatch.setenv("ZHIJIAN_ALERTS_WECOM", "robot")
    with pytest.raises(SettingsError, match="Z570"):
        Nightly(inbox, load_settings())
    assert not load_settings().home.joinpath("zhijian.sqlite").exists()
