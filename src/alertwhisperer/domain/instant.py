"""Instants: aware UTC, kept as ISO-8601 strings of one fixed width, so that text order is time order.

The same string goes to every engine and over the wire; it is never rounded on the way.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

_WIDTH = len("2026-11-21T11:29:13.123456Z")


def instant(moment: datetime) -> Instant:
    """The instant of an aware datetime, in microseconds, as `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(at: Instant) -> datetime:
    """The aware UTC datetime of an instant."""
    return datetime.fromisoformat(at)


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Seconds from `earlier` to `later`; negative if they stand the other way round."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def plus(at: Instant, seconds: float) -> Instant:
    """The instant `seconds` after (or, if negative, before) another."""
    return instant(datetime.fromisoformat(at) + timedelta(seconds=seconds))


def is_instant(text: str) -> bool:
    """Whether a text already has the fixed form."""
    if len(text) != _WIDTH or not text.endswith("Z"):
        return False
    try:
        return instant(datetime.fromisoformat(text)) == text
    except ValueError:
        return False


def tolerant(value: object) -> Instant | None:
    """Read a time as senders write it: ISO-8601 with or without zone, or Unix seconds or milliseconds.

    Returns None where it cannot be read; the caller then takes the time of receipt and warns.
    A time without a zone is taken as UTC. Milliseconds are told from seconds by size.
    """
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return _from_unix(float(value))
        if isinstance(value, str):
            return _from_text(value.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _from_unix(value: float) -> Instant | None:
    seconds = value / 1000 if value > 100_000_000_000 else value
    return instant(datetime.fromtimestamp(seconds, UTC)) if seconds > 0 else None


def _from_text(text: str) -> Instant | None:
    if text.replace(".", "", 1).isdigit():
        return _from_unix(float(text))
    read = datetime.fromisoformat(_shorten_fraction(text))
    if read.year <= 1:
        return None
    return instant(read if read.tzinfo else read.replace(tzinfo=UTC))


def _shorten_fraction(text: str) -> str:
    """Cut fractions of a second to the six digits that Python reads (Go and Azure send seven to nine)."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)].ljust(6, '0')}{tail[digits:]}"
