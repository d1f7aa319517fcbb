"""A backup is everything in the store in one file, and can be restored into either kind of database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.store import CardState, Result, open_store
from pipeline.store.database import Store
from tests.postgres import Server, fresh
from tests.test_store import result
from tests.test_store_both import alembic, decision, said


def fill(store: Store) -> None:
    store.save([said("C1", "我要退款", "𠮷野家'的\\订单"), said("C2", "您好", agent="7"), result("C3")])
    store.decide(decision())
    store.keep_card("hotline", "1.0", "sha256:c1", "id: hotline\ntitle: 热线", who="质检组", why="首版")
    store.change_card("hotline", "1.0", CardState.ACTIVE, who="质检组")
    store.finish_run(store.begin_run("inbox", "local"), taken=3, evaluated=3, known=0)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(store_url, media=tmp_path / "media") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/other/zhijian.sqlite"
    postgres: Server = request.getfixturevalue("postgres")
    return fresh(postgres)


def everything(store: Store) -> tuple[object, ...]:
    return (
        tuple(store.results(newest=False)),
        store.decisions(),
        store.card_versions(),
        store.card_texts("c1"),
        store.runs(),
        store.queue(),
        store.agents(),
        [hit.case.interaction for hit in store.search("退款")],
    )


def test_what_was_backed_up_comes_back_in_either_kind(store: Store, other_url: str, tmp_path: Path) -> None:
    fill(store)
    made = store.backup(tmp_path / "backup" / "zhijian.backup")
    with open_store(other_url, media=tmp_path / "media") as other:
        restored = other.restore(tmp_path / "backup" / "zhijian.backup")
        assert (restored.digest, dict(restored.rows)) == (made.digest, dict(made.rows))
        assert everything(other) == everything(store)
        assert other.save([said("C4", "新的")]) == 1
        other.decide(decision("C2"))
        assert len(other.decisions()) == 2
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["zhijian.backup"]


def test_a_backup_of_a_backup_is_the_same(store: Store, tmp_path: Path) -> None:
    fill(store)
    first = store.backup(tmp_path / "first")
    with open_store(f"sqlite:///{tmp_path}/again.sqlite", media=tmp_path) as again:
        again.restore(tmp_path / "first")
        assert again.backup(tmp_path / "second").digest == first.digest


def test_a_backup_is_of_one_moment_while_others_write(store: Store, store_url: str, tmp_path: Path) -> None:
    fill(store)
    stream = store.listed()
    next(stream)
    made = store.backup(tmp_path / "file")
    with open_store(store_url, media=tmp_path / "media") as other:
        other.save([said("C9", "您好")])
    assert made.rows["interactions"] == 3
    assert store.backup(tmp_path / "file").rows["interactions"] == 4
    assert len(list(stream)) == 2


def test_a_store_that_has_something_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.backup(tmp_path / "file")
    before = everything(store)
    with pytest.raises(StoreError, match=r"Z421.*不会被备份覆盖"):
        store.restore(tmp_path / "file")
    assert everything(store) == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300])
def test_a_file_that_is_no_backup_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with open_store(f"sqlite:///{tmp_path}/x.sqlite", media=tmp_path) as store, pytest.raises(StoreError, match="Z420"):
        store.restore(tmp_path / "file")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/x.sqlite", media=tmp_path) as store:
        with pytest.raises(StoreError, match="Z402"):
            store.restore(tmp_path / "nowhere")
        with pytest.raises(StoreError, match="Z402"):
            store.backup(tmp_path / "x.sqlite" / "file")


def test_a_changed_backup_is_refused_and_the_store_stays_empty(store: Store, other_url: str, tmp_path: Path) -> None:
    fill(store)
    store.backup(tmp_path / "file")
    with closing(sqlite3.connect(tmp_path / "file")) as connection, connection:
        connection.execute("UPDATE findings SET points = 4 WHERE position = 0")
    with open_store(other_url, media=tmp_path) as other:
        with pytest.raises(StoreError, match="Z420"):
            other.restore(tmp_path / "file")
        assert everything(other) == ((), (), (), {}, (), (), (), [])


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(other_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/zhijian.sqlite"
    with open_store(url, media=tmp_path) as store:
        store.save([unmasked(said("C1", "我要退款", "𠮷野家'的\\订单")), unmasked(result("C3"))])
        store.decide(decision())
        before = everything(store)
    alembic(url, "downgrade", "0006")
    engine_of_then(tmp_path / "zhijian.sqlite", tmp_path / "file")
    with open_store(other_url, media=tmp_path) as other:
        other.restore(tmp_path / "file")
        assert everything(other) == before


def unmasked(given: Result) -> Result:
    """As it was kept before personal data was masked and the outlines of sound were kept."""
    turns = tuple(replace(turn, marks=()) for turn in given.conversation.turns)
    hearing = given.conversation.hearing
    hearing = None if hearing is None else replace(hearing, waveform=())
    return replace(given, conversation=replace(given.conversation, turns=turns, hearing=hearing, sealed=""))


def engine_of_then(source: Path, target: Path) -> None:
    """A backup as the program of that time would have written it."""
    from sqlalchemy import create_engine

    from pipeline.store import backup

    engine = create_engine(f"sqlite:///{source}")
    backup.write(engine, target, lambda _: None)
    engine.dispose()


def test_a_backup_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/zhijian.sqlite"
    with open_store(url, media=tmp_path) as store:
        fill(store)
    with closing(sqlite3.connect(tmp_path / "zhijian.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    engine_of_then(tmp_path / "zhijian.sqlite", tmp_path / "file")
    with open_store(f"sqlite:///{tmp_path}/x.sqlite", media=tmp_path) as other, pytest.raises(StoreError, match="Z403"):
        other.restore(tmp_path / "file")
