"""`alertwhisperer doctor`: whether this machine is fit to serve, each finding in a sentence with its next step."""

import asyncio
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal
from urllib.error import URLError
from urllib.request import urlopen

import typer
from msgspec import Struct

from alertwhisperer import logs
from alertwhisperer.app import WEB
from alertwhisperer.clock import SystemClock
from alertwhisperer.domain.errors import AlertWhispererError
from alertwhisperer.domain.instant import Instant, seconds_between
from alertwhisperer.house import storage_of
from alertwhisperer.ports import Clock, Storage
from alertwhisperer.settings import SECRET_FIELDS, Settings, SettingsError, load_settings, secrets_path

FREE_BYTES: Final = 1 << 30
SKEW_SECONDS: Final = 60
BUILT_AFTER: Final[Instant] = "2026-01-01T00:00:00.000000Z"
"""A clock before this is not set: certificates, signatures and retention would all go wrong."""


class Finding(Struct, frozen=True):
    """What was looked at, how it stands, and what to do about it (empty when all is well)."""

    subject: str
    state: Literal["ok", "warning", "error"]
    sentence: str
    next_step: str = ""


def doctor() -> None:
    """Look at settings, keys, database, clock, disk, browser app and port. Exit code 1 if something must be mended."""
    findings = [_settings()]
    if findings[0].state == "ok":
        settings = load_settings()
        logs.configure("error", settings.log_format)
        findings += [
            *(check(settings) for check in (_secrets, *_of_files(settings), _port)),
            *asyncio.run(_database(settings)),
        ]
    findings.append(_web(WEB))
    for each in findings:
        _tell(each)
    if any(each.state == "error" for each in findings):
        raise typer.Exit(1)


def _tell(finding: Finding) -> None:
    signs = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}
    sign, colour = signs[finding.state]
    typer.secho(f"{sign} {finding.subject}: {finding.sentence}", fg=colour)
    if finding.next_step:
        typer.echo(f"    → {finding.next_step}")


def _settings() -> Finding:
    try:
        load_settings()
    except SettingsError as error:
        said = "; ".join(str(error).splitlines())
        return Finding("settings", "error", said, "mend the environment or .env; docs/settings.md lists them all")
    return Finding("settings", "ok", "are complete and well-formed")


def _secrets(settings: Settings) -> Finding:
    path = secrets_path(settings.sqlite_path)
    local = settings.database_type == "sqlite"
    if local and not path.exists() and any(getattr(settings, name) is None for name in SECRET_FIELDS):
        return Finding("keys", "ok", f"the first start makes them in {path}")
    try:
        secrets = settings.secrets()
    except SettingsError as error:
        step = "restore the secrets file from your backup, or set all three keys" if local else "docs/security.md"
        return Finding("keys", "error", str(error), step)
    count = len(secrets.encryption_keys)
    where = f"kept in {path}" if local and path.exists() else "all set in the environment"
    return Finding("keys", "ok", f"JWT_SECRET, AUDIT_KEY and {count} of ENCRYPTION_KEYS are {where}")


def _of_files(settings: Settings) -> tuple[Callable[[Settings], Finding], ...]:
    """What is looked at where the database is a file."""
    return (_folder, _disk) if settings.database_type == "sqlite" else ()


def _folder(settings: Settings) -> Finding:
    path = settings.sqlite_path
    folder = path.parent
    if not os.access(folder if folder.exists() else Path(), os.W_OK | os.X_OK):
        return Finding("permissions", "error", f"{folder} cannot be written", _give(folder))
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return Finding("permissions", "error", f"{path} cannot be written", _give(path))
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
        return Finding("permissions", "warning", f"{path} can be read by everybody", f"chmod 640 {path}")
    return Finding("permissions", "ok", f"{folder} and what is in it can be written")


def _give(path: Path) -> str:
    return f"give {path} to this user (chown), or set SQLITE_PATH to another place"


def _disk(settings: Settings) -> Finding:
    folder = settings.sqlite_path.parent
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    said = f"{free / (1 << 30):.1f} GiB are free where the database is"
    if free < FREE_BYTES:
        return Finding("disk", "warning", said, "make room: without it no alert can be stored")
    return Finding("disk", "ok", said)


def _port(settings: Settings) -> Finding:
    where = f"{settings.host} port {settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((settings.host, settings.port))
        except OSError as error:
            if _answers(settings):
                return Finding("port", "ok", f"Alert Whisperer answers on {where}")
            said = f"cannot listen on {where}: {error.strerror}"
            return Finding("port", "error", said, "end what uses it, or set PORT to another")
    return Finding("port", "ok", f"{where} is free; nothing serves there now")


def _answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  # compared, not bound
    try:
        with urlopen(f"http://{host}:{settings.port}/healthz", timeout=3) as response:  # always http
            return b'"ok"' in response.read(100)
    except (URLError, OSError):
        return False


def _web(folder: Path) -> Finding:
    if (folder / "index.html").is_file():
        return Finding("browser app", "ok", "is built")
    return Finding("browser app", "warning", "is not built; the API works without it", "run `make web` in the clone")


async def _database(settings: Settings) -> list[Finding]:
    local = settings.database_type == "sqlite"
    if local and not settings.sqlite_path.exists():
        return [Finding("database", "ok", "there is none yet; the first start makes it"), _clock(SystemClock(), None)]
    try:
        storage = storage_of(settings, SystemClock())
        await storage.open()
    except (AlertWhispererError, OSError) as error:
        step = "docs/deploy.md says how to restore and to upgrade" if local else "docs/storage.md"
        return [Finding("database", "error", str(error), step)]
    try:
        return [await _connection(storage), _clock(SystemClock(), await _newest(storage))]
    finally:
        await storage.close()


async def _connection(storage: Storage) -> Finding:
    try:
        facts = await storage.check()
    except AlertWhispererError as error:
        return Finding("database", "error", str(error), "docs/storage.md says what it needs")
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return Finding("database", "ok", f"can be read and written ({told})")


def _clock(clock: Clock, newest: Instant | None) -> Finding:
    now = clock.now()
    if now < BUILT_AFTER:
        return Finding("clock", "error", f"says {now}", "set it (timedatectl set-ntp true)")
    if newest and seconds_between(now, newest) > SKEW_SECONDS:
        said = f"says {now}, but the database holds what was written at {newest}"
        return Finding(
            "clock", "error", said, "set it (timedatectl set-ntp true): alerts would seem to go back in time"
        )
    return Finding("clock", "ok", f"says {now}, and nothing stored is later")


async def _newest(storage: Storage) -> Instant | None:
    heads = await storage.companies_with_log()
    found = [await storage.records(company_id, seq - 1, 1, told=False) for company_id, seq in heads]
    return max((records[-1].at for records in found if records), default=None)
