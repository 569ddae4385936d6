"""`alertwhisperer openapi`: the API's contract, for generators and for reading."""

import msgspec
import typer

from alertwhisperer.api.site import api_document


def openapi() -> None:
    """Print the OpenAPI document; starts no server and opens no database."""
    typer.echo(msgspec.json.format(msgspec.json.encode(api_document(), order="sorted"), indent=2).decode())
