"""`alertwhisperer db`: the database as a whole."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from alertwhisperer.cli.legacy import import_legacy
from alertwhisperer.cli.migrate import migrate as migrate_all
from alertwhisperer.cli.migrate import migrate_collection, tell_failures, verify
from alertwhisperer.cli.servers import on_server, upgraded
from alertwhisperer.settings import Settings, load_settings
from alertwhisperer.storage import migrate
from alertwhisperer.storage.render_dynamodb import cloudformation as template
from alertwhisperer.storage.render_dynamodb import normal_prefix
from alertwhisperer.storage.transfer_backup import back_up, bring_back

commands = typer.Typer(
    help="Back up, restore, upgrade and move the database; make DynamoDB's tables.", no_args_is_help=True
)

commands.command("migrate")(migrate_all)
commands.command("migrate-collection")(migrate_collection)
commands.command("verify")(verify)
commands.command("import-legacy")(import_legacy)


@commands.command()
def backup(to: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")]) -> None:
    """Write a consistent copy of the database, also while servers run. The keys are not in it: keep them too.

    Of every engine it is one SQLite file. Ends with 1 if a document is none of ours; the others are in it.
    """
    settings = load_settings()
    if settings.database_type == "sqlite":
        typer.echo(f"✓ {to}: {migrate.backup(settings.sqlite_path, to):,} bytes")
        return
    saved = on_server(settings, lambda side, means: back_up(side, to, means))
    tell_failures(saved.failures)
    typer.echo(f"✓ {to}: {saved.documents:,} documents written, {saved.size_bytes:,} bytes")
    if saved.failures:
        raise typer.Exit(1)


@commands.command()
def restore(copy: Annotated[Path, typer.Argument(help="A file that `db backup` wrote.")]) -> None:
    """Put a backup in the place of the database. Stop the servers first.

    A SQLite file is replaced. On MongoDB and DynamoDB the database must be empty; everything is compared at the end.
    """
    settings = load_settings()
    if settings.database_type != "sqlite":
        outcome = on_server(settings, lambda side, means: bring_back(copy, side, means), create=True)
        typer.echo(f"✓ {outcome.written:,} documents of {copy} are back, and compared by digest")
        return
    path = settings.sqlite_path
    path.parent.mkdir(parents=True, exist_ok=True)
    migrate.restore(copy, path)
    typer.echo(f"✓ {path} is now what {copy} holds")


@commands.command()
def upgrade() -> None:
    """Bring the database to the version of this program, and say what was done. Stop the servers first.

    A SQLite file is backed up before.
    """
    settings = load_settings()
    if settings.database_type != "sqlite":
        return _upgrade_server(settings)
    path = settings.sqlite_path
    saved = migrate.upgrade(path)
    typer.echo(f"✓ {path} is upgraded; the state before is in {saved}" if saved else f"✓ {path} is up to date")
    return None


def _upgrade_server(settings: Settings) -> None:
    done = asyncio.run(upgraded(settings))
    for each in done.made:
        typer.echo(f"✓ {each}")
    typer.echo(
        f"✓ upgraded from version {done.before} to {done.after}" if done.needed else "✓ the database is up to date"
    )


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
