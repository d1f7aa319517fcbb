import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import av
import pytest

from pipeline.conversation import Evidence, Finding, Measures, Speaker, Turn, Verdict
from pipeline.errors import InputError
from pipeline.i18n import LANGUAGES, area
from pipeline.reports import agents, cases, summary
from pipeline.reports.html import file_stem, write_agent_page, write_report
from pipeline.reports.material import Case, Night
from pipeline.reports.media import envelope, publish
from pipeline.reports.timeline import timeline
from pipeline.reports.words import Words
from tests.report_nights import (
    CALL,
    CARD,
    LENGTH,
    LI,
    WANG,
    ZHOU,
    case,
    finding,
    kind_chat,
    night,
    quote,
    rude_call,
    write_call,
)

PACKAGE = Path(agents.__file__).parent


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_call(tmp_path_factory.mktemp("sound") / "call.wav")


@pytest.fixture(scope="module")
def report(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(night(recording), tmp_path_factory.mktemp("report")).parent


# Figures


def test_average_has_the_student_interval() -> None:
    found = summary.average([80.0, 90.0, 100.0])
    assert found is not None
    assert found.mean == 90.0
    assert found.low == pytest.approx(90 - 4.30 * 10 / 3**0.5)
    assert found.high == 100.0  # 114.8 is no score


def test_unknown_totals_are_not_zeros() -> None:
    found = summary.average([None, 80.0])
    assert found is not None
    assert (found.mean, found.low, found.count) == (80.0, None, 1)
    assert summary.average([None]) is None


def test_a_rate_leaves_out_what_was_not_judged() -> None:
    judged = (Verdict.MET, Verdict.PARTIAL, Verdict.NOT_APPLICABLE, Verdict.UNSURE)
    rate = summary.rates(case(f"C{v}", LI, [finding("greeting", v)]) for v in judged)["greeting"]
    assert (rate.share, rate.count, rate.missed) == (0.75, 2, 1)


def test_the_queue_is_by_priority_then_by_score() -> None:
    flagged = [
        case("A", LI, total=50.0, reasons=("below_pass",), priority=0.6),
        case("B", LI, total=40.0, reasons=("below_pass",), priority=0.6),
        case("C", LI, total=90.0, reasons=("random_sample",), priority=0.1),
        case("D", LI, total=10.0, reasons=("fatal:rudeness",), priority=0.9),
        case("E", LI),
    ]
    assert [c.id for c in summary.queue(flagged)] == ["D", "B", "A", "C"]


def test_the_figures_of_a_night() -> None:
    found = summary.figures(night())
    assert (found.interactions, found.calls, found.chats) == (3, 2, 1)
    assert (found.flagged, found.set_aside, found.fatal, found.upset_ends) == (2, 1, 1, 1)
    assert found.pass_rate == 0.5
    assert str(found.first_day) == "2025-10-13"


def test_an_agent_is_compared_with_the_team() -> None:
    found = agents.summarise(night(), "1024")
    assert found is not None
    assert found.peers_are_team
    assert {c.id for c in found.peers} == {"C1", "T2"}


def test_an_agent_alone_in_a_team_is_compared_with_everybody() -> None:
    found = agents.summarise(night(), "2051")
    assert found is not None
    assert not found.peers_are_team
    assert len(found.peers) == 3


def test_coaching_begins_with_faults() -> None:
    found = agents.summarise(night(), "1024")
    assert found is not None
    assert [a.rate.key for a in found.coaching] == ["rudeness", "empathy_response"]
    assert found.coaching[0].example is not None
    assert found.coaching[0].example.evidence == quote(CALL[2], "你怎么还不明白")


def test_the_best_moments_are_duties_done_and_the_worst_cost_most() -> None:
    found = agents.summarise(Night(night().made_at, (rude_call(), case("C9", LI, _met_greeting())), ()), "1024")
    assert found is not None
    assert [(m.case.id, m.finding.criterion) for m in found.best] == [("C9", "greeting")]
    assert [(m.case.id, m.finding.criterion) for m in found.worst] == [("C1", "rudeness")]


def test_an_agents_cases_stand_in_the_order_of_time_whatever_the_offsets() -> None:
    first, second = case("C8", LI), case("C9", LI)
    moment = datetime.fromisoformat("2025-10-13T02:00:00+00:00")
    later = replace(second.conversation.interaction, started_at=moment)
    second = replace(second, conversation=replace(second.conversation, interaction=later))
    found = agents.summarise(Night(night().made_at, (second, first), ()), "1024")
    assert found is not None
    assert [c.id for c in found.cases] == ["C8", "C9"]


def _met_greeting() -> list[Finding]:
    return [finding("greeting", Verdict.MET, quote(CALL[0], "您好"))]


# Recordings


def test_the_envelope_tells_who_sounds_when(recording: Path) -> None:
    sound = envelope(recording, buckets=240)
    assert sound.duration == pytest.approx(LENGTH, abs=0.05)
    agent, customer = sound.peaks
    assert agent[25] == pytest.approx(1, abs=0.05)  # 2.5 s
    assert customer[25] == 0
    assert customer[70] == pytest.approx(1, abs=0.05)  # 7 s
    assert agent[70] == 0


def test_a_playable_recording_is_copied_as_it_is(recording: Path, tmp_path: Path) -> None:
    copy = publish(recording, tmp_path, "C1")
    assert copy.name == "C1.wav"
    assert copy.read_bytes() == recording.read_bytes()


def test_a_recording_that_browsers_do_not_play_is_encoded_anew(recording: Path, tmp_path: Path) -> None:
    telephone = tmp_path / "telephone.wav"
    _encode(recording, telephone, "pcm_mulaw")
    copy = publish(telephone, tmp_path / "media", "C1")
    assert copy.name == "C1.m4a"
    sound = envelope(copy)
    assert sound.duration == pytest.approx(LENGTH, abs=0.2)
    assert len(sound.peaks) == 2


def _encode(source: Path, target: Path, codec: Literal["pcm_mulaw"]) -> None:
    with av.open(str(source)) as incoming, av.open(str(target), "w") as outgoing:
        stream = outgoing.add_stream(codec, rate=8000, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        for frame in incoming.decode(audio=0):
            outgoing.mux(stream.encode(frame))
        outgoing.mux(stream.encode(None))


# Transcript and timeline


def test_overlapping_marks_show_the_worst_verdict() -> None:
    marked = case(
        "C1",
        LI,
        [
            finding("greeting", Verdict.MET, quote(CALL[0], "您好，工号")),
            finding("rudeness", Verdict.UNMET, quote(CALL[0], "工号1024")),
        ],
    )
    segments = _turns(marked)[0].segments
    assert [(s.text, s.look, s.findings) for s in segments] == [
        ("您好，", "good", (0,)),
        ("工号", "bad", (0, 1)),
        ("1024", "bad", (1,)),
        ("为您服务。", "", ()),
    ]


def test_words_that_were_badly_heard_are_marked() -> None:
    doubtful = [s for s in _turns(rude_call())[1].segments if s.doubt is not None]
    assert [(s.text, s.doubt) for s in doubtful] == [("手表", 0.31)]


def test_a_call_counts_from_its_start_and_a_chat_shows_the_time_of_day() -> None:
    assert [t.clock for t in _turns(rude_call())] == ["0:01", "0:05", "0:12", "0:18"]
    assert [t.clock for t in _turns(kind_chat())] == ["09:31:05", "09:31:25"]


def test_an_answer_of_another_day_shows_the_day() -> None:
    chat = kind_chat()
    turns = (chat.conversation.turns[0], replace(chat.conversation.turns[1], start=86_400.0, end=86_400.0))
    later = replace(chat, conversation=replace(chat.conversation, turns=turns))
    assert [t.clock for t in _turns(later)][1].split()[1] == "09:31"


def test_a_turn_without_time_has_no_clock_and_its_place_is_counted() -> None:
    untimed = case("C1", LI, turns=(Turn(0, Speaker.AGENT, "您好"), Turn(1, Speaker.CUSTOMER, "你好")))
    assert [t.clock for t in _turns(untimed)] == ["", ""]
    axis = timeline(untimed.conversation, None).axis
    assert axis.seconds is None
    assert axis.at(1, None) == (0.5, 0.5)


def test_an_excerpt_shows_the_words_around_the_quote() -> None:
    found = cases.excerpt(rude_call().conversation, quote(CALL[2], "你怎么"), around=3)
    assert (found.before, found.quote, found.after) == ("…遍了，", "你怎么", "还不明…")


def test_the_quote_stands_alone_where_the_turn_changed() -> None:
    stale = Evidence(0, 1.0, 4.0, (90, 95), "早已改了")
    assert cases.excerpt(rude_call().conversation, stale, around=3).quote == "早已改了"


def test_the_mood_line_runs_through_the_customers_turns() -> None:
    strip = timeline(rude_call().conversation, None)
    assert [(p.turn, p.x) for p in strip.mood] == [(1, 0.2917), (3, 0.7917)]
    assert strip.mood[1].y > strip.mood[0].y  # more upset is lower on the page


def test_a_mono_recording_has_one_lane(recording: Path) -> None:
    sound = envelope(recording)
    assert [lane.voice for lane in timeline(rude_call(recording).conversation, sound).lanes] == ["agent", "customer"]
    mono = type(sound)(sound.peaks[:1], sound.duration)
    assert [lane.voice for lane in timeline(rude_call().conversation, mono).lanes] == ["mixed"]


def _turns(one: Case) -> tuple[cases.TurnView, ...]:
    made = Night(night().made_at, (one,), (), {"hotline": CARD})
    words = Words("zh")
    axis = timeline(one.conversation, None).axis
    parts = cases.sections(one, made, words, axis)
    return cases.transcript(one, [f for p in parts for f in p.findings], words)


# Words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(9.5, "9.5 秒"), (75, "1 分 15 秒"), (3600, "1 小时 0 分"), (90_000, "25 小时 0 分")],
)
def test_lengths_are_told_in_the_unit_that_people_think_in(seconds: float, words: str) -> None:
    assert Words("zh").length(seconds) == words


def test_reasons_for_review_are_told_in_words() -> None:
    words = Words("zh")
    told = [words.flag_reason(r, CARD) for r in ("fatal:rudeness", "upset_at_the_end", "total_below:60", "own_rule")]
    assert "态度粗暴" in told[0]
    assert told[1] == "客户不满地离开"
    assert "60" in told[2]
    assert told[3] == "own_rule"


def test_a_measure_that_could_not_be_taken_is_not_zero() -> None:
    rows = dict(cases.measure_rows(case("C1", LI, measures=Measures(silence_ratio=0.0)), Words("zh")))
    assert rows["静默占比"] == "0%"
    assert rows["坐席礼貌程度"] == "测不出"


def test_measures_of_sound_are_left_out_for_a_chat() -> None:
    assert "静默占比" not in dict(cases.measure_rows(kind_chat(), Words("zh")))


def test_a_fault_is_said_to_have_happened_and_a_duty_to_be_done() -> None:
    words = Words("zh")
    assert words.verdict(Verdict.UNMET, fault=True) == "发生"
    assert words.verdict(Verdict.UNMET) == "未做到"


def test_advice_of_the_card_goes_before_the_catalogue() -> None:
    words = Words("zh")
    assert words.advice(night(), "empathy_response") == "先回应感受。"
    assert words.advice(night(), "greeting") == words.say("advice.greeting")
    assert "own_criterion" not in area("report")
    assert words.advice(night(), "own_criterion") == words.say("advice.any")


def test_every_sentence_exists_in_both_languages_and_is_used() -> None:
    catalogue = area("report")
    assert {k for k, v in catalogue.items() if set(v) != set(LANGUAGES)} == set()
    sources = [p.read_text(encoding="utf-8") for p in (*PACKAGE.glob("*.py"), *PACKAGE.glob("templates/*.html"))]
    text = "\n".join(sources)
    whole = set(re.findall(r'["\'](\w+(?:\.\w+)*)["\']', text))
    begun = set(re.findall(r'["\'](\w+(?:\.\w+)*\.)(?:["\']|\{)', text))
    keys = {key.removeprefix("report.") for key in catalogue}
    assert {k for k in keys if k not in whole and not any(k.startswith(b) for b in begun)} == set()


# Pages


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "data-href") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)


def _pages(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.html")):
        yield path, path.read_text(encoding="utf-8")


def test_a_report_has_a_page_for_everybody(report: Path) -> None:
    names = {str(path.relative_to(report)) for path, _ in _pages(report)}
    assert names == {
        "index.html",
        "team.html",
        *(f"agents/{a.id}.html" for a in (LI, ZHOU, WANG)),
        *(f"interactions/{file_stem(i)}.html" for i in ("C1", "T2", "C3/夜")),
    }


def test_every_link_leads_to_a_file_of_the_report(report: Path) -> None:
    for path, text in _pages(report):
        for link in _Page(text).links:
            target = unquote(link.partition("#")[0])
            assert not target or (path.parent / target).is_file(), f"{path.name}: {link}"


def test_links_into_a_conversation_name_the_criterion_and_the_second(report: Path) -> None:
    links = _Page((report / "agents" / "1024.html").read_text(encoding="utf-8")).links
    assert "../interactions/C1.html#f=rudeness&t=12.50" in links


def test_ids_are_unique_in_a_page(report: Path) -> None:
    for path, text in _pages(report):
        ids = _Page(text).ids
        assert len(ids) == len(set(ids)), path.name


def test_nothing_is_fetched_from_the_network(report: Path) -> None:
    for path, text in _pages(report):
        assert "default-src 'none'" in unescape(text)
        assert not re.search(r"https?://", text), path.name
    for asset in ("style.css", "player.js", "report.js"):
        assert not re.search(r"https?://", (report / "static" / asset).read_text(encoding="utf-8"))


def test_what_people_wrote_is_shown_as_text(report: Path) -> None:
    text = (report / "interactions" / "T2.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;发票&lt;/b&gt;" in text
    assert "<b>发票" not in text


def test_files_set_aside_are_shown_with_what_to_do(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    assert all(part in text for part in ("坏的.wav", "录音被截断", "请重新导出", "Z103"))


def test_the_page_of_a_call_names_what_made_the_score(report: Path) -> None:
    text = (report / "interactions" / "C1.html").read_text(encoding="utf-8")
    assert all(part in text for part in ("sha256:" + "a" * 64, "tiny@sha256:b", "hotline 版本 1.0", "0.1.0"))


def test_a_conversation_that_could_not_be_judged_has_no_score(report: Path) -> None:
    text = (report / "interactions" / f"{file_stem('C3/夜')}.html").read_text(encoding="utf-8")
    assert "未评分" in text
    assert "没有可播放的录音" in text


def test_a_damaged_recording_leaves_the_text(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound at all")
    made = Night(night().made_at, (rude_call(broken),), (), {"hotline": CARD})
    page = write_report(made, tmp_path / "out").parent / "interactions" / "C1.html"
    assert "录音打不开" in page.read_text(encoding="utf-8")


def test_the_same_night_gives_the_same_pages(recording: Path, tmp_path: Path) -> None:
    first = write_report(night(recording), tmp_path / "a").parent
    second = write_report(night(recording), tmp_path / "b").parent
    assert [text for _, text in _pages(first)] == [text for _, text in _pages(second)]


def test_an_english_report_has_no_chinese_but_what_people_said(tmp_path: Path) -> None:
    made = Night(night().made_at, (case("C1", None, total=70.0, turns=()),), (), {"hotline": CARD})
    folder = write_report(made, tmp_path, language="en").parent
    for path, text in _pages(folder):
        assert not re.search(r"[\u4e00-\u9fff]", text), path.name


def test_an_empty_night_says_what_to_do(tmp_path: Path) -> None:
    page = write_report(Night(night().made_at, ()), tmp_path)
    assert "zhijian run" in page.read_text(encoding="utf-8")


def test_an_agent_page_alone_links_only_to_pages_that_exist(tmp_path: Path) -> None:
    page = write_agent_page(night(), "1024", tmp_path)
    assert page == tmp_path / "agents" / "1024.html"
    for path, text in _pages(tmp_path):
        for link in _Page(text).links:
            target = unquote(link.partition("#")[0])
            assert not target or (path.parent / target).is_file(), f"{path.name}: {link}"


def test_an_unknown_agent_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Z120.*9999.*1024、1031、2051"):
        write_agent_page(night(), "9999", tmp_path)


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "a/b", "夜", "", "a b", "x" * 300])
def test_an_id_never_leaves_the_folder(identifier: str) -> None:
    stem = file_stem(identifier)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", stem)
    assert stem != file_stem(identifier + "!")
