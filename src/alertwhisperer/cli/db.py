"""`alertwhisperer db`: the database as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.settings import load_settings
from alertwhisperer.storage import migrate

commands = typer.Typer(help="Back up, restore and upgrade the database.", no_args_is_help=True)


@commands.command()
def backup(to: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")]) -> None:
    """Write a consistent copy, also while the server runs. The secrets file is not in it: keep a copy of that too."""
    size = migrate.backup(_file(), to)
    typer.echo(f"✓ {to}: {size:,} bytes")


@commands.command()
def restore(copy: Annotated[Path, typer.Argument(help="A file that `db backup` wrote.")]) -> None:
    """Put a backup in the place of the database. Stop the server first."""
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    migrate.restore(copy, path)
    typer.echo(f"✓ {path} is now what {copy} holds")


@commands.command()
def upgrade() -> None:
    """Bring the database to the version of this program, after a backup. Stop the server first."""
    path = _file()
    saved = migrate.upgrade(path)
    typer.echo(f"✓ {path} is upgraded; the state before is in {saved}" if saved else f"✓ {path} is up to date")


def _file() -> Path:
    settings = load_settings()
    if settings.database_type != "sqlite":
        raise Invalid(f"this is for SQLite files; {settings.database_type} has backups of its own (docs/storage.md)")
    return settings.sqlite_path
