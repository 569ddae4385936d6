"""The database file as a whole: made, recognised, upgraded, backed up, restored."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Put
from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.schema import VERSION
from alertwhisperer.storage import migrate
from alertwhisperer.storage.codec import encode
from alertwhisperer.storage.render import sqlite_ddl
from alertwhisperer.storage.sqlite import SQLiteStorage
from tests.storage import version_2
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope

FIRST = Path(__file__).with_name("golden") / "sqlite_v1.sql"
"""The layout of version 1, as it was."""


async def write(storage: SQLiteStorage, base_seq: int) -> None:
    change = Change(writes=(Put("alerts", alert(f"a{base_seq:05}"), ABSENT),))
    await storage.commit(scope(), base_seq, change, commit_id=f"c{base_seq}", at=NOON)


async def made(path: Path, commits: int = 3) -> Path:
    storage = SQLiteStorage(path)
    for seq in range(commits):
        await write(storage, seq)
    await storage.close()
    return path


async def held(path: Path) -> tuple[int, int]:
    """(alerts, seq of the head) of a database."""
    storage = SQLiteStorage(path)
    found = await storage.count(Alert, {"company_id": ACME}), (await storage.head(ACME))[0]
    await storage.close()
    return found


def mark(path: Path, *, application_id: int = migrate.APPLICATION_ID, version: int = VERSION) -> Path:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {application_id}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return path


async def refusal(path: Path) -> str:
    storage = SQLiteStorage(path)
    with pytest.raises(Invalid) as refused:
        await storage.open()
    await storage.close()
    return str(refused.value)


async def test_a_database_is_opened_again_as_it_was(tmp_path: Path) -> None:
    path = await made(tmp_path / "new" / "folder" / "a.db")
    assert await held(path) == (3, 3)


async def test_many_may_open_an_empty_file_at_once(tmp_path: Path) -> None:
    storages = [SQLiteStorage(tmp_path / "a.db") for _ in range(8)]
    await asyncio.gather(*(storage.open() for storage in storages))
    for storage in storages:
        assert await storage.count(Alert, {}) == 0
        await storage.close()


async def test_somebody_elses_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alerts (id TEXT)")
    connection.close()
    assert "without Alert Whisperer's version mark" in await refusal(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)
    connection.close()


async def test_a_newer_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = mark(await made(tmp_path / "a.db"), version=VERSION + 1)
    assert "newer Alert Whisperer" in await refusal(path)
    with pytest.raises(Invalid):
        migrate.upgrade(path)


async def test_an_older_database_is_refused_until_it_is_upgraded(tmp_path: Path) -> None:
    path = mark(await made(tmp_path / "a.db"), version=0)
    assert "alertwhisperer db upgrade" in await refusal(path)
    steps = {0: ('CREATE TABLE "new_room" (id TEXT)', "UPDATE alerts SET resolved_at = 'upgraded'")}
    saved = migrate.upgrade(path, steps=steps)
    assert saved == path.with_name("a.db.v0.backup")
    assert await held(path) == (3, 3)
    connection = sqlite3.connect(saved)
    assert connection.execute("SELECT count(*) FROM alerts WHERE resolved_at = 'upgraded'").fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()
    assert migrate.upgrade(path, steps=steps) is None


async def test_an_upgrade_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = mark(await made(tmp_path / "a.db"), version=0)
    with pytest.raises(sqlite3.OperationalError):
        migrate.upgrade(path, steps={0: ("DELETE FROM alerts", "this is no SQL")})
    assert await held(mark(path)) == (3, 3)


async def test_a_file_of_the_first_version_is_laid_out_anew(tmp_path: Path) -> None:
    path = tmp_path / "first.db"
    alerts = [alert(f"a{n:05}", dedup_key=f"k{n}", correlated_incident_id=f"i{n % 7}") for n in range(600)]
    connection = sqlite3.connect(path)
    connection.executescript(FIRST.read_text())
    connection.executemany(
        "INSERT INTO alerts (company_id, id, status, correlated_incident_id, dedup_key, document)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (each.company_id, each.id, each.status, each.correlated_incident_id, each.dedup_key, encode(each).decode())
            for each in alerts
        ],
    )
    connection.commit()
    connection.close()
    assert "alertwhisperer db upgrade" in await refusal(mark(path, version=1))
    assert migrate.upgrade(path) == tmp_path / "first.db.v1.backup"
    storage = SQLiteStorage(path)
    of_incident = await storage.select(Alert, {"company_id": ACME, "correlated_incident_id": "i3"})
    assert [each.id for each in of_incident] == [each.id for each in reversed(alerts[3::7])]
    still_open = {"company_id": ACME, "status": {"$ne": "resolved"}}
    assert await storage.select(Alert, {**still_open, "dedup_key": {"$in": ["k0", "k599"]}}) == [alerts[599], alerts[0]]
    change = Change(writes=(Put("alerts", alert("b00000")),))
    await storage.commit(scope(), 0, change, commit_id="next", at=NOON)
    assert await storage.count(Alert, still_open) == 601
    await storage.close()
    connection = sqlite3.connect(path)
    laid_out = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    assert laid_out == set(sqlite_ddl())
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize(("version", "layout"), [(1, FIRST), (2, version_2.LAYOUT)])
async def test_minutes_of_older_versions_go_into_their_hours(tmp_path: Path, version: int, layout: Path) -> None:
    path = mark(version_2.file(tmp_path / "older.db", layout), version=version)
    assert "alertwhisperer db upgrade" in await refusal(path)
    migrate.upgrade(path)
    storage = SQLiteStorage(path)
    await version_2.assert_upgraded(storage)
    await storage.close()


async def test_a_backup_under_load_is_a_whole_moment(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "a.db")
    await write(storage, 0)
    stop = asyncio.Event()

    async def load() -> int:
        seq = 1
        while not stop.is_set():
            await write(storage, seq)
            seq += 1
        return seq

    loading = asyncio.ensure_future(load())
    await asyncio.sleep(0.05)
    copies = [tmp_path / f"copy{n}.db" for n in range(3)]
    for copy in copies:
        assert await asyncio.to_thread(migrate.backup, storage.path, copy) == copy.stat().st_size
    stop.set()
    written = await loading
    await storage.close()
    heads = []
    for copy in copies:
        migrate.check_backup(copy)
        alerts, head = await held(copy)
        assert alerts == head
        heads.append(head)
    assert heads == sorted(heads)
    assert heads[-1] <= written
    assert heads[0] < heads[-1]


async def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    path = await made(tmp_path / "a.db")
    existing = tmp_path / "precious"
    existing.write_text("mine")
    with pytest.raises(Invalid):
        migrate.backup(path, existing)
    with pytest.raises(Unavailable):
        migrate.backup(path, tmp_path / "no folder" / "b.db")
    assert existing.read_text() == "mine"
    assert names_in(tmp_path) == ["a.db", "a.db.lock", "precious"]


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_restore_brings_the_past_back(tmp_path: Path) -> None:
    path = await made(tmp_path / "a.db")
    copy = tmp_path / "copy.db"
    migrate.backup(path, copy)
    storage = SQLiteStorage(path)
    await write(storage, 3)
    await storage.close()
    assert await held(path) == (4, 4)
    migrate.restore(copy, path)
    assert await held(path) == (3, 3)
    migrate.restore(copy, tmp_path / "elsewhere.db")
    assert await held(tmp_path / "elsewhere.db") == (3, 3)


async def test_restore_forgets_what_a_killed_server_left_in_the_log_file(tmp_path: Path) -> None:
    path = await made(tmp_path / "a.db")
    copy = tmp_path / "copy.db"
    migrate.backup(path, copy)
    storage = SQLiteStorage(path)
    await write(storage, 3)
    for suffix in ("", "-wal"):
        killed = tmp_path / f"killed.db{suffix}"
        killed.write_bytes(path.with_name(f"a.db{suffix}").read_bytes())
    await storage.close()
    assert await held_copy(tmp_path, "killed.db") == (4, 4)
    migrate.restore(copy, tmp_path / "killed.db")
    assert await held(tmp_path / "killed.db") == (3, 3)


async def held_copy(folder: Path, name: str) -> tuple[int, int]:
    """As `held`, on a copy of the file and its log, so that opening it changes neither."""
    aside = folder / "aside"
    aside.mkdir()
    for suffix in ("", "-wal"):
        (aside / f"{name}{suffix}").write_bytes((folder / f"{name}{suffix}").read_bytes())
    return await held(aside / name)


async def test_restore_refuses_while_the_database_is_in_use(tmp_path: Path) -> None:
    path = await made(tmp_path / "a.db")
    copy = tmp_path / "copy.db"
    migrate.backup(path, copy)
    storage = SQLiteStorage(path)
    await write(storage, 3)
    with pytest.raises(Unavailable, match="stop the server"):
        await asyncio.to_thread(migrate.restore, copy, path)
    await write(storage, 4)
    await storage.close()
    assert await held(path) == (5, 5)


@pytest.mark.parametrize("damage", ["cut", "scribbled", "not ours", "absent"])
async def test_restore_refuses_a_bad_backup_and_keeps_what_is_there(tmp_path: Path, damage: str) -> None:
    path = await made(tmp_path / "a.db")
    copy = tmp_path / "copy.db"
    if damage != "absent":
        migrate.backup(path, copy)
    content = copy.read_bytes() if copy.exists() else b""
    match damage:
        case "cut":
            copy.write_bytes(content[: len(content) // 2])
        case "scribbled":
            copy.write_bytes(content[:8192] + b"\xff" * 8192 + content[16384:])
        case "not ours":
            mark(copy, application_id=1)
        case _:
            assert not copy.exists()
    with pytest.raises(Invalid):
        migrate.restore(copy, path)
    assert await held(path) == (3, 3)
