"""Commands do what they say, and say what went wrong in a sentence."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_seed_adds_the_cast_and_three_companies_once(run: Run) -> None:
    first = json.loads(run("seed", "--json").out)
    again = json.loads(run("seed", "--json").out)

    assert [each["name"] for each in first["companies"]] == ["Acme Corp", "TechStart", "Global Systems"]
    assert all(each["api_key"].startswith("aw_") and len(each["hmac_secret"]) == 64 for each in first["companies"])
    assert [each["role"] for each in first["users"]] == [
        "msp_admin",
        "msp_admin",
        "company_admin",
        "technician",
        "client",
        "company_admin",
    ]
    assert again["companies"] == first["companies"]
    assert again["users"] == first["users"][1:]


def test_seed_shows_no_password_that_was_changed_since(run: Run) -> None:
    run("seed")
    fresh = run("user", "reset", "carl@acme.example").out.split()[1]
    seeded = {each["email"]: each["password"] for each in json.loads(run("seed", "--json").out)["users"]}

    assert seeded["carl@acme.example"] is None
    assert seeded["vic@acme.example"] not in {None, fresh}


def test_seed_for_people_is_a_table(run: Run) -> None:
    lines = run("seed").out.splitlines()

    assert lines[0].split()[:2] == ["COMPANY", "ID"]
    assert any(line.startswith("Acme Corp") for line in lines)
    assert any(line.startswith("ada@alertwhisperer.example") for line in lines)


def test_a_user_is_created_listed_and_rescued(run: Run) -> None:
    run("seed")
    made = run("user", "create", "bo@acme.example", "--name", "Bo", "--role", "client", "--company", "Acme Corp")
    listed = run("user", "list")
    rescued = run("user", "reset", "BO@acme.example")

    assert made.out.startswith("bo@acme.example  ")
    assert any(line.split() == ["bo@acme.example", "Bo", "client", "yes"] for line in listed.out.splitlines())
    assert rescued.code == 0
    assert rescued.out.split()[1] != made.out.split()[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["user", "reset", "nobody@acme.example"], "there is no user nobody@acme.example"),
        (["user", "create", "bo@acme.example", "--role", "king"], "the role must be one of client, technician"),
        (["user", "create", "not an address"], "must be an e-mail address"),
        (["user", "create", "bo@acme.example", "--company", "Umbrella"], "there is no company Umbrella"),
        (["audit", "verify", "--company", "Umbrella"], "there is no company Umbrella"),
        (["db", "restore", "missing.backup"], "there is no database at missing.backup"),
        (["db", "upgrade"], "there is no database at"),
        (["send", "--key", "k", "--url", "ftp://host"], "the URL must start with http:// or https://"),
        (["send", "missing.json", "--key", "k"], "missing.json cannot be read"),
        (["send", "--key", "k", "--url", "http://127.0.0.1:9"], "does `alertwhisperer serve` run there?"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_without_a_traceback(run: Run, arguments: list[str], sentence: str) -> None:
    said = run(*arguments)

    assert said.code == 1
    assert said.err.startswith("error: ")
    assert sentence in said.err
    assert "Traceback" not in said.err + said.out


def test_a_wrong_setting_is_named_and_its_value_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    said = run("user", "list")

    assert said.code == 1
    assert "JWT_SECRET" in said.err
    assert "hunter2" not in said.err
    assert "Traceback" not in said.err


def test_a_backup_brings_back_what_was_there(run: Run) -> None:
    run("seed")
    saved = run("db", "backup", "saved.backup")
    run("user", "create", "late@acme.example", "--company", "Acme Corp")
    restored = run("db", "restore", "saved.backup")
    users = run("user", "list").out

    assert saved.out.startswith("✓ saved.backup: ")
    assert restored.code == 0
    assert "carl@acme.example" in users
    assert "late@acme.example" not in users


def test_a_backup_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    run("seed")
    (tmp_path / "there.backup").write_text("precious")
    said = run("db", "backup", "there.backup")

    assert said.code == 1
    assert "exists already" in said.err


def test_a_database_of_this_version_needs_no_upgrade(run: Run) -> None:
    run("seed")
    assert "is up to date" in run("db", "upgrade").out


def test_the_audit_of_all_companies_holds(run: Run) -> None:
    run("seed")
    said = run("audit", "verify")

    assert said.code == 0
    assert said.out.count("✓") == 4
    assert said.out.startswith("✓ _msp: ")


def test_the_api_document_is_printed_without_a_database(run: Run, tmp_path: Path) -> None:
    document = json.loads(run("openapi").out)

    assert document["openapi"].startswith("3.1")
    assert "/api/webhooks/alerts" in document["paths"]
    assert list(tmp_path.iterdir()) == []


SUBJECTS = ["settings", "keys", "permissions", "disk", "port", "database", "clock", "browser app"]


def test_doctor_looks_and_touches_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORT", "18573")

    assert run("doctor").code == 0
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_a_fit_machine_fit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("seed")
    monkeypatch.setenv("PORT", "18573")
    said = run("doctor")

    assert said.code == 0, said.out
    subjects = [line[2:].partition(":")[0] for line in said.out.splitlines() if line[0] in "✓!"]
    assert subjects == SUBJECTS


def test_doctor_names_what_must_be_mended_and_how(run: Run, tmp_path: Path) -> None:
    run("seed")
    (tmp_path / "aw.secrets.json").chmod(0o644)
    said = run("doctor")

    assert said.code == 1
    assert "✗ keys: " in said.out
    assert "chmod 600" in said.out
    assert "Traceback" not in said.out + said.err


def test_doctor_sees_a_file_that_is_not_ours(run: Run, tmp_path: Path) -> None:
    run("seed")
    for side in ("-wal", "-shm"):
        (tmp_path / f"aw.db{side}").unlink(missing_ok=True)
    (tmp_path / "aw.db").write_bytes(b"this is not a database at all" * 200)
    said = run("doctor")

    assert said.code == 1
    assert "✗ database: " in said.out


def test_doctor_warns_of_settings_it_cannot_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eleven")
    said = run("doctor")

    assert said.code == 1
    assert "✗ settings: PORT" in said.out


def test_the_version_is_said(run: Run) -> None:
    assert run("--version").out.startswith("Alert Whisperer 0.")
