"""Reports over any number of interactions: outlines in memory, pages one after the other, none written in vain."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.cli import runs, stored
from pipeline.conversation import Evaluation, Measures, Reason, ReviewItem, Verdict
from pipeline.errors import StoreError
from pipeline.night import night_in, night_of
from pipeline.nightly import Nightly, Outcome, run_local
from pipeline.reports import agents, summary
from pipeline.reports.html import write_report
from pipeline.reports.material import Case, Night
from pipeline.settings import Settings, load_settings
from pipeline.store import Decision, open_store
from pipeline.store.database import Store
from pipeline.workshop import Workshop
from tests import report_nights
from tests.material import GREETED, RUDE, dialogue

WriteJson = Callable[[Path, object], Path]
MADE_AT = datetime(2025, 10, 13, 2, tzinfo=UTC)
COUNT = 6


@pytest.fixture
def inbox(tmp_path: Path, write_json: WriteJson) -> Path:
    folder = tmp_path / "inbox"
    for number in range(COUNT):
        agent = {"id": f"10{number % 2}", "name": "小李", "team": "售后一组"}
        lines = RUDE if number == 3 else GREETED
        write_json(folder / f"{number}.json", dialogue(f"T{number}", lines, agent=agent))
    return folder


def night(inbox: Path, settings: Settings) -> Outcome:
    planned = Nightly(inbox, settings)
    run_local(planned)
    return planned.finish()


def opened(settings: Settings) -> Store:
    return open_store(settings.store_url, media=settings.media)


def written(folder: Path) -> dict[str, int]:
    """When each page of an interaction was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (folder / "interactions").iterdir()}


def rewritten(before: dict[str, int], folder: Path) -> set[str]:
    return {name for name, at in written(folder).items() if before.get(name) != at}


def stripped(evaluation: Evaluation) -> Evaluation:
    findings = (replace(f, why=Reason(""), evidence=(), confidence=round(f.confidence, 2)) for f in evaluation.findings)
    all_of = evaluation.measures
    shown = Measures(
        duration=all_of.duration, sentiment_start=all_of.sentiment_start, sentiment_end=all_of.sentiment_end
    )
    return replace(evaluation, findings=tuple(findings), measures=shown)


def test_an_outline_is_a_result_without_what_was_said(inbox: Path, settings: Settings) -> None:
    night(inbox, settings)
    with opened(settings) as store:
        results, outlines = tuple(store.results()), tuple(one.result for one in store.outlines())
        some = store.outlines([results[4].conversation.interaction.digest, "sha256:none"])
        assert [one.result.evaluation.interaction for one in some] == ["T4"]
    assert [(one.review, stripped(one.evaluation), one.evaluated_at) for one in outlines] == [
        (one.review, stripped(one.evaluation), one.evaluated_at) for one in results
    ]
    for outline, result in zip(outlines, results, strict=True):
        assert (outline.conversation.turns, outline.conversation.interaction.turns) == ((), ())
        assert [bool(f.evidence) for f in outline.evaluation.findings] == [
            bool(f.evidence) for f in result.evaluation.findings
        ]
        assert not any(e.quote for f in outline.evaluation.findings for e in f.evidence)


def nights(store: Store, settings: Settings) -> tuple[Night, Night]:
    """The same night held whole and held in outlines."""
    cards = Workshop(settings).cards
    whole = night_of(store.results(), set_aside=(), cards=cards, made_at=MADE_AT, decisions=store.decisions())
    return whole, night_in(store, set_aside=(), cards=cards, made_at=MADE_AT)


def test_figures_of_outlines_are_those_of_whole_results(inbox: Path, settings: Settings) -> None:
    night(inbox, settings)
    with opened(settings) as store:
        whole, outlined = nights(store, settings)
        assert summary.figures(outlined) == summary.figures(whole)
        assert summary.rates(outlined.cases) == summary.rates(whole.cases)
        for one, other in zip(agents.summaries(outlined), agents.summaries(whole), strict=True):
            loaded = {case.id: case for case in outlined.whole(agents.examples(one))}
            assert agents.with_quotes(one, loaded).best == other.best
            assert agents.with_quotes(one, loaded).worst == other.worst
            assert agents.with_quotes(one, loaded).coaching == other.coaching
        assert tuple(outlined.whole(outlined.cases)) == whole.cases


def test_the_pages_of_outlines_are_those_of_whole_results(inbox: Path, settings: Settings, tmp_path: Path) -> None:
    night(inbox, settings)
    mark = re.compile("\n?<!-- [0-9a-f]{64} -->\n?$")
    with opened(settings) as store:
        whole, outlined = nights(store, settings)
        folders = [write_report(one, tmp_path / name).parent for one, name in ((whole, "w"), (outlined, "o"))]
    pages = [
        {str(p.relative_to(folder)): mark.sub("", p.read_text(encoding="utf-8")) for p in folder.rglob("*.html")}
        for folder in folders
    ]
    assert pages[0] == pages[1]


def test_a_page_that_would_be_the_same_is_left_alone(inbox: Path, settings: Settings, write_json: WriteJson) -> None:
    night(inbox, settings)
    before = written(settings.report)
    assert len(before) == COUNT
    write_json(inbox / "new.json", dialogue("T9", RUDE))
    night(inbox, settings)
    assert rewritten(before, settings.report) == {"T9"}


def decide(store: Store, identifier: str) -> None:
    result = next(one for one in store.results() if one.evaluation.interaction == identifier)
    evaluation, finding = result.evaluation, result.evaluation.findings[0]
    store.decide(
        Decision(
            identifier,
            evaluation.scorecard_id,
            evaluation.scorecard_digest,
            finding.criterion,
            finding.verdict,
            Verdict.UNMET if finding.verdict is Verdict.MET else Verdict.MET,
            None,
            "听过录音",
            "王主管",
            MADE_AT,
        )
    )


def test_a_page_is_written_again_where_its_content_may_differ(inbox: Path, settings: Settings) -> None:
    night(inbox, settings)
    page = settings.report / "interactions" / "T2.html"
    with opened(settings) as store:
        before = written(settings.report)
        decide(store, "T1")
        page.write_bytes(page.read_bytes()[:-500])
        store.drop_text([store.identities()["T4"]])
        night(inbox, settings)
        assert rewritten(before, settings.report) == {"T1", "T2", "T4"}
    english = settings.model_copy(update={"language": "en"})
    before = written(settings.report)
    night(inbox, english)
    assert len(rewritten(before, settings.report)) == COUNT


def test_a_night_beyond_the_limit_has_pages_for_what_somebody_should_look_at(
    inbox: Path, write_json: WriteJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_REPORTS_PAGES", "1")
    few = load_settings()
    for number in range(COUNT, 3 * COUNT):
        write_json(inbox / f"{number}.json", dialogue(f"T{number}", GREETED))
    outcome = night(inbox, few)
    with opened(few) as store:
        decide(store, "T5")
        out = few.home / "out"
        assert stored.report(out, few) == 0
    flagged = {case.id for case in outcome.results if case.review.flagged}
    there = set(written(out))
    assert {"T3", "T5"} | flagged <= there < {f"T{number}" for number in range(3 * COUNT)}
    index = (out / "index.html").read_text(encoding="utf-8")
    assert f"共 {3 * COUNT} 通会话，超过了设置 reports.pages 的上限（1 通）" in index
    assert f"{len(there)} 通有单独的页面" in index
    assert f"<strong>{3 * COUNT}</strong>" in index
    for path in out.rglob("*.html"):
        for link in re.findall(r'(?:href|data-href)="([^"#]+\.html)', path.read_text(encoding="utf-8")):
            assert (path.parent / link).is_file(), (path, link)
        for link in re.findall(r'"((?:\.\./)?interactions/[^"]+\.html)"', path.read_text(encoding="utf-8")):
            assert (path.parent / link).is_file(), (path, link)


def test_of_many_to_review_the_most_urgent_have_a_page_and_the_others_on_demand(
    inbox: Path, write_json: WriteJson, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHIJIAN_REPORTS_PAGES", "1")
    few = load_settings()
    for number in range(COUNT, 2 * COUNT):
        agent = {"id": "100", "name": "小李", "team": "售后一组"}
        write_json(inbox / f"{number}.json", dialogue(f"T{number}", RUDE, agent=agent))
    outcome = night(inbox, few)
    waiting = [case.id for case in summary.queue(outcome.results)]
    without = [name for name in waiting if name not in written(few.report)]
    assert waiting[0] not in without
    assert without
    assert stored.interactions(without[:2], None, few) == 0
    assert str(few.report / "interactions" / f"{without[0]}.html") in capsys.readouterr().out
    assert set(without[:2]) <= set(written(few.report))
    with pytest.raises(StoreError, match="Z410"):
        stored.interactions(["T99"], None, few)


def test_the_table_of_a_long_night_lists_what_is_most_urgent() -> None:
    case = next(one for one in report_nights.night().cases if one.waiting)
    few = [numbered(case, number, 0.5) for number in range(runs.ROWS)]
    assert runs.listed(few) == few
    many = [
        *few,
        numbered(case, 999, 0.9),
        replace(numbered(case, 1000, 0.0), review=ReviewItem("1000", False, 0.0, ())),
    ]
    assert [one.id for one in runs.listed(many)][:2] == ["999", "0"]
    assert len(runs.listed(many)) == runs.ROWS


def numbered(case: Case, number: int, priority: float) -> Case:
    interaction = replace(case.conversation.interaction, id=str(number))
    conversation = replace(case.conversation, interaction=interaction)
    return replace(case, conversation=conversation, review=replace(case.review, priority=priority))
