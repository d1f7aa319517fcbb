"""How fast the store answers what pages and exports ask: the queue, an agent's month, a text that was said.

    .venv/bin/python bench/store.py [--rows 1000000] [--kind sqlite postgresql] [--turns 8] [--keep FOLDER]

Rows are generated: agents' conversations over a year, put together from sentences of very different frequency, from
one in every conversation to a number that is said in one alone. They go into the product's own tables as they are, by
the databases' fast ways in; the triggers of the product make the rest. Every question is asked by the methods of the
store that pages use, from a fresh Python object to finished records; figures are medians and the slowest of `--times`.
Each plan is asked for with the statement and the values that were sent, and must name the index that the question rests
on. PostgreSQL is a server of its own, from Debian's package, on loopback, with the settings of `tests/postgres.py`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import Connection, Engine, create_engine, event, text

from bench.figures import cannot, console
from pipeline.store import open_store
from pipeline.store.database import Store
from pipeline.store.pairs import agent_mark, pairs
from pipeline.store.types import words
from tests.postgres import FAST, server

GOAL = 200.0
"""Milliseconds that an answer may take."""
AGENTS, DAYS, PAGE = 500, 365, 20
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
CHUNK = 5_000
THINGS = (
    "洗衣机", "空调", "冰箱", "热水器", "电视机", "路由器", "宽带", "手机卡", "会员卡",
    "优惠券", "订单", "发票", "快递", "积分", "账户", "套餐", "油烟机", "净水器",
)  # fmt: skip
WRONGS = (
    "坏了", "不转了", "漏水了", "没有收到", "收费不对", "登录不上", "打不开", "一直断线", "声音很大",
    "不制冷", "少了一件", "被扣了两次", "过期了", "想退掉", "想换一个", "查不到",
)  # fmt: skip
PLACES = (
    "海棠花园", "银杏小区", "长河路", "松涛苑", "明月湾", "向阳街", "百合里", "清泉村", "梧桐公寓",
    "丹桂园",
)  # fmt: skip
OPENINGS = ("您好，这里是客户服务中心，请问有什么可以帮您？", "您好，很高兴为您服务，请讲。")
CLOSINGS = ("感谢您的来电，祝您生活愉快，再见。", "请问还有其他可以帮您的吗？", "好的，没有了，谢谢。")
RARE = (
    "我要投诉你们，我要找消费者协会。",
    "这件事我会发到网上让大家都看看。",
    "你们这个系统昨天是不是出了故障？",
    "我母亲住院了，没有办法签收。",
)
TABLES = ("interactions", "hearings", "turns", "conversations", "evaluations", "review_items", "spoken")


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask a store: the method, and the index that its plan must name, by kind of database."""

    name: str
    ask: Callable[[Store, random.Random], int]
    index: dict[str, str]


def rows(count: int, turns: int, seed: int) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """Rows of so many interactions, table by table, in pieces."""
    rng = random.Random(seed)  # noqa: S311
    common = [f"我的{thing}{wrong}，{tail}" for thing in THINGS for wrong in WRONGS for tail in _TAILS]
    answers = [f"{head}{thing}的问题我们{tail}" for head in _HEADS for thing in THINGS for tail in _HANDLING]
    for first in range(1, count + 1, CHUNK):
        piece: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for number in range(first, min(first + CHUNK, count + 1)):
            said = [rng.choice(OPENINGS), rng.choice(common)]
            said += [rng.choice(answers) if n % 2 else rng.choice(common) for n in range(turns - 4)]
            if rng.random() < 0.002:
                said[2] = rng.choice(RARE)
            if rng.random() < 0.01:
                said[3] = f"地址是{rng.choice(PLACES)}{rng.randrange(1, 40)}栋。"
            said += [f"订单号是{88_000_000 + number}。", rng.choice(CLOSINGS)]
            _conversation(piece, number, said, rng)
        yield piece


_TAILS = ("怎么办？", "太气人了。", "你们快点处理。", "已经三天了。", "昨天就打过电话了。", "能不能退款？")
_HEADS = ("非常抱歉，", "我理解您的心情，", "请您稍等，", "给您添麻烦了，", "跟您确认一下，")
_HANDLING = ("已经记录，48小时内回复您。", "会安排师傅上门。", "马上为您查询。", "可以为您退款。", "已经转给专员处理。")


def _conversation(
    piece: dict[str, list[tuple[Any, ...]]], number: int, said: Sequence[str], rng: random.Random
) -> None:
    digest = f"sha256:{number:064x}"
    moment = FIRST_DAY + timedelta(days=DAYS * rng.random())
    agent = rng.randrange(AGENTS)
    total, flagged = round(rng.gauss(82, 9), 2), rng.random() < 0.1
    piece["interactions"].append(
        (digest, f"C{number}", "chat", "chats.jsonl", f"A{agent}", f"坐席{agent}", f"{agent % 20}组", False, "售后",
         moment, 28800, "{}", "[]", "{}", "{}", moment)
    )  # fmt: skip
    piece["hearings"].append((number, digest, "", "null"))
    piece["turns"] += [
        (number, n, "customer" if n % 2 else "agent", text, text, 6.0 * n, 6.0 * n + 5, 1.0, "[]")
        for n, text in enumerate(said)
    ]
    piece["conversations"].append((number, number, "sha256:0", "0", "{}", "{}", "[]"))
    piece["evaluations"].append(
        (number, digest, number, "online-chat", "1.0", "sha256:0", "0", "{}", "sha256:0", total, 100.0, total >= 70,
         "[]", "{}", "{}", moment)
    )  # fmt: skip
    priority = rng.choice((0.3, 0.5, 0.7, 0.8, 1.0)) if flagged else 0.0
    piece["review_items"].append((number, flagged, priority, "[]"))
    piece["spoken"].append((number, (*pairs(said), agent_mark(f"A{agent}"))))


COLUMNS = {
    "interactions": "digest, id, channel, source, agent_id, agent_name, team, has_customer, queue, started_at, "
    "started_offset, channels, turns, attributes, extra, taken_at",
    "hearings": "id, interaction_digest, asr_digest, quality",
    "turns": 'hearing_id, "index", speaker, text, original, start, "end", role_confidence, words',
    "conversations": "id, hearing_id, models_digest, engine_version, measures, classes, readings",
    "evaluations": "id, interaction_digest, conversation_id, scorecard_id, scorecard_version, scorecard_digest, "
    "engine_version, models, models_digest, total, max, passed, fatal, measures, classes, evaluated_at",
    "review_items": "evaluation_id, flagged, priority, reasons",
    "spoken": "hearing_id, pairs",
}


def fill_sqlite(path: Path, pieces: Iterator[dict[str, list[tuple[Any, ...]]]]) -> None:
    """Put rows into the SQLite file of a store."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    for piece in pieces:
        connection.execute("BEGIN")
        for table, content in piece.items():
            if table == "spoken":
                content = [(number, words(found)) for number, found in content]
            values = [[_moment(value) for value in row] for row in content] if table in _DATED else content
            marks = ", ".join("?" * len(content[0]))
            connection.execute("PRAGMA defer_foreign_keys=ON")
            connection.executemany(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({marks})", values)  # noqa: S608
        connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()


_DATED = ("interactions", "evaluations")


def _moment(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def fill_postgresql(url: str, pieces: Iterator[dict[str, list[tuple[Any, ...]]]]) -> None:
    """Put rows into the PostgreSQL database of a store; the index of pairs is made at the end, as a restore would."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        (made,) = cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_spoken_pairs'").fetchall()
        cursor.execute("DROP INDEX ix_spoken_pairs")
        for piece in pieces:
            for table, content in piece.items():
                with cursor.copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN") as copy:
                    for row in content:
                        copy.write_row([list(value) if isinstance(value, tuple) else value for value in row])
            connection.commit()
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute(made[0])
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def _first(found: Iterator[Any]) -> int:
    return len(list(islice(found, PAGE)))


def _month(store: Store, rng: random.Random) -> int:
    since = FIRST_DAY + timedelta(days=30 * rng.randrange(12))
    return len(list(store.listed(agent=f"A{rng.randrange(AGENTS)}", since=since, until=since + timedelta(days=30))))


def _later_page(store: Store, _: random.Random) -> int:
    page = store.queue(limit=1000)
    return len(store.queue(limit=50, after=page[-1])) if page else 0


def _searched(texts: Callable[[random.Random], str], *, agent: bool = False) -> Callable[[Store, random.Random], int]:
    def ask(store: Store, rng: random.Random) -> int:
        chosen = f"A{rng.randrange(AGENTS)}" if agent else None
        return _first(store.search(texts(rng), agent=chosen))

    return ask


def questions(count: int) -> tuple[Question, ...]:
    """What is asked."""
    queue = {"sqlite": "ix_cases_queue", "postgresql": "ix_cases_queue"}
    month = {"sqlite": "ix_cases_agent", "postgresql": "ix_cases_agent"}
    said = {"sqlite": "spoken_index VIRTUAL TABLE", "postgresql": "ix_spoken_pairs|pk_spoken"}
    return (
        Question("queue, first 50", lambda store, _: len(store.queue()), queue),
        Question("queue, 1,000 and the next 50", _later_page, queue),
        Question("an agent's month, whole", _month, month),
        Question("search: in every conversation (您好)", _searched(lambda _: "您好"), said),
        Question("search: two characters, common (退款)", _searched(lambda _: "退款"), said),
        Question("search: a thing that is wrong (空调不制冷)", _searched(_a_fault), said),
        Question("search: a rare sentence (消费者协会)", _searched(lambda _: "消费者协会"), said),
        Question("search: a place (海棠花园…)", _searched(lambda rng: rng.choice(PLACES)), said),
        Question("search: a number said once", _searched(lambda rng: str(88_000_001 + rng.randrange(count))), said),
        Question("search: never said (量子纠缠)", _searched(lambda _: "量子纠缠"), said),
        Question("search: two texts (投诉 发票)", _searched(lambda _: "投诉 发票"), said),
        Question("search: common, one agent (退款)", _searched(lambda _: "退款", agent=True), said),
        Question("search: a place, one agent", _searched(lambda rng: rng.choice(PLACES), agent=True), said),
    )


def _a_fault(rng: random.Random) -> str:
    return rng.choice(THINGS) + rng.choice(WRONGS)


class Sent:
    """The last statements that were sent to a database, with their values."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []
        event.listen(Engine, "before_cursor_execute", self._note)

    def _note(self, _c: Connection, _cursor: object, statement: str, values: Any, _x: object, _many: bool) -> None:
        self.statements.append((statement, values))

    def plans(self, engine: Engine) -> str:
        """The plans of all statements since the last call."""
        asked, told = list(self.statements), []
        with engine.connect() as connection:
            for statement, values in asked:
                if statement.startswith("SELECT"):
                    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
                    found = connection.exec_driver_sql(f"{explain} {statement}", values)
                    told += [str(row[-1]).strip() for row in found]
        self.statements.clear()
        return "\n".join(told)


def measure(url: str, kind: str, count: int, times: int, table: Table) -> tuple[bool, dict[str, str]]:
    """Ask everything; a row each. Gives whether the goal was met, and the plans."""
    met, plans = True, {}
    sent, engine = Sent(), create_engine(url)
    with tempfile.TemporaryDirectory() as media, open_store(url, media=Path(media)) as store:
        for question in questions(count):
            rng = random.Random(7)  # noqa: S311
            taken, found = [], 0
            for _ in range(times + 1):
                sent.statements.clear()
                start = time.perf_counter()
                found = question.ask(store, rng)
                taken.append(1000 * (time.perf_counter() - start))
            plans[question.name] = sent.plans(engine)
            named = next((name for name in question.index[kind].split("|") if name in plans[question.name]), None)
            middle, worst = statistics.median(taken[1:]), max(taken[1:])
            met = met and middle < GOAL and named is not None
            table.add_row(
                kind, question.name, str(found), f"{taken[0]:.1f}", f"{middle:.1f}", f"{worst:.1f}", named or "NONE"
            )
            print(
                json.dumps(
                    {
                        "kind": kind,
                        "question": question.name,
                        "found": found,
                        "first": round(taken[0], 1),
                        "median": round(middle, 1),
                        "worst": round(worst, 1),
                        "index": named,
                    },
                    ensure_ascii=False,
                ),
                flush=True,
            )
    engine.dispose()
    return met, plans


def size_of(url: str, kind: str) -> float:
    """Gigabytes of a database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if kind == "postgresql":
            size = connection.scalar(text("SELECT pg_database_size(current_database())"))
        else:
            size = connection.scalar(text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
    engine.dispose()
    return float(size or 0) / 1e9


def main() -> int:
    """Fill, ask, print; status 1 where an answer took longer than the goal or a plan names no index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--kind", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql"))
    parser.add_argument("--keep", type=Path, help="a folder in which the SQLite file stays")
    parser.add_argument("--filled", metavar="URL", help="ask a store that was filled earlier, and fill none")
    parser.add_argument("--plans", action="store_true", help="print the plans")
    args = parser.parse_args()
    table = Table(title=f"{args.rows:,} interactions of {args.turns} turns, milliseconds")
    for name in ("database", "question", "found", "first", "median", "slowest", "index"):
        table.add_column(name, justify="left" if name in ("database", "question", "index") else "right")
    met = True
    if args.filled:
        kind = "sqlite" if args.filled.startswith("sqlite") else "postgresql"
        met, plans = measure(args.filled, kind, args.rows, args.times, table)
        console().print(table)
        if args.plans:
            _print_plans(kind, plans)
        return 0 if met else _missed()
    with ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for kind in args.kind:
            if kind == "sqlite":
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / "bench.sqlite"
                url = f"sqlite:///{path}"
            else:
                url = stack.enter_context(server(f"{FAST} -c shared_buffers=1GB -c max_wal_size=8GB")).url()
            start = time.perf_counter()
            open_store(url, media=folder).close()
            pieces = rows(args.rows, args.turns, seed=1)
            if kind == "sqlite":
                fill_sqlite(path, pieces)
            else:
                fill_postgresql(url, pieces)
            filled = time.perf_counter() - start
            good, plans = measure(url, kind, args.rows, args.times, table)
            met = met and good
            console().print(f"{kind}: filled in {filled:.0f} s, {size_of(url, kind):.1f} GB")
            if args.plans:
                _print_plans(kind, plans)
    console().print(table)
    console().print(f"memory of this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    return 0 if met else _missed()


def _missed() -> int:
    return cannot("an answer took longer than the goal, or a plan names no index")


def _print_plans(kind: str, plans: dict[str, str]) -> None:
    for name, plan in plans.items():
        console().print(f"{kind}, {name}:\n{plan}\n", markup=False)


if __name__ == "__main__":
    raise SystemExit(main())
