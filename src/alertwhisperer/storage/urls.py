"""Databases by their address, as commands take them.

sqlite:///data/alertwhisperer.db     a file; four slashes for an absolute path
mongodb://user:password@host/name    a replica set, as MongoDB's own drivers have it (mongodb+srv:// too)
dynamodb://us-east-1/AlertWhisperer_ region and table prefix; ?endpoint=http://… where it is not AWS's own
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Clock, Storage
from alertwhisperer.storage import get_database_adapter

ENGINES: Final = {"sqlite": "SQLite", "mongodb": "MongoDB", "mongodb+srv": "MongoDB", "dynamodb": "DynamoDB"}
"""Scheme → what the engine is called."""


def engine_of(url: str) -> str:
    """What the engine of a database is called; Invalid if the address is none."""
    scheme = url.partition("://")[0]
    if scheme not in ENGINES or "://" not in url:
        raise Invalid(f"{redacted(url)!r} is not a database: it begins with sqlite:///, mongodb:// or dynamodb://")
    return ENGINES[scheme]


def redacted(url: str) -> str:
    """An address as it may be shown, and by which a database is known again: without password and options."""
    scheme, _, rest = url.partition("://")
    if scheme == "dynamodb":
        return url
    if scheme == "sqlite":
        return sqlite_url(str(Path(_path_of(url)).resolve()))
    place, _, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}/{path.partition('?')[0]}"


def sqlite_url(path: str) -> str:
    """The address of a file."""
    return f"sqlite:///{quote(path)}"


def dynamodb_url(region: str, prefix: str, endpoint: str = "") -> str:
    """The address of DynamoDB's tables under a prefix."""
    return f"dynamodb://{region}/{prefix}" + (f"?endpoint={quote(endpoint, safe='')}" if endpoint else "")


def open_database(url: str, *, keep_days: Mapping[str, int], clock: Clock, create: bool) -> Storage:
    """A database that reads whole tables where there is no other way; not open yet. `create`: make what is not there.

    Invalid if the address is none.
    """
    match engine_of(url):
        case "SQLite":
            path = Path(_path_of(url))
            if not create and not path.is_file():
                raise Invalid(f"there is no database at {path}")
            return get_database_adapter("sqlite", path=path)
        case "MongoDB":
            return get_database_adapter("mongodb", url=url, keep_days=keep_days)
        case _:
            return _dynamodb(url, keep_days=keep_days, clock=clock, create=create)


def _path_of(url: str) -> str:
    found = urlsplit(url)
    path = unquote(found.path.removeprefix("/"))
    if found.netloc or not path:
        raise Invalid(f"{url!r} names no file: sqlite:///data/alertwhisperer.db, or sqlite:////var/lib/… from the root")
    return path


def _dynamodb(url: str, *, keep_days: Mapping[str, int], clock: Clock, create: bool) -> Storage:
    found = urlsplit(url)
    region, prefix = found.netloc, found.path.strip("/")
    if not region or not prefix:
        raise Invalid(
            f"{url!r} names no tables: dynamodb://REGION/PREFIX, such as dynamodb://us-east-1/AlertWhisperer_"
        )
    return get_database_adapter(
        "dynamodb",
        region=region,
        table_prefix=prefix,
        endpoint_url=parse_qs(found.query).get("endpoint", [None])[0],
        allow_scan=True,
        create=create,
        clock=clock,
        keep_days=keep_days,
    )
