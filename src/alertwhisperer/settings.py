"""Settings: one class, read once from the environment or `.env`; `docs/settings.md` is rendered from it.

Nothing else in the product reads the environment: the composition root hands out plain values.
"""

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from msgspec import Struct
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

AES_KEY_BYTES: Final = 32
SECRET_LENGTH: Final = 32
PRIVATE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
OTHERS: Final = 0o077
SECRET_FIELDS: Final = ("jwt_secret", "encryption_keys", "audit_key")


class SettingsError(ValueError):
    """A setting is wrong or missing; the text names it and never shows a secret."""


class Secrets(Struct, frozen=True, kw_only=True):
    """What signs and encrypts. `encryption_keys`: id → 32 bytes; the first encrypts, all decrypt."""

    jwt_secret: str
    encryption_keys: dict[str, bytes]
    audit_key: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def parse_encryption_keys(text: str) -> dict[str, bytes]:
    """Read `id:base64,…`; each key is 32 bytes (AES-256). Raises ValueError naming the id, never the key."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        key_id, colon, encoded = part.strip().partition(":")
        if not key_id or not colon or key_id in keys:
            raise ValueError("each key is id:base64, and each id stands once")
        keys[key_id] = _key_bytes(encoded, f"key {key_id}")
    return keys


def _key_bytes(encoded: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{name} is not base64") from error
    if len(key) != AES_KEY_BYTES:
        raise ValueError(f"{name} must be {AES_KEY_BYTES} bytes in base64, not {len(key)}")
    return key


class Settings(BaseSettings):
    """Every setting: its environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_type: Literal["sqlite", "mongodb", "dynamodb"] = Field(
        default="sqlite",
        description="Database engine. SQLite is embedded: one file, no server to run. Unset: `mongodb` if MONGO_URL is "
        "set.",
    )
    sqlite_path: Path = Field(
        default=Path("data/alertwhisperer.db"),
        description="The SQLite file; its folder is made when missing, and holds the secrets file too.",
    )
    aws_region: str = Field(default="us-east-1", description="AWS region of the DynamoDB tables.")
    dynamodb_table_prefix: str = Field(
        default="AlertWhisperer_",
        description="What the names of the DynamoDB tables begin with; a missing `_` is added.",
    )
    dynamodb_endpoint_url: str = Field(
        default="", description="Address of DynamoDB where it is not AWS's own, such as DynamoDB Local's."
    )

    mongo_url: SecretStr | None = Field(
        default=None,
        description="Address of a MongoDB replica set, `mongodb://user:password@host1,host2/database?replicaSet=rs0`; "
        "the database is `alertwhisperer` if it names none.",
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on; `0.0.0.0` for every interface.")
    port: int = Field(default=8001, ge=1, le=65535, description="TCP port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes that share one database.")
    public_url: str = Field(
        default="",
        description="Address under which people reach this server (`https://alerts.example.com`), used in links "
        "and in scripts for download. Empty: `http://HOST:PORT`.",
    )
    trusted_proxies: CommaList = Field(
        default=("127.0.0.1", "::1"),
        description="Reverse proxies, as addresses or networks separated by commas, whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are believed.",
    )

    jwt_secret: SecretStr | None = Field(
        default=None,
        description=f"Signs sessions; at least {SECRET_LENGTH} characters. Unset on SQLite: made and kept in the "
        "secrets file.",
    )
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = Field(
        default="HS256", description="HMAC algorithm of session tokens."
    )
    jwt_expiration_hours: int = Field(default=24, ge=1, le=720, description="Hours until a sign-in ends.")
    encryption_keys: SecretStr | None = Field(
        default=None,
        description="Keys for secrets at rest, `id:base64,…`, 32 bytes each. The first encrypts, all decrypt: put a "
        "new key first to rotate. Unset on SQLite: made and kept in the secrets file.",
    )
    audit_key: SecretStr | None = Field(
        default=None,
        description="Key of the audit chain, 32 bytes in base64. Keep it outside the database. Unset on SQLite: made "
        "and kept in the secrets file.",
    )

    live_transport: Literal["auto", "polling"] = Field(
        default="auto",
        description="How browsers hear of changes: `auto` is a WebSocket with polling while it is down; `polling` "
        "switches WebSockets off.",
    )

    ingest_queue_alerts: int = Field(
        default=20_000,
        ge=512,
        le=1_000_000,
        description="Alerts that may wait in a process to be stored; above it, senders get 503 with `Retry-After`.",
    )

    retention_resolved_alerts_days: int = Field(
        default=90, ge=1, description="Days that resolved alerts are kept; never one of an open incident."
    )
    retention_incidents_days: int = Field(
        default=730, ge=1, description="Days that resolved incidents and their timelines are kept."
    )
    retention_audit_days: int = Field(default=365, ge=1, description="Days that audit entries are kept.")
    retention_deliveries_days: int = Field(
        default=30,
        ge=1,
        description="Days that raw deliveries are kept, for replay and backtest; at least RETENTION_LOG_DAYS, since "
        "small ones are kept in the log first.",
    )
    retention_log_days: int = Field(
        default=2, ge=1, description="Days that log records are kept; a browser away for longer loads afresh."
    )

    metrics_access: Literal["local", "token", "open"] = Field(
        default="local",
        description="Who may read `/metrics`: `local` only this machine, `token` whoever sends METRICS_TOKEN as a "
        "bearer token, `open` everybody.",
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for `/metrics` when METRICS_ACCESS is `token`."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe lines that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="`text` to read in a terminal, `json` for a log collector: one object a line."
    )

    @model_validator(mode="before")
    @classmethod
    def _mongodb_if_it_is_named(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("mongo_url") and not values.get("database_type"):
            return {**values, "database_type": "mongodb"}
        return values

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            ip_network(proxy, strict=False)
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _hold_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_encryption_keys(value.get_secret_value())
        return value

    @field_validator("audit_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _key_bytes(value.get_secret_value(), "the key")
        return value

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.database_type == "mongodb" and self.mongo_url is None:
            raise ValueError("DATABASE_TYPE=mongodb needs MONGO_URL")
        return self

    @model_validator(mode="after")
    def _has_token(self) -> Self:
        if self.metrics_access == "token" and self.metrics_token is None:
            raise ValueError("METRICS_ACCESS=token needs METRICS_TOKEN")
        return self

    @model_validator(mode="after")
    def _keeps_deliveries_as_long_as_the_log(self) -> Self:
        if self.retention_deliveries_days < self.retention_log_days:
            raise ValueError(
                "RETENTION_DELIVERIES_DAYS must be at least RETENTION_LOG_DAYS, since small deliveries are kept in the "
                "log: lower both"
            )
        return self

    @property
    def base_url(self) -> str:
        """The address to print and to put into links, without a slash at its end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    def secrets(self) -> Secrets:
        """What is set here; on SQLite completed from the secrets file beside the database, which is made when needed.

        Raises SettingsError when that file cannot be used, or on another engine something is missing.
        """
        fields = {name: getattr(self, name) for name in SECRET_FIELDS}
        given = {name: secret.get_secret_value() for name, secret in fields.items() if secret is not None}
        if len(given) == len(SECRET_FIELDS):
            return _as_secrets(given)
        if self.database_type != "sqlite":
            missing = ", ".join(name.upper() for name in SECRET_FIELDS if name not in given)
            raise SettingsError(f"{missing} must be set: only a local SQLite database makes its own secrets")
        return _as_secrets({**_kept(secrets_path(self.sqlite_path)), **given})


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` (a command's options) win over environment and `.env`.

    Raises SettingsError with a line for each setting that is wrong.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        lines = [_sentence(found["loc"], found["msg"]) for found in error.errors(include_input=False)]
        raise SettingsError("\n".join(lines)) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    return f"{str(place[0]).upper()}: {said}" if place else said


def secrets_path(sqlite_path: Path) -> Path:
    """Where the secrets of a SQLite database are kept: beside the file, not in it."""
    return sqlite_path.with_suffix(".secrets.json")


def load_or_create_secrets(path: Path) -> Secrets:
    """Read a secrets file; make it, readable by its owner alone, if it is not there.

    Several processes may start at once: one makes the file, all read that one. Raises SettingsError when it
    is unreadable, incomplete or open to others.
    """
    return _as_secrets(_kept(path))


def _kept(path: Path) -> dict[str, str]:
    try:
        if not path.exists():
            _create(path)
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}): let this user write {path.parent}, or set SQLITE_PATH to "
            "another place"
        ) from None
    if mode & OTHERS:
        raise SettingsError(f"{path} holds secrets and others may read it: chmod 600 {path}")
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(f"{path} cannot be read as a secrets file: {error}") from None
    missing = [name for name in SECRET_FIELDS if name not in kept]
    if missing:
        raise SettingsError(f"{path} lacks {', '.join(missing)}")
    return kept


def _create(path: Path) -> None:
    made = {
        "jwt_secret": secrets.token_urlsafe(SECRET_LENGTH),
        "encryption_keys": f"local-1:{_random_key()}",
        "audit_key": _random_key(),
    }
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when another process was first; its file is then the one.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(AES_KEY_BYTES)).decode()


def _as_secrets(texts: Mapping[str, str]) -> Secrets:
    try:
        return Secrets(
            jwt_secret=texts["jwt_secret"],
            encryption_keys=parse_encryption_keys(texts["encryption_keys"]),
            audit_key=_key_bytes(texts["audit_key"], "the audit key"),
        )
    except ValueError as error:
        raise SettingsError(f"the secrets file is damaged: {error}") from None
