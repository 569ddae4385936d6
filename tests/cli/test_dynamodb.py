"""DynamoDB by commands: tables, template, doctor, seed."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dynamodb_local import DynamoDBLocal

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@pytest.fixture
def dynamodb(dynamodb_local: DynamoDBLocal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_TYPE": "dynamodb",
        "DYNAMODB_ENDPOINT_URL": dynamodb_local.url,
        "DYNAMODB_TABLE_PREFIX": "Commands",
        "JWT_SECRET": "s" * 40,
        "ENCRYPTION_KEYS": f"k1:{KEY}",
        "AUDIT_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("dynamodb")
def test_a_database_is_made_seeded_found_well_and_saved(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run("doctor")
    assert before.code == 1
    assert "db create-tables" in before.out
    assert "✓ Commands_AuditLogs" in run("db", "create-tables").out
    assert "every table is there" in run("db", "create-tables").out
    assert run("seed", "--json").code == 0
    assert "✓ database: can be read and written" in run("doctor").out
    assert "documents written" in run("db", "backup", "copy").out
    assert "the database is up to date" in run("db", "upgrade").out
    assert "is not empty" in run("db", "restore", "copy").err
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "Restored")
    assert "db create-tables" in run("db", "backup", "nothing").err
    assert "are back, and compared by digest" in run("db", "restore", "copy").out
    assert "ada@alertwhisperer.example" in run("user", "list").out


def test_the_template_is_written_without_a_connection(run: Run, tmp_path: Path) -> None:
    assert run("db", "cloudformation", "--output", str(tmp_path / "tables.json"), "--provisioned").code == 0
    template = json.loads((tmp_path / "tables.json").read_text())
    assert template["Resources"]["AlertsTable"]["Properties"]["TableName"] == "AlertWhisperer_Alerts"
