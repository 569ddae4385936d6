"""Databases by their address."""

from pathlib import Path

import pytest

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.storage.sqlite import SQLiteStorage
from alertwhisperer.storage.urls import dynamodb_url, engine_of, open_database, redacted, sqlite_url


def test_an_engine_is_called_by_its_name() -> None:
    assert engine_of("sqlite:///aw.db") == "SQLite"
    assert engine_of("mongodb+srv://cluster.example.com/aw") == "MongoDB"
    assert engine_of("dynamodb://eu-central-1/AlertWhisperer_") == "DynamoDB"


@pytest.mark.parametrize("url", ["", "aw.db", "postgres://host/aw", "mongodb:host"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="is not a database"):
        engine_of(url)


def test_a_password_is_not_shown() -> None:
    assert redacted("mongodb://ada:s3cret@h1,h2:27018/aw?replicaSet=rs0") == "mongodb://h1,h2:27018/aw"
    assert "s3cret" not in redacted("mongodb://ada:s3cret@host")


def test_a_file_is_known_again_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert redacted("sqlite:///aw.db") == redacted(sqlite_url(f"{tmp_path}/aw.db"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://aw.db"])
def test_a_file_must_be_named(url: str) -> None:
    with pytest.raises(Invalid, match="names no file"):
        open_database(url, keep_days={}, clock=VirtualClock(), create=True)


def test_a_file_that_is_read_must_be_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/aw.db"
    with pytest.raises(Invalid, match="there is no database"):
        open_database(url, keep_days={}, clock=VirtualClock(), create=False)
    made = open_database(url, keep_days={}, clock=VirtualClock(), create=True)
    assert isinstance(made, SQLiteStorage)
    assert made.path == tmp_path / "aw.db"


def test_tables_must_be_named() -> None:
    assert dynamodb_url("us-east-1", "AW_") == "dynamodb://us-east-1/AW_"
    assert dynamodb_url("us-east-1", "AW_", "http://localhost:8000").endswith("?endpoint=http%3A%2F%2Flocalhost%3A8000")
    with pytest.raises(Invalid, match="names no tables"):
        open_database("dynamodb://us-east-1", keep_days={}, clock=VirtualClock(), create=False)
