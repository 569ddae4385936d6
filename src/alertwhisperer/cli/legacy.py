"""`alertwhisperer db import-legacy`: from the older product's MongoDB database."""

from typing import Annotated

import typer

from alertwhisperer.cli.houses import with_house
from alertwhisperer.house import House
from alertwhisperer.settings import load_settings
from alertwhisperer.storage.legacy_import import Imported, Importer
from alertwhisperer.storage.vault import AesVault

NEXT = "Nobody's password came over: each is set anew by `alertwhisperer user reset EMAIL`."


def import_legacy(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="The older database: mongodb://host/name.")],
) -> None:
    """Take over the older product's MongoDB database, into the configured one, which must be empty.

    Companies with their API keys, people, alerts, incidents, audit entries and settings come over; what has no place
    here, or cannot be read, is named. The older database is only read.
    """
    # Imported here: other commands need no driver of MongoDB.
    from alertwhisperer.storage.mongodb_legacy import read_legacy  # noqa: PLC0415

    settings = load_settings()
    secrets = settings.secrets()

    async def take(house: House) -> Imported:
        vault = AesVault(secrets.encryption_keys)
        importer = Importer(house.storage, vault, house.clock, house.ids, secrets.audit_key)
        return await importer.take(await read_legacy(source))

    told = with_house(take, settings)
    for name, count in sorted(told.counts.items()):
        typer.secho(f"✓ {name}: {count:,}", fg="green")
    for failure in told.failures:
        typer.secho(f"✗ {failure.collection} {failure.key[0]} was left behind: {failure.why}", fg="red")
    for name, count in sorted(told.left.items()):
        typer.secho(f"! {name}: {count:,} have no place here, or none that they could be read from", fg="yellow")
    typer.echo(NEXT)
