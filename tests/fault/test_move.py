"""The database is moved under a server that is being sent to, and everybody goes on at the new one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.fault.senders import Promises, sender_of
from tests.fault.test_crash import check_company, until_quiet
from tests.support.mongod import MongoSet
from tests.support.processes import OwnedProcess
from tests.support.product import ProductServer, SeededCompany, lift_rate_limit
from tests.support.reader import LiveReader, head_of

SEED: Final = 1
SENDERS: Final = 32
_KEY: Final = base64.b64encode(b"k" * 32).decode()
KEYS: Final = {"JWT_SECRET": "s" * 40, "ENCRYPTION_KEYS": f"k1:{_KEY}", "AUDIT_KEY": _KEY}
"""Keys are not in the database: both servers are given the same."""

Place = tuple[str, dict[str, str]]
"""An address for `db migrate`, and the settings of a server on it."""


def sqlite_place(_: pytest.FixtureRequest, folder: Path) -> Place:
    return f"sqlite:///{folder}/moved.db", {"SQLITE_PATH": str(folder / "moved.db")}


def mongodb_place(request: pytest.FixtureRequest, folder: Path) -> Place:
    servers: MongoSet = request.getfixturevalue("mongodb_server")
    hosts, _, options = servers.url.partition("?")
    url = f"{hosts.rstrip('/')}/moved?{options}"
    return url, {"MONGO_URL": url}


PLACES: Final[dict[str, Callable[[pytest.FixtureRequest, Path], Place]]] = {
    "sqlite": sqlite_place,
    "mongodb": mongodb_place,
}
"""Not DynamoDB Local: it takes less than these send, so the move rightly stops nobody (tests/storage/transfer moves to
it under fewer senders)."""


def migrate(server: ProductServer, url: str, *options: str) -> OwnedProcess:
    """`db migrate` from the server's database, not yet started."""
    command = [sys.executable, "-m", "alertwhisperer.cli.main", "db", "migrate", *options]
    addresses = ["--from", f"sqlite:///{server.database_path}", "--to", url]
    return OwnedProcess([*command, *addresses], server.folder, "migrate", server.process.env)


async def send_through_move(
    old: ProductServer, new: ProductServer, moving: OwnedProcess, companies: Sequence[SeededCompany], promises: Promises
) -> None:
    """32 senders; the database is moved, then the old server is stopped and the new one takes its port."""
    stop = asyncio.Event()
    senders = [sender_of(n, companies, old.port, promises, SEED) for n in range(SENDERS)]
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run(stop))
        await asyncio.sleep(1)
        moving.start()
        await asyncio.to_thread(moving.wait_until, lambda: b"keeping" in moving.log.read_bytes(), seconds=60)
        await asyncio.to_thread(old.stop)
        await asyncio.to_thread(new.start)
        await asyncio.sleep(2)
        stop.set()


@pytest.mark.real
@pytest.mark.timeout(180)
@pytest.mark.parametrize("engine", sorted(PLACES))
async def test_what_was_acked_is_there_once_after_the_database_has_moved(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url, settings = PLACES[engine](request, tmp_path)
    old = ProductServer(tmp_path / "old", KEYS)
    new = ProductServer(tmp_path / "new", {**KEYS, **settings}, port=old.port)
    moving = migrate(old, url, "--switch")
    seed = await asyncio.to_thread(old.seed)
    await asyncio.to_thread(old.start)
    promises = Promises()
    try:
        with old.signed_in(seed.admin) as client:
            for company in seed.companies:
                lift_rate_limit(client, company)
            token = str(client.headers["Authorization"]).removeprefix("Bearer ")
            async with contextlib.AsyncExitStack() as stack:
                readers = [
                    await stack.enter_async_context(LiveReader(old.port, c.id, token, head_of(client, c.id)))
                    for c in seed.companies
                ]
                await send_through_move(old, new, moving, seed.companies, promises)
                await until_quiet(client, readers)
            assert all(reader.hellos > 1 for reader in readers)
            for reader in readers:
                check_company(client, reader, promises)
    finally:
        for process in (moving, old.process, new.process):
            process.stop()
