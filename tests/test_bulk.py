"""Rows that are put in a column at a time come back as they were, on either kind of database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.store import bulk, codec
from pipeline.store.sessions import Sessions
from pipeline.store.tables import Base, HearingRow, InteractionRow, RunRow, SpokenRow, TurnRow
from pipeline.store.types import from_json, to_json
from tests.test_store import result

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RUN = {"inbox": "收件夹", "engine": "local", "started_at": NOW, "taken": 0, "evaluated": 0, "known": 0}


@pytest.fixture
def sessions(store_url: str) -> Iterator[Sessions]:
    made = Sessions(store_url, "zh")
    yield made
    made.close()


def put(sessions: Sessions, table: type[Base], rows: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows as they are read again, in the order of the first column."""
    columns = table.__table__.c
    with sessions.writing() as session:
        bulk.add(session, table, rows)
    with sessions.reading() as session:
        found = session.execute(select(table.__table__).order_by(*columns[:2]))
        return [dict(row._mapping) for row in found]


def test_every_kind_of_value_comes_back(sessions: Sessions) -> None:
    conversation = result().conversation
    turns = codec.turns_fields(conversation.interaction.turns)
    came = codec.interaction_fields(conversation.interaction, turns, media=None, taken_at=NOW)
    rest = {"replaced_by": None, "text_deleted_at": None}
    assert put(sessions, InteractionRow, [came]) == [{**came, **rest}]
    heard = {"id": 7, **codec.hearing_fields(conversation, {"asr": "engine@sha256:1"})}
    (row,) = put(sessions, HearingRow, [heard])
    assert {**row, "quality": {**row["quality"], "warnings": tuple(row["quality"]["warnings"])}} == heard
    said = [{"hearing_id": 7, **turn} for turn in turns]
    assert put(sessions, TurnRow, said) == said
    assert put(sessions, SpokenRow, [{"hearing_id": 7, "pairs": (-5, 0, 2**31 - 1)}])[0]["pairs"] == (-5, 0, 2**31 - 1)


def test_numbers_go_on_from_those_that_are_there(sessions: Sessions) -> None:
    taken: list[int] = []
    for count in (2, 3):
        with sessions.writing() as session:
            numbers = bulk.numbers(session, RunRow, count)
            bulk.add(session, RunRow, [{"id": number, **RUN} for number in numbers])
            taken += numbers
    with sessions.writing() as session:
        last = RunRow(**RUN)
        session.add(last)
        session.flush()
        taken.append(last.id)
    assert taken == [1, 2, 3, 4, 5, 6]


def test_no_rows_are_no_statement(sessions: Sessions) -> None:
    assert put(sessions, TurnRow, []) == []


def test_a_moment_without_a_zone_is_refused(sessions: Sessions) -> None:
    run = {"id": 1, **RUN, "started_at": NOW.replace(tzinfo=None)}
    with pytest.raises(ValueError, match="zone"):
        put(sessions, RunRow, [run])


@pytest.mark.parametrize(
    "value", [[], {}, (), None, "您好", {"单号": 10**30, "a": [1, None, True, 1e-07, 0.1]}, [[], {}], float("inf")]
)
def test_json_keeps_its_meaning(value: object) -> None:
    assert from_json(to_json(value)) == (list(value) if isinstance(value, tuple) else value)


def test_json_is_written_as_ever() -> None:
    assert to_json({"说": ["您好", 1.5, None]}) == '{"说":["您好",1.5,null]}'
    assert from_json('{"a":1e-07,"b":[],"c":"\\u4e00"}') == {"a": 1e-07, "b": [], "c": "一"}
