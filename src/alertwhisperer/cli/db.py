"""`alertwhisperer db`: the database as a whole."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.settings import load_settings
from alertwhisperer.storage import migrate
from alertwhisperer.storage.render_dynamodb import cloudformation as template
from alertwhisperer.storage.render_dynamodb import normal_prefix

commands = typer.Typer(help="Back up, restore and upgrade the database; make DynamoDB's tables.", no_args_is_help=True)


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


@commands.command("create-tables")
def create_tables() -> None:
    """Make the DynamoDB tables that are missing, by the settings AWS_REGION and DYNAMODB_TABLE_PREFIX."""
    made = asyncio.run(_create_tables())
    for name in made:
        typer.echo(f"✓ {name}")
    typer.echo(f"✓ {len(made)} tables made" if made else "✓ every table is there")


async def _create_tables() -> list[str]:
    # Imported here: other commands need no AWS driver.
    from alertwhisperer.storage.dynamodb import DynamoDBStorage  # noqa: PLC0415

    settings = load_settings()
    storage = DynamoDBStorage(
        region=settings.aws_region,
        table_prefix=settings.dynamodb_table_prefix,
        endpoint_url=settings.dynamodb_endpoint_url or None,
    )
    try:
        return await storage.create_tables()
    finally:
        await storage.close()


@commands.command()
def cloudformation(
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("dynamodb_tables.json"),
    provisioned: Annotated[bool, typer.Option(help="Provisioned capacity with auto-scaling; else by use.")] = False,
) -> None:
    """Write a CloudFormation template of the DynamoDB tables. It needs no connection to AWS."""
    text = template(normal_prefix(load_settings().dynamodb_table_prefix), provisioned=provisioned)
    output.write_text(text, encoding="utf-8")
    typer.echo(f"✓ {output}: {len(text.encode()):,} bytes")


def _file() -> Path:
    settings = load_settings()
    if settings.database_type != "sqlite":
        raise Invalid(f"this is for SQLite files; {settings.database_type} has backups of its own (docs/storage.md)")
    return settings.sqlite_path
