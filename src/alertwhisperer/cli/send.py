"""`alertwhisperer send`: deliver alerts as a monitoring tool would."""

import hmac
import sys
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Annotated
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec
import typer

from alertwhisperer.clock import SystemClock
from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.domain.instant import moment

TIMEOUT_SECONDS = 30


def send(
    file: Annotated[str | None, typer.Argument(help="JSON or NDJSON to send as it is; - for stdin.")] = None,
    *,
    key: Annotated[str, typer.Option(help="The company's API key.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8001",
    secret: Annotated[str | None, typer.Option(help="Sign with this HMAC secret.")] = None,
    source: Annotated[str, typer.Option(help="Whose format the body has: alerts or alertmanager.")] = "alerts",
    asset: Annotated[str, typer.Option(help="What the alert is about.")] = "test-asset",
    signature: Annotated[str, typer.Option(help="What is wrong with it.")] = "Test alert",
    message: Annotated[str, typer.Option(help="In words.")] = "Sent from the command line",
    severity: Annotated[str, typer.Option(help="critical, high, medium, low or info.")] = "medium",
    tool: Annotated[str, typer.Option(help="Which tool says so.")] = "alertwhisperer send",
    resolved: Annotated[bool, typer.Option("--resolved", help="Say that it is over.")] = False,
) -> None:
    """Deliver one alert, or a file of them, and show the answer. Exit code 1 if it was refused."""
    alert = {
        "asset_name": asset,
        "signature": signature,
        "message": message,
        "severity": severity,
        "tool_source": tool,
        "status": "resolved" if resolved else "firing",
    }
    body = msgspec.json.encode(alert) if file is None else _read(file)
    request = Request(f"{_checked(url)}/api/webhooks/{source}", body, _headers(body, key, secret))  # noqa: S310  # checked
    status, answer = _post(request)
    typer.echo(_pretty(answer))
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        typer.secho(f"refused with {status}", fg="red", err=True)
        raise typer.Exit(1)


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Invalid("the URL must start with http:// or https://", "url")
    return url.rstrip("/")


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}", "file") from error


def _headers(body: bytes, key: str, secret: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    if secret is not None:
        timestamp = str(int(moment(SystemClock().now()).timestamp()))
        signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256)
        headers |= {"X-Timestamp": timestamp, "X-Signature": f"sha256={signed.hexdigest()}"}
    return headers


def _post(request: Request) -> tuple[int, bytes]:
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  # the scheme is checked
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
    except (URLError, OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise Unavailable(
            f"{request.host} does not answer ({reason}): does `alertwhisperer serve` run there?"
        ) from error


def _pretty(answer: bytes) -> str:
    try:
        return msgspec.json.format(answer, indent=2).decode()
    except msgspec.DecodeError:
        return answer.decode(errors="replace")
