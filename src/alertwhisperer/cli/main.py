"""`alertwhisperer`: all commands in one list."""

import sys
from typing import Annotated

import typer

from alertwhisperer import __version__
from alertwhisperer.cli import audit, db, doctor, openapi, seed, send, serve, user
from alertwhisperer.domain.errors import AlertWhispererError
from alertwhisperer.settings import SettingsError

app = typer.Typer(
    name="alertwhisperer",
    help="From the alerts of many companies to incidents with a reason.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("seed")(seed.seed)
app.command("send")(send.send)
app.command("doctor")(doctor.doctor)
app.add_typer(user.commands, name="user")
app.add_typer(db.commands, name="db")
app.add_typer(audit.commands, name="audit")
app.command("openapi")(openapi.openapi)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Alert Whisperer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")
    ] = False,  # its callback acts
) -> None:
    """From the alerts of many companies to incidents with a reason."""


def main() -> None:
    """Run a command; what a person can mend is told in a sentence, without a traceback."""
    try:
        app()
    except (SettingsError, AlertWhispererError) as error:
        for line in str(error).splitlines():
            typer.secho(f"error: {line}", fg="red", err=True)
        sys.exit(1)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
