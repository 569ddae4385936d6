"""MongoDB by commands: a backup, its way back, and versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pymongo
import pytest

from alertwhisperer.schema import VERSION
from tests.cli.conftest import Run
from tests.support.mongod import MongoSet
from tests.support.served import SECRETS

NAMES: Final = ("commands", "commands_restored")


def point_to(servers: MongoSet, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGO_URL", servers.url.replace("/?", f"/{name}?"))


@pytest.fixture
def mongodb(mongodb_server: MongoSet, monkeypatch: pytest.MonkeyPatch) -> Iterator[MongoSet]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    point_to(mongodb_server, NAMES[0], monkeypatch)
    yield mongodb_server
    for name in NAMES:
        mongodb_server.drop(name)


def test_a_backup_is_a_file_that_is_served_from_and_restored(
    mongodb: MongoSet, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("seed").code == 0
    assert run("db", "backup", "copy.db").code == 0
    assert "exists already" in run("db", "backup", "copy.db").err
    assert "is not empty" in run("db", "restore", "copy.db").err
    point_to(mongodb, NAMES[1], monkeypatch)
    assert "are back, and compared by digest" in run("db", "restore", "copy.db").out
    assert "ada@alertwhisperer.example" in run("user", "list").out
    monkeypatch.delenv("MONGO_URL")
    monkeypatch.setenv("SQLITE_PATH", str(tmp_path / "copy.db"))
    assert "ada@alertwhisperer.example" in run("user", "list").out


def test_an_older_database_is_upgraded_and_a_newer_one_refused_in_a_sentence(mongodb: MongoSet, run: Run) -> None:
    assert run("seed").code == 0
    assert run("db", "upgrade").out == "✓ the database is up to date\n"
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb.url)
    with client:
        marks = client[NAMES[0]]["meta"]
        client[NAMES[0]]["alerts"].drop_index("company_id-open-index")
        marks.update_one({"_id": "schema"}, {"$set": {"version": 0}})
        assert "run `alertwhisperer db upgrade`" in run("user", "list").err
        said = run("db", "upgrade").out
        assert "✓ index alerts.company_id-open-index" in said
        assert f"✓ upgraded from version 0 to {VERSION}" in said
        assert run("user", "list").code == 0
        marks.update_one({"_id": "schema"}, {"$set": {"version": 99}})
    refused = run("db", "upgrade")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "made by a newer Alert Whisperer" in refused.err
