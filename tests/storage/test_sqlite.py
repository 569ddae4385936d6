"""What is particular to SQLite: the writing thread, the lock between processes, plans, and short reads."""

# ruff: noqa: S608  # only names of schema.py are put into SQL

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Delete, Put
from alertwhisperer.domain.errors import Conflict, Invalid, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident
from alertwhisperer.ports import Query
from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage import get_database_adapter, render, sqlite_translate
from alertwhisperer.storage.query import parse_query
from alertwhisperer.storage.render import lookup_hash
from alertwhisperer.storage.sqlite import SQLiteStorage
from alertwhisperer.storage.sqlite_checkpoint import Checkpointer
from alertwhisperer.storage.sqlite_reads import connect
from alertwhisperer.storage.sqlite_translate import order_by, where
from tests.support.cast import ACME, GLOBEX
from tests.support.documents import NOON, alert, scope

RIVAL = """
import asyncio, sys
from alertwhisperer.domain.change import ABSENT, Change, Delete, Put
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.storage.render import lookup_hash
from alertwhisperer.storage.sqlite import SQLiteStorage
from tests.support.documents import NOON, alert, scope

async def main(path, name, commits):
    storage = SQLiteStorage(path)
    await storage.open()
    print("ready", flush=True)
    sys.stdin.readline()
    done = conflicts = 0
    while done < commits:
        seq, _ = await storage.head("acme")
        change = Change(writes=(Put("alerts", alert(f"{name}-{done:05}"), ABSENT),))
        try:
            await storage.commit(scope(), seq, change, commit_id=f"{name}-{done}", at=NOON)
            done += 1
            print("acked", done, flush=True)
        except Conflict:
            conflicts += 1
    await storage.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def rival(path: Path, name: str, commits: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", RIVAL, str(path), name, str(commits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


async def test_processes_that_open_and_write_one_file_at_once_share_one_order(tmp_path: Path) -> None:
    path, names, commits = tmp_path / "a.db", ("x", "y", "z"), 40
    processes = [rival(path, name, commits) for name in names]
    for process in processes:
        until_ready(process)
    for process in processes:
        start(process)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    storage = SQLiteStorage(path)
    records = await storage.records(ACME, 0)
    assert [record.seq for record in records] == list(range(1, len(names) * commits + 1))
    for name in names:
        own = [record.commit_id for record in records if record.commit_id.startswith(name)]
        assert own == [f"{name}-{n}" for n in range(commits)]
    assert await storage.count(Alert, {}) == len(names) * commits
    await storage.close()


async def test_a_process_killed_while_writing_loses_nothing_acked_and_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for round_ in range(3):
        acked = 0
        with rival(path, f"r{round_}", 100_000) as process:
            until_ready(process)
            start(process)
            for line in process.stdout or ():
                if line.endswith("\n"):
                    acked = int(line.split()[1])
                if acked == 20:
                    process.send_signal(signal.SIGKILL)
        storage = SQLiteStorage(path)
        mine = [each for each in await storage.records(ACME, 0) if each.commit_id.startswith(f"r{round_}-")]
        assert acked <= len(mine) <= acked + 1
        assert await storage.count(Alert, {}) == (await storage.head(ACME))[0]
        await storage.close()


async def test_a_commit_by_itself_and_one_among_others_store_the_same(tmp_path: Path) -> None:
    change = Change(
        writes=(
            Put("alerts", alert("a1", labels={"é": '"'}), ABSENT),
            Put("alerts", alert("a2", resolved_at=NOON), None),
            Put("alerts", alert("a3")),
            Delete("assets", (ACME, "gone")),
        )
    )
    stored = []
    for others in (0, 5):
        storage = SQLiteStorage(tmp_path / f"{others}.db")
        await storage.open()
        together = [storage.commit(scope(f"c{n}"), 0, Change(), commit_id="x", at=NOON) for n in range(others)]
        await asyncio.gather(storage.commit(scope(), 0, change, commit_id="c", at=NOON), *together)
        stored.append(await storage.write(lambda each: each.execute("SELECT * FROM alerts ORDER BY id").fetchall()))
        await storage.close()
    assert stored[0] == stored[1]
    assert len(stored[0]) == 3


async def test_jobs_of_one_moment_share_a_transaction_and_fail_apart(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    await storage.open()
    before = storage.groups
    calls = [
        storage.commit(
            scope(f"c{n}"), n % 2, Change(writes=(Put("alerts", alert("a", f"c{n}")),)), commit_id="x", at=NOON
        )
        for n in range(60)
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(outcome, Record) for outcome in outcomes] == [n % 2 == 0 for n in range(60)]
    assert all(isinstance(outcome, Record | Conflict) for outcome in outcomes)
    assert storage.groups - before <= 4
    assert await storage.count(Alert, {}) == 30
    await storage.close()


async def test_the_writing_thread_outlives_what_it_is_given(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    await storage.open()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM alerts")
        raise ZeroDivisionError

    def fail_in_sqlite(connection: sqlite3.Connection) -> None:
        connection.execute("this is no SQL")

    await storage.insert_one("alerts", {"company_id": ACME, "id": "a1"})
    good = storage.insert_one("alerts", {"company_id": ACME, "id": "a2"})
    outcomes = await asyncio.gather(storage.write(fail), storage.write(fail_in_sqlite), good, return_exceptions=True)
    assert isinstance(outcomes[0], ZeroDivisionError)
    assert isinstance(outcomes[1], Unavailable)
    assert outcomes[2] == "a2"
    for act in (fail, fail_in_sqlite):
        with pytest.raises((ZeroDivisionError, Unavailable)):
            await storage.write(act)
    assert await storage.count_documents("alerts", {}) == 2
    await storage.close()


async def test_a_disk_that_is_full_is_unavailable_and_writes_nothing(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    await storage.insert_one("alerts", {"company_id": ACME, "id": "a1"})

    async def limit(spare_pages: int) -> None:
        def act(connection: sqlite3.Connection) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + spare_pages}")

        await storage.write(act)

    await limit(4)
    big = {"company_id": ACME, "id": "a2", "text": "x" * 300_000}
    small = storage.commit(scope(), 0, Change(), commit_id="c", at=NOON)
    outcomes = await asyncio.gather(storage.insert_one("alerts", big), small, return_exceptions=True)
    assert isinstance(outcomes[0], Unavailable)
    await limit(1_000_000)
    assert await storage.insert_one("alerts", big) == "a2"
    assert (await storage.head(ACME))[0] == int(isinstance(outcomes[1], Record))
    await storage.close()


async def test_a_read_that_lasts_too_long_is_ended(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db", read_seconds=0.02)
    await storage.store([Put("alerts", alert(f"a{n}")) for n in range(3_000)])
    slow = {"$and": [{f"labels.x{n}.y{n}.z{n}": None} for n in range(50)]}
    with pytest.raises(Unavailable, match="took longer"):
        await storage.count(Alert, slow)
    assert len(await storage.select(Alert, {"company_id": ACME}, limit=5)) == 5
    await storage.close()


async def plan(storage: SQLiteStorage, collection: str, query: Query) -> str:
    """What SQLite does to answer `select`, newest first."""
    asked = where(BY_NAME[collection], parse_query(query))
    order = order_by(BY_NAME[collection], (), key_descending=True)
    sql = f"EXPLAIN QUERY PLAN SELECT document FROM {asked.source} WHERE {asked.text} ORDER BY {order.text} LIMIT 100"
    return " / ".join(row[3] for row in await storage.write(lambda each: each.execute(sql, asked.bound).fetchall()))


@pytest.mark.parametrize(
    ("collection", "query", "index"),
    [
        ("companies", {"api_key": "x"}, "companies.api_key-index"),
        ("users", {"email": "x"}, "users.email-index"),
        ("alerts", {"company_id": ACME, "id": {"$in": ["x", "y"]}}, "sqlite_autoindex_alerts_1"),
        (
            "alerts",
            {"company_id": ACME, "correlated_incident_id": "x"},
            "alerts.company_id-correlated_incident_id-index",
        ),
        (
            "alerts",
            {"company_id": ACME, "dedup_key": {"$in": ["x"]}, "status": {"$ne": "resolved"}},
            "alerts.company_id-dedup_key-open-index",
        ),
        (
            "alerts",
            {"company_id": ACME, "dedup_key": "x", "status": {"$in": ["active", "acknowledged"]}},
            "alerts.company_id-dedup_key-open-index",
        ),
        ("alerts", {"company_id": ACME, "status": "active"}, "alerts.company_id-open-index"),
        ("incidents", {"company_id": ACME, "status": {"$ne": "resolved"}}, "incidents.company_id-open-index"),
        (
            "incidents",
            {"company_id": ACME, "correlation_key": "x", "status": "resolved"},
            "incidents.company_id-correlation_key-resolved-index",
        ),
        ("assets", {"company_id": ACME, "name": {"$in": ["x", "y"]}}, "assets.company_id-name-index"),
        ("timeline", {"company_id": ACME, "incident_id": "x"}, "timeline.company_id-incident_id-index"),
    ],
)
async def test_lookups_use_their_index(tmp_path: Path, collection: str, query: dict[str, object], index: str) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    found = await plan(storage, collection, query)
    assert found.startswith("SEARCH")
    assert index in found
    await storage.close()


async def test_the_newest_of_a_company_are_read_without_sorting(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    for query, index in (
        ({"company_id": ACME}, "sqlite_autoindex_alerts_1"),
        ({"company_id": ACME, "severity": "high"}, "sqlite_autoindex_alerts_1"),
        ({"company_id": ACME, "status": {"$ne": "resolved"}}, "company_id-open-index"),
    ):
        found = await plan(storage, "alerts", query)
        assert index in found
        assert "TEMP B-TREE" not in found
    await storage.close()


@pytest.mark.parametrize("collection", ["alerts", "incidents"])
async def test_what_is_open_is_counted_by_the_index_alone(tmp_path: Path, collection: str) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    asked = where(BY_NAME[collection], parse_query({"company_id": ACME, "status": {"$ne": "resolved"}}))
    sql = f"EXPLAIN QUERY PLAN SELECT count(*) FROM {asked.source} WHERE {asked.text}"
    steps = await storage.write(lambda each: each.execute(sql, asked.bound).fetchall())
    assert "COVERING INDEX" in steps[0][3]
    await storage.close()


async def test_what_lies_in_several_blocks_is_found_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (render, sqlite_translate):
        monkeypatch.setattr(module, "BLOCK_BITS", 2)
        monkeypatch.setattr(module, "BLOCK", '("row#" >> 2)')
    storage = SQLiteStorage(tmp_path / "a.db")
    alerts = [alert(f"a{n:02}", dedup_key=f"k{n % 5}", correlated_incident_id=f"i{n % 3}") for n in range(40)]
    await storage.store([Put("alerts", each) for each in alerts])
    await storage.delete_many("alerts", {"company_id": ACME, "id": {"$lt": "a07"}})
    of_incident = await storage.select(Alert, {"company_id": ACME, "correlated_incident_id": "i1"}, limit=4)
    assert [each.id for each in of_incident] == ["a37", "a34", "a31", "a28"]
    query = {"company_id": ACME, "dedup_key": {"$in": ["k1", "k2"]}, "status": {"$ne": "resolved"}}
    assert len(await storage.select(Alert, query)) == len([n for n in range(7, 40) if n % 5 in {1, 2}])
    await storage.close()


async def test_the_facts_that_doctor_shows(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    facts = await storage.check()
    assert facts["engine"] == "sqlite"
    assert facts["schema_version"] == facts["schema_wanted"]
    assert isinstance(facts["size_bytes"], int)
    await storage.close()
    with pytest.raises(Unavailable):
        await storage.check()


async def test_a_path_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").mkdir()
    with pytest.raises(Unavailable):
        await SQLiteStorage(tmp_path / "a.db").open()
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises((Invalid, Unavailable)):
        await SQLiteStorage(tmp_path / "text.db").open()


def test_an_unknown_engine_is_invalid(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        get_database_adapter("oracle", path=tmp_path / "a.db")  # type: ignore[call-overload]  # that is the point


async def test_open_incidents_are_found_among_many_resolved(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    found = await plan(
        storage,
        "incidents",
        {"company_id": ACME, "status": {"$in": ["new", "in_progress", "escalated"]}},
    )
    assert "incidents.company_id-open-index" in found
    assert "TEMP B-TREE" not in found
    assert await storage.select(Incident, {"company_id": GLOBEX, "status": "new"}) == []
    await storage.close()


def test_the_log_file_begins_anew_under_unbroken_writing(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, filler TEXT)")
    checkpointer = Checkpointer(tmp_path / "a.db", rows_between=50, pages_at_most=300)
    for n in range(3_000):
        connection.execute(
            "INSERT INTO t VALUES (?, ?) ON CONFLICT DO UPDATE SET filler = excluded.filler", (n % 7, f"{n:05}" * 600)
        )
        checkpointer.after_commit(connection)
    grown = (tmp_path / "a.db-wal").stat().st_size
    checkpointer.close()
    connection.close()
    at_least_written = 3_000 * 4_096
    assert grown < at_least_written / 2


async def test_a_lookup_by_hash_still_compares_the_texts(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    await storage.store([Put("alerts", alert("a1", dedup_key="x")), Put("alerts", alert("a2", dedup_key="y"))])
    collision = lookup_hash([ACME, "x"])
    await storage.write(
        lambda connection: connection.execute('UPDATE alerts SET "company_id#dedup_key#" = ?', (collision,))
    )
    looked_up = {"company_id": ACME, "dedup_key": "x", "status": {"$ne": "resolved"}}
    assert [each.id for each in await storage.select(Alert, looked_up)] == ["a1"]
    assert await storage.select(Alert, {**looked_up, "dedup_key": "y"}) == []
    await storage.close()
