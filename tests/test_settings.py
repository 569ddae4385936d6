"""Settings: read once, refused with a sentence, documented without drift; secrets made, kept and private."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alertwhisperer.settings import (
    Settings,
    SettingsError,
    load_or_create_secrets,
    load_settings,
    parse_encryption_keys,
    secrets_path,
)
from tools import settings_docs

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
JWT_SECRET = "a secret that is long enough to sign with"


@pytest.fixture(autouse=True)
def _an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts without a .env, and without variables that happen to be set here."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()
    assert (settings.database_type, settings.port, settings.live_transport) == ("sqlite", 8001, "auto")
    assert settings.sqlite_path == Path("data/alertwhisperer.db")
    assert settings.base_url == "http://127.0.0.1:8001"


def test_a_command_wins_over_the_environment_and_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=1111\nHOST=10.0.0.1\nWORKERS=3\nJWT_SECRET=\n")
    monkeypatch.setenv("PORT", "2222")
    monkeypatch.setenv("HOST", "10.0.0.2")
    settings = load_settings(port=3333, workers=None)
    assert (settings.port, settings.host, settings.workers) == (3333, "10.0.0.2", 3)
    assert settings.jwt_secret is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("DATABASE_TYPE", "oracle"),
        ("DATABASE_TYPE", "mongodb"),
        ("JWT_ALGORITHM", "none"),
        ("JWT_SECRET", "short"),
        ("ENCRYPTION_KEYS", f"one:{KEY},one:{OTHER_KEY}"),
        ("ENCRYPTION_KEYS", "one:c2hvcnQ="),
        ("ENCRYPTION_KEYS", KEY),
        ("AUDIT_KEY", "not base64!"),
        ("PUBLIC_URL", "alerts.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ("METRICS_ACCESS", "token"),
        ("RETENTION_DELIVERIES_DAYS", "1"),
        ("RETENTION_LOG_DAYS", "31"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert variable in str(refused.value)
    if variable in {"JWT_SECRET", "ENCRYPTION_KEYS", "AUDIT_KEY"}:
        assert value not in str(refused.value)


def test_lists_and_addresses_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7")
    monkeypatch.setenv("PUBLIC_URL", "https://alerts.example.com/")
    settings = load_settings()
    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.7")
    assert settings.base_url == "https://alerts.example.com"


def test_the_first_of_several_keys_stays_first() -> None:
    keys = parse_encryption_keys(f"2026:{KEY}, 2025:{OTHER_KEY}")
    assert list(keys.items()) == [("2026", b"k" * 32), ("2025", b"o" * 32)]


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "alertwhisperer.secrets.json"
    made = load_or_create_secrets(path)
    assert load_or_create_secrets(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [child.name for child in path.parent.iterdir()] == [path.name]
    assert len(made.jwt_secret) >= 32
    assert [len(key) for key in made.encryption_keys.values()] == [32]
    assert made.jwt_secret not in repr(made)


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as together:
        made = list(together.map(load_or_create_secrets, [tmp_path / "secrets.json"] * 64))
    assert all(secrets == made[0] for secrets in made)


def test_a_secrets_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    load_or_create_secrets(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_or_create_secrets(path)


@pytest.mark.parametrize("content", ["", "[]", '{"jwt_secret": "x"}'])
def test_a_damaged_secrets_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError):
        load_or_create_secrets(path)
    assert path.read_text() == content


def test_a_set_secret_wins_and_the_file_gives_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    settings = load_settings()
    secrets = settings.secrets()
    kept = load_or_create_secrets(secrets_path(settings.sqlite_path))
    assert secrets.jwt_secret == JWT_SECRET != kept.jwt_secret
    assert secrets.audit_key == kept.audit_key


def test_no_file_is_made_when_every_secret_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    monkeypatch.setenv("ENCRYPTION_KEYS", f"k1:{KEY}")
    monkeypatch.setenv("AUDIT_KEY", KEY)
    settings = load_settings()
    assert settings.secrets().encryption_keys == {"k1": b"k" * 32}
    assert not secrets_path(settings.sqlite_path).exists()
    assert KEY not in repr(settings)


def test_a_mongodb_that_is_named_is_used_unless_something_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGO_URL", "mongodb://ada:hush@db.example/?replicaSet=rs0")
    settings = load_settings()
    assert settings.database_type == "mongodb"
    assert "hush" not in repr(settings)
    monkeypatch.setenv("DATABASE_TYPE", "sqlite")
    assert load_settings().database_type == "sqlite"


@pytest.mark.parametrize(
    "chosen", [{"DATABASE_TYPE": "dynamodb"}, {"MONGO_URL": "mongodb://db.example/?replicaSet=rs0"}]
)
def test_only_sqlite_makes_its_own_secrets(monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str]) -> None:
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENCRYPTION_KEYS", f"k1:{KEY}")
    with pytest.raises(SettingsError, match="JWT_SECRET, AUDIT_KEY must be set"):
        load_settings().secrets()
    assert not secrets_path(load_settings().sqlite_path).exists()


def test_a_setting_without_a_description_cannot_be_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings.model_fields["port"], "description", None)
    with pytest.raises(ValueError, match="port has no description"):
        settings_docs.rendered()
