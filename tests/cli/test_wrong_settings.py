"""What is set wrong is told by `serve` and `doctor` in one sentence with its next step, and ends them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, Final

import pymongo
import pytest

from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.migrate import APPLICATION_ID
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.engines import DynamoDBEngine
from tests.support.faults import Fault
from tests.support.mongod import Mongod, MongoSet
from tests.support.processes import free_port, missing
from tests.support.product import ProductServer
from tests.support.proxy_dynamodb import TRANSACT, DynamoDBProxy

KEY: Final = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
SECRETS: Final = {"JWT_SECRET": "s" * 40, "ENCRYPTION_KEYS": f"k1:{KEY}", "AUDIT_KEY": KEY}
NO_PROFILE: Final = {"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent"}

Settings = dict[str, str]
Make = Callable[["Stage"], Settings]

_numbers: Final = count(1)


class Stage:
    """What a case may use; it lasts as long as the test."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> None:
        self.request = request
        self.folder = folder
        self.stack = stack

    @property
    def mongodb(self) -> MongoSet:
        servers: MongoSet = self.request.getfixturevalue("mongodb_server")
        return servers

    @property
    def dynamodb(self) -> DynamoDBLocal:
        local: DynamoDBLocal = self.request.getfixturevalue("dynamodb_local")
        return local


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(request, tmp_path, stack)


# ---------------------------------------------------------------- MongoDB


def nobody_there(_: Stage) -> Settings:
    return {"MONGO_URL": f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=500"}


def server_alone(stage: Stage) -> Settings:
    server = Mongod(stage.folder / "alone", replica_set=None)
    stage.stack.callback(server.kill)
    server.start()
    return {"MONGO_URL": f"mongodb://{server.address}/"}


def wrong_password(stage: Stage) -> Settings:
    member = stage.mongodb.members[0]
    member.command("createUser", "ada", pwd="right", roles=[])
    stage.stack.callback(member.command, "dropUser", "ada")
    return {"MONGO_URL": stage.mongodb.url.replace("//", "//ada:wrong@")}


def no_address(_: Stage) -> Settings:
    return {"MONGO_URL": "mongodb://127.0.0.1:1:2/"}


def mongodb_with(collection: str, document: dict[str, object]) -> Make:
    def make(stage: Stage) -> Settings:
        name = f"wrong_{next(_numbers)}"
        stage.stack.callback(stage.mongodb.drop, name)
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(stage.mongodb.url)
        with client:
            client[name][collection].insert_one(document)
        return {"MONGO_URL": stage.mongodb.url.replace("/?", f"/{name}?")}

    return make


ON_MONGODB: Final[dict[str, tuple[Make, Sequence[str]]]] = {
    "nobody there": (nobody_there, ["no primary", "check MONGO_URL"]),
    "a server alone": (server_alone, ["is not a replica set", "rs.initiate()"]),
    "a wrong password": (wrong_password, ["refuses the user of MONGO_URL", "check"]),
    "no address": (no_address, ["MONGO_URL", "mongodb://"]),
    "somebody else's": (mongodb_with("alerts", {"_id": 1}), ["version mark", "import it"]),
    "a newer version": (mongodb_with("meta", {"_id": "schema", "version": 99}), ["newer", "upgrade the program"]),
}


# ---------------------------------------------------------------- DynamoDB


def at(url: str, prefix: str) -> Settings:
    return {"DATABASE_TYPE": "dynamodb", "DYNAMODB_ENDPOINT_URL": url, "DYNAMODB_TABLE_PREFIX": prefix}


def tables(stage: Stage) -> str:
    """The prefix of tables that are as they should be."""
    engine = DynamoDBEngine(stage.request, stage.folder)
    prefix: str = asyncio.run(opened(engine))
    stage.stack.callback(lambda: stage.dynamodb.empty(prefix))
    return prefix


async def opened(engine: DynamoDBEngine) -> str:
    storage = await engine.open()
    await engine.close()
    return storage.prefix


def no_tables(stage: Stage) -> Settings:
    return at(stage.dynamodb.url, "Nobody")


def one_table_missing(stage: Stage) -> Settings:
    prefix = tables(stage)
    stage.stack.callback(lambda: asyncio.run(made_again(stage.dynamodb.url, prefix)))
    stage.dynamodb.client.delete_table(TableName=f"{prefix}Assets")
    return at(stage.dynamodb.url, prefix)


async def made_again(url: str, prefix: str) -> None:
    storage = DynamoDBStorage(table_prefix=prefix, endpoint_url=url)
    await storage.create_tables(protected=False, expiry=False)
    await storage.close()


def refused(fault: Fault, *verbs: str) -> Make:
    def make(stage: Stage) -> Settings:
        proxy = stage.stack.enter_context(DynamoDBProxy(stage.dynamodb.port))
        for verb in verbs:
            proxy.faults.plan(verb, fault, for_ever=True)
        return at(proxy.url, tables(stage))

    return make


def version(number: str | None) -> Make:
    def make(stage: Stage) -> Settings:
        prefix = tables(stage)
        key, table = {"kind": {"S": "version"}, "id": {"S": "schema"}}, f"{prefix}System"
        if number is None:
            stage.dynamodb.client.delete_item(TableName=table, Key=key)
        else:
            stage.dynamodb.client.put_item(TableName=table, Item={**key, "version": {"N": number}})
        return at(stage.dynamodb.url, prefix)

    return make


def no_keys(_: Stage) -> Settings:
    return {"DATABASE_TYPE": "dynamodb", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", **NO_PROFILE}


def no_region(_: Stage) -> Settings:
    return {"DATABASE_TYPE": "dynamodb", "AWS_REGION": "us east"}


def nobody_answers(_: Stage) -> Settings:
    return at(f"http://127.0.0.1:{free_port()}", "Nobody")


ON_DYNAMODB: Final[dict[str, tuple[Make, Sequence[str]]]] = {
    "nobody answers": (nobody_answers, ["does not answer", "check AWS_REGION"]),
    "no tables": (no_tables, ["no table Nobody_", "db create-tables"]),
    "one table missing": (one_table_missing, ["Assets", "db create-tables"]),
    "no region": (no_region, ["us east is not an AWS region", "set AWS_REGION"]),
    "no keys": (no_keys, ["no AWS credentials", "AWS_PROFILE"]),
    "unknown key": (refused("unknown key", "DescribeTable"), ["does not know these credentials", "check"]),
    "no permission": (refused("deny", "DescribeTable"), ["AWS denies this", "IAM policy"]),
    "no permission to write": (refused("deny", "PutItem", TRANSACT), ["AWS denies this", "IAM policy"]),
    "expired token": (refused("expired token", "DescribeTable"), ["has expired", "aws sso login"]),
    "somebody else's": (version(None), ["no version mark", "DYNAMODB_TABLE_PREFIX"]),
    "a newer version": (version("99"), ["newer", "upgrade the program"]),
}


# ---------------------------------------------------------------- SQLite


def file_with(*statements: str) -> Make:
    def make(stage: Stage) -> Settings:
        path = stage.folder / "wrong.db"
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return {"SQLITE_PATH": str(path)}

    return make


def no_database(stage: Stage) -> Settings:
    path = stage.folder / "wrong.db"
    path.write_bytes(b"this is not a database at all" * 200)
    return {"SQLITE_PATH": str(path)}


def locked_folder(stage: Stage) -> Settings:
    folder = stage.folder / "locked"
    folder.mkdir(mode=0o555)
    return {"SQLITE_PATH": str(folder / "wrong.db")}


ON_SQLITE: Final[dict[str, tuple[Make, Sequence[str]]]] = {
    "no database": (no_database, ["wrong.db", "SQLITE_PATH"]),
    "somebody else's": (file_with("CREATE TABLE alerts (id)"), ["version mark", "import it"]),
    "a newer version": (
        file_with("CREATE TABLE x (y)", f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 99"),
        ["newer", "upgrade the program"],
    ),
    "a folder that cannot be written": (locked_folder, ["locked", "cannot be written", "SQLITE_PATH"]),
}


# ---------------------------------------------------------------- what is said


def command(name: str) -> list[str]:
    """The command as a user runs it who may not write everywhere, as root may."""
    own = [sys.executable, "-m", "alertwhisperer.cli.main", name]
    if os.geteuid():
        return own
    setpriv = shutil.which("setpriv") or missing("setpriv is not installed (Debian package util-linux)")
    return [setpriv, "--bounding-set=-dac_override", *own]


def said(name: str, settings: Settings, folder: Path) -> tuple[str, str]:
    """Its standard output and error; it must end by itself, and badly."""
    product = ProductServer(folder / "product", {**settings, "PORT": str(free_port())})
    product.folder.mkdir(exist_ok=True)
    ended = subprocess.run(
        command(name),
        cwd=product.folder,
        env=product.process.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout, ended.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("make", "words", "secrets"),
    [
        pytest.param(make, words, {} if engine == "sqlite" else SECRETS, id=f"{engine}: {case}")
        for engine, cases in {"sqlite": ON_SQLITE, "mongodb": ON_MONGODB, "dynamodb": ON_DYNAMODB}.items()
        for case, (make, words) in cases.items()
    ],
)
def test_a_wrong_setting_is_one_sentence_and_the_end(
    stage: Stage, make: Make, words: Sequence[str], secrets: Settings
) -> None:
    settings = {**secrets, **make(stage)}
    out, err = said("serve", settings, stage.folder)
    assert out == ""
    [sentence] = err.splitlines()
    assert sentence.startswith("error: ")
    out, err = said("doctor", settings, stage.folder)
    assert err == ""
    lines = out.splitlines()
    [at_fault] = [number for number, line in enumerate(lines) if line.startswith("✗")]
    assert lines[at_fault + 1].startswith("    → ")
    for told in (sentence, lines[at_fault] + lines[at_fault + 1]):
        for word in words:
            assert word in told
