"""What the store does on either kind of database: SQLite, and PostgreSQL as a real server."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from pipeline.conversation import Reading, Speaker, Turn, Verdict
from pipeline.errors import StoreError
from pipeline.store import CardState, Decision, Result, open_store, searching
from pipeline.store.database import Store
from pipeline.store.pairs import agent_mark, pairs
from pipeline.store.tables import (
    Base,
    CaseRow,
    DecisionRow,
    ErasingRow,
    EvaluationRow,
    HearingRow,
    SpokenRow,
    TurnRow,
)
from tests.postgres import Server
from tests.test_store import result

START = datetime(2025, 10, 1, 9, tzinfo=UTC)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(store_url, media=tmp_path / "media") as opened:
        yield opened


def said(identifier: str, *lines: str, agent: str = "1024", at: datetime = START, priority: float = 0.8) -> Result:
    """A result of a conversation with these lines."""
    given = result(identifier, agent=agent)
    turns = tuple(
        Turn(n, Speaker.AGENT if n % 2 == 0 else Speaker.CUSTOMER, line, line) for n, line in enumerate(lines)
    )
    interaction = replace(given.conversation.interaction, turns=turns, started_at=at)
    review = replace(given.review, priority=priority, flagged=priority > 0)
    readings = tuple(Reading() for _ in turns)
    conversation = replace(given.conversation, interaction=interaction, turns=turns, readings=readings)
    return replace(given, conversation=conversation, review=review)


def again(given: Result, card: str) -> Result:
    """The same, evaluated by another scorecard."""
    return replace(given, evaluation=replace(given.evaluation, scorecard_digest=card))


def decision(identifier: str = "C1", card: str = "sha256:c1") -> Decision:
    met, unmet = Verdict.MET, Verdict.UNMET
    return Decision(identifier, "hotline", card, "greeting", met, unmet, 0, "没有报工号", "张老师", START)


def found(store: Store, words: str, **how: object) -> list[str]:
    return [hit.case.interaction for hit in store.search(words, **how)]  # type: ignore[arg-type]


def test_a_result_comes_back_as_it_went_in(store: Store) -> None:
    given = result()
    assert store.save([given]) == 1
    assert store.save([given]) == 0
    (kept,) = store.results()
    assert (kept.conversation, kept.evaluation, kept.review) == (given.conversation, given.evaluation, given.review)


def test_an_outline_has_the_verdicts_of_a_result_and_none_of_its_words(store: Store) -> None:
    store.save([said("C2", "您好", "在吗"), result()])
    outlines = [one.result for one in store.outlines()]
    whole = list(store.results())
    assert [one.evaluation.interaction for one in outlines] == ["C1", "C2"]
    for outline, one in zip(outlines, whole, strict=True):
        found, wanted = outline.evaluation.findings, one.evaluation.findings
        assert [(f.criterion, f.verdict, f.points, bool(f.evidence)) for f in found] == [
            (f.criterion, f.verdict, f.points, bool(f.evidence)) for f in wanted
        ]
        assert (outline.review, outline.evaluation.total) == (one.review, one.evaluation.total)
        assert (outline.conversation.turns, outline.conversation.interaction.turns) == ((), ())
        assert outline.conversation.interaction.started_at == one.conversation.interaction.started_at


def test_the_queue_has_the_most_urgent_first_and_ends_at_what_was_decided(store: Store) -> None:
    store.save([said(f"C{n}", "您好", priority=n / 10, at=START + timedelta(hours=n % 3)) for n in range(6)])
    assert [case.interaction for case in store.queue()] == ["C5", "C4", "C3", "C2", "C1"]
    assert store.waiting() == 5
    store.decide(decision("C4"))
    first = store.queue(limit=2)
    assert [case.interaction for case in first] == ["C5", "C3"]
    assert [case.interaction for case in store.queue(after=first[-1])] == ["C2", "C1"]


def test_of_equal_urgency_the_newest_comes_first_and_pages_meet(store: Store) -> None:
    store.save([said(f"C{n}", "您好", at=START + timedelta(days=n // 2)) for n in range(9)])
    whole = [case.interaction for case in store.queue()]
    pages, last = [], None
    while page := store.queue(limit=2, after=last):
        pages += [case.interaction for case in page]
        last = page[-1]
    assert pages == whole
    assert whole[0] == "C8"


def test_another_evaluation_takes_the_place_in_lists_and_waits_anew(store: Store) -> None:
    store.save([result()])
    store.decide(decision())
    assert store.queue() == ()
    store.save([replace(result(card="sha256:c2"), evaluation=replace(result(card="sha256:c2").evaluation, total=10.0))])
    assert [(case.interaction, case.total, case.decided) for case in store.queue()] == [("C1", 10.0, False)]


def test_an_agents_month_is_theirs_and_of_that_month(store: Store) -> None:
    store.save(
        [
            said("C1", "您好", at=START),
            said("C2", "您好", at=START + timedelta(days=40)),
            said("C3", "您好", agent="7"),
            said("C4", "您好", at=START + timedelta(days=3)),
        ]
    )
    since, until = datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC)
    assert [case.interaction for case in store.listed(agent="1024", since=since, until=until)] == ["C4", "C1"]


def test_agents_are_called_as_their_newest_interaction_calls_them(store: Store) -> None:
    store.save([said("C1", "您好"), said("C2", "您好", agent="7")])
    later = said("C3", "您好", at=START + timedelta(days=1))
    agent = later.conversation.interaction.agent
    assert agent is not None
    moved = replace(later.conversation.interaction, agent=replace(agent, team="投诉组"))
    store.save([replace(later, conversation=replace(later.conversation, interaction=moved))])
    assert [(agent.id, agent.team) for agent in store.agents()] == [("1024", "投诉组"), ("7", "售后一组")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("退款", ["C3", "C1"]),
        ("申请退款", ["C1"]),
        ("款退", []),
        ("订单88661", ["C2"]),
        ("８８６６１", ["C2"]),
        ("VIP", ["C2"]),
        ("退 款", None),
        ("退款 发票", ["C3"]),
        ("發票", ["C3"]),
        ("退款，发票", []),
        ("量子纠缠", []),
        ("𠮷野家", ["C2"]),
    ],
)
def test_text_is_found_by_any_two_characters_in_a_row(store: Store, words: str, expected: list[str] | None) -> None:
    store.save(
        [
            said("C1", "您好，请讲。", "我想申请 退款。"),
            said("C2", "您好。", "订单 88661，我是vip，在𠮷野家买的。"),
            said("C3", "可以退款，", "发票也要开。"),
        ]
    )
    if expected is None:
        with pytest.raises(StoreError, match="Z414"):
            store.search(words)
    else:
        assert found(store, words) == expected


def test_pairs_that_stand_apart_are_no_hit(store: Store) -> None:
    store.save([said("C1", "退订", "订单")])
    assert found(store, "退订单") == []


def test_a_hit_says_where(store: Store) -> None:
    store.save([said("C1", "您好", "我要，退 款！", "好的，退款")])
    (hit,) = store.search("要退款")
    assert (hit.turn, hit.speaker, hit.text[slice(*hit.span)], hit.count) == (1, Speaker.CUSTOMER, "要，退 款", 1)


def test_a_search_can_be_of_one_agent_and_period(store: Store) -> None:
    store.save([said("C1", "退款"), said("C2", "退款", agent="7"), said("C3", "退款", at=START + timedelta(days=40))])
    assert found(store, "退款", agent="1024", until=START + timedelta(days=1)) == ["C1"]
    assert found(store, "退款", since=START + timedelta(days=1)) == ["C3"]


def test_a_search_of_one_agent_asks_the_index_for_the_agent_too(store: Store, store_url: str) -> None:
    store.save([said("C1", "退款"), said("C2", "退款", agent="7")])
    with within(store_url) as connection:
        kept = set(connection.scalars(select(SpokenRow.pairs)))
        assert kept == {tuple(sorted((*pairs(["退款"]), agent_mark(agent)))) for agent in ("1024", "7")}
        connection.execute(update(SpokenRow).where(SpokenRow.hearing_id == 2).values(pairs=pairs(["退款"])))
    assert (found(store, "退款"), found(store, "退款", agent="7")) == (["C2", "C1"], [])


def test_a_search_goes_on_behind_its_first_page(store: Store) -> None:
    count = searching.AT_ONCE + 5
    store.save([said(f"C{n}", "退款") for n in range(count)])
    assert found(store, "退款") == [f"C{n}" for n in reversed(range(count))]


def test_a_search_equals_looking_into_every_turn(store: Store) -> None:
    rng = random.Random(3)
    lines = {f"C{n}": ["".join(rng.choices("退款订单号，", k=6)) for _ in range(3)] for n in range(60)}
    store.save([said(identifier, *some) for identifier, some in lines.items()])
    for _ in range(40):
        wanted = "".join(rng.choices("退款订单号", k=rng.choice((2, 3, 4))))
        truth = {name for name, some in lines.items() if any(wanted in line.replace("，", "") for line in some)}
        assert set(found(store, wanted)) == truth


def test_text_that_is_deleted_is_found_no_more(store: Store, store_url: str) -> None:
    store.save([said("C1", "退款"), said("C2", "退款")])
    with within(store_url) as connection:
        hearing = connection.scalar(select(HearingRow.id).where(HearingRow.interaction_digest == "sha256:C1"))
        connection.execute(TurnRow.__table__.delete().where(TurnRow.hearing_id == hearing))  # type: ignore[attr-defined]
        connection.execute(text("DELETE FROM spoken WHERE hearing_id = :number"), {"number": hearing})
    assert found(store, "退款") == ["C2"]


class within:  # noqa: N801
    """A transaction on a database beside the store."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

    def __enter__(self) -> Connection:
        self._connection = self._engine.connect()
        return self._connection.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.commit()
        self._connection.close()
        self._engine.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decisions SET person = 'met'",
        "DELETE FROM decisions",
        "UPDATE scorecard_changes SET who = 'x'",
        "DELETE FROM scorecard_changes",
    ],
)
def test_decisions_and_changes_of_cards_are_only_ever_added(store: Store, store_url: str, change: str) -> None:
    store.save([result()])
    store.decide(decision())
    store.keep_card("hotline", "1.0", "sha256:c1", "id: hotline", who="质检组")
    with pytest.raises(DBAPIError, match="rows are only ever added"), within(store_url) as connection:
        connection.execute(text(change))
    assert store.decisions() == (decision(),)


def test_truncating_decisions_is_refused_too(postgres_url: str, tmp_path: Path) -> None:
    with open_store(postgres_url, media=tmp_path) as store:
        store.save([result()])
        store.decide(decision())
        with pytest.raises(DBAPIError, match="rows are only ever added"), within(postgres_url) as connection:
            connection.execute(text("TRUNCATE decisions"))
        assert store.decisions() == (decision(),)


def test_decisions_go_only_with_an_evaluation_that_is_being_erased(store: Store, store_url: str) -> None:
    store.save([result(), result("C2")])
    store.decide(decision())
    store.decide(decision("C2"))
    with within(store_url) as connection:
        number = connection.scalar(select(EvaluationRow.id).where(EvaluationRow.interaction_digest == "sha256:C1"))
        connection.execute(insert(ErasingRow), {"evaluation_id": number})
        connection.execute(DecisionRow.__table__.delete().where(DecisionRow.evaluation_id == number))  # type: ignore[attr-defined]
    assert store.decisions() == (decision("C2"),)


def alembic(url: str, action: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "pipeline:store/migrations")
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, action)(config, revision)
    engine.dispose()


def tables_of(url: str) -> set[str]:
    engine = create_engine(url)
    names = {name for name in inspect(engine).get_table_names() if not name.startswith("spoken_index")}
    engine.dispose()
    return names


def test_migrations_make_the_tables_of_the_program(store: Store, store_url: str) -> None:
    engine = create_engine(store_url)
    ours = {"include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("spoken_index")}
    with engine.connect() as connection:
        different = compare_metadata(MigrationContext.configure(connection, opts=ours), Base.metadata)
    engine.dispose()
    made_by_hand = [what for what in different if "ix_spoken_pairs" not in str(what)]
    assert made_by_hand == []


def revisions() -> Sequence[str]:
    config = Config()
    config.set_main_option("script_location", "pipeline:store/migrations")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def searched_by(url: str) -> list[tuple[int, ...]]:
    with within(url) as connection:
        return list(connection.scalars(select(SpokenRow.pairs).order_by(SpokenRow.hearing_id)))


def test_every_migration_goes_back_and_forth_with_rows_in_the_tables(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url, media=tmp_path) as store:
        store.save([said("C1", "我要退款"), said("C2", "您好", agent="7")])
        store.decide(decision())
        store.keep_card("hotline", "1.0", "sha256:c1", "id: hotline", who="质检组")
        run = store.begin_run("inbox", "local")
        store.finish_run(run, taken=2, evaluated=2, known=0)
    before = searched_by(store_url)
    for revision in revisions()[-2::-1]:
        alembic(store_url, "downgrade", revision)
        with within(store_url) as connection:
            assert connection.scalar(text("SELECT count(*) FROM interactions")) == 2
            assert connection.scalar(text("SELECT count(*) FROM turns")) == 2
    with open_store(store_url, media=tmp_path) as store:
        assert [case.interaction for case in store.queue()] == ["C2", "C1"]
        assert [agent.id for agent in store.agents()] == ["1024", "7"]
        assert found(store, "退款") == found(store, "退款", agent="1024") == ["C1"]
        assert (found(store, "您好", agent="7"), found(store, "您好", agent="1024")) == (["C2"], [])
        assert [r.evaluation.total for r in store.results()] == [86.5, 86.5]
    assert searched_by(store_url) == before
    alembic(store_url, "downgrade", "base")
    assert tables_of(store_url) <= {"alembic_version"}


def test_a_store_of_an_earlier_version_keeps_its_decisions_out_of_the_queue(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url, media=tmp_path) as store:
        store.save([result(), result("C2")])
        store.decide(decision())
    alembic(store_url, "downgrade", "0006")
    with open_store(store_url, media=tmp_path) as store:
        assert [case.interaction for case in store.queue()] == ["C2"]
        assert store.decisions() == (decision(),)


def test_a_listing_does_not_wait_for_who_writes(store: Store, store_url: str, tmp_path: Path) -> None:
    store.save([said(f"C{n}", "您好") for n in range(3)])
    stream = store.listed()
    assert next(stream).interaction
    with open_store(store_url, media=tmp_path / "media") as other:
        other.save([said("C9", "您好")])
    assert len(list(stream)) == 2
    assert len(list(store.listed())) == 4


def test_two_who_open_a_new_store_at_once_make_it_once(postgres_url: str, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def open_and_save(number: int) -> int:
        with open_store(postgres_url, media=tmp_path) as store:
            return store.save([said(f"C{number}-{n}", "您好", agent=f"A{(n * number) % 7}") for n in range(10)])

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(open_and_save, range(1, 5))) == 40
    with open_store(postgres_url, media=tmp_path) as store:
        assert store.waiting() == 40


def test_a_server_that_is_gone_is_told_and_needs_no_new_start_when_it_is_back(tmp_path: Path) -> None:
    from tests.postgres import server

    with server("-c max_connections=20") as own, open_store(own.url(), media=tmp_path) as store:
        store.save([result()])
        own.stop()
        with pytest.raises(StoreError, match=r"Z406.*数据库服务"):
            store.save([result("C2")])
        with pytest.raises(StoreError, match="Z406"), open_store(own.url(), media=tmp_path):
            pass
        own.start()
        assert [r.evaluation.interaction for r in store.results()] == ["C1"]
        assert store.save([result("C2")]) == 1


def test_a_password_is_never_told(postgres: Server, tmp_path: Path) -> None:
    url = postgres.url("no_such_database")
    with pytest.raises(StoreError) as failed:
        open_store(url, media=tmp_path)
    assert "only-for-tests" not in str(failed.value)


def test_triggers_keep_what_lists_go_by_equal_to_the_evaluations(store: Store, store_url: str) -> None:
    store.save([said(f"C{n}", "您好", priority=(n % 4) / 4) for n in range(12)])
    store.save(
        [
            replace(said(f"C{n}", "您好"), evaluation=replace(result(f"C{n}").evaluation, scorecard_digest="sha256:c2"))
            for n in range(5)
        ]
    )
    store.decide(decision("C2", "sha256:c2"))
    newest = select(func.max(EvaluationRow.id)).group_by(EvaluationRow.interaction_digest)
    with within(store_url) as connection:
        assert set(connection.scalars(select(CaseRow.evaluation_id))) == set(connection.scalars(newest))
        decided = connection.scalars(select(CaseRow.interaction_digest).where(CaseRow.decided))
        assert list(decided) == ["sha256:C2"]


def test_a_card_that_was_retired_is_changed_by_new_rows(store: Store) -> None:
    store.keep_card("hotline", "1.0", "sha256:c1", "id: hotline", who="质检组")
    store.change_card("hotline", "1.0", CardState.ACTIVE, who="质检组")
    version = store.change_card("hotline", "1.0", CardState.RETIRED, who="质检组")
    assert [change.state for change in version.changes] == [CardState.DRAFT, CardState.ACTIVE, CardState.RETIRED]
