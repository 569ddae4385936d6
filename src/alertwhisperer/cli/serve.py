"""`alertwhisperer serve`: the server."""

from pathlib import Path
from typing import Annotated

import typer

from alertwhisperer import logs
from alertwhisperer.cli.houses import with_house
from alertwhisperer.cli.workers import listen, serve_many, serve_one
from alertwhisperer.house import first_sign_in
from alertwhisperer.settings import load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to listen on; 0 for any free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes that share the database.")] = None,
    sqlite_path: Annotated[Path | None, typer.Option(help="The SQLite file.")] = None,
) -> None:
    """Serve the API, the browser app and live updates until stopped. Options win over environment and .env."""
    settings = load_settings(host=host, port=port or None, workers=workers, sqlite_path=sqlite_path)
    first = with_house(first_sign_in, settings)
    logs.configure(settings.log_level, settings.log_format)
    with listen(settings.host, 0 if port == 0 else settings.port) as sock:
        settings = settings.model_copy(update={"port": sock.getsockname()[1]})
        typer.echo(f"Alert Whisperer serves {settings.base_url}")
        if first is not None:
            typer.echo(f"First sign-in: {first.email}  {first.password}  (shown once)")
        if settings.workers == 1:
            serve_one(settings, sock)
        else:
            serve_many(settings, sock)
