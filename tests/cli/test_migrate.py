"""`db migrate`, `db migrate-collection` and `db verify`, as a person types them."""

from pathlib import Path

import pytest
from msgspec import json

from alertwhisperer.cli.migrate import addresses
from alertwhisperer.settings import load_settings
from tests.cli.conftest import Run

FILES = ("--from", "sqlite:///aw.db", "--to", "sqlite:///moved.db")


@pytest.fixture
def seeded(run: Run) -> Run:
    assert run("seed").code == 0
    return run


def test_a_database_is_moved_and_verified(seeded: Run) -> None:
    said = seeded("db", "migrate", *FILES)
    assert said.code == 0, said.err
    assert "documents in" in said.out
    assert "following the log" in said.err
    verified = seeded("db", "verify", *FILES)
    assert verified.code == 0
    assert "✓ companies: SQLite=3, SQLite=3  " in verified.out
    assert "✓ events: " in verified.out


def test_what_differs_ends_in_an_error(seeded: Run) -> None:
    seeded("db", "migrate", *FILES)
    seeded("user", "reset", "admin@alertwhisperer.com")
    verified = seeded("db", "verify", *FILES)
    assert verified.code == 1
    assert "✗ users: SQLite=" in verified.out
    assert " ≠ " in verified.out


def test_programs_read_the_outcome(seeded: Run) -> None:
    told = json.decode(seeded("db", "migrate", *FILES, "--json").out)
    assert told["stage"] == "following"
    assert told["written"] > 10
    assert told["documents_per_second"] > 0
    compared = json.decode(seeded("db", "verify", *FILES, "--json").out)["comparisons"]
    assert all(each["agrees"] and each["source"] == each["target"] for each in compared)


def test_one_collection_is_copied(seeded: Run) -> None:
    seeded("db", "migrate", *FILES)
    said = seeded("db", "migrate-collection", "companies", *FILES)
    assert said.code == 0, said.err
    assert "✓ companies: SQLite=3, SQLite=3" in said.out
    assert "there is no collection 'beer'" in seeded("db", "migrate-collection", "beer", *FILES).err


def test_a_database_must_be_named(run: Run) -> None:
    assert "give --from URL, or set MONGO_URL" in run("db", "verify").err
    assert "are the same database" in run("db", "verify", "--from", "sqlite:///a.db", "--to", "sqlite:///./a.db").err
    assert "there is no database at nowhere.db" in run("db", "verify", "--from", "sqlite:///nowhere.db").err


def test_by_default_mongodb_moves_to_dynamodb(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("MONGO_URL", "mongodb://127.0.0.1:1/aw")
    assert addresses(load_settings(), "", "") == ("mongodb://127.0.0.1:1/aw", "dynamodb://us-east-1/AlertWhisperer_")


def test_steps_exclude_each_other(seeded: Run) -> None:
    assert "one of --switch, --back, --finish and --abort" in seeded("db", "migrate", *FILES, "--switch", "--back").err
    assert "has not been switched" in seeded("db", "migrate", *FILES, "--back").err


def test_a_password_in_an_address_is_never_printed(run: Run, tmp_path: Path) -> None:
    said = run("db", "verify", "--from", "mongodbx://ada:s3cret@host/aw")
    assert said.code == 1
    assert "s3cret" not in said.err
