"""Reads a MongoDB database that is not ours: the older product's, whose collections bear no version mark."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import AsyncMongoClient

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import instant
from alertwhisperer.storage.mongodb_errors import within
from alertwhisperer.storage.render_mongodb import META

READ_SECONDS: Final = 300.0
WANTED: Final = ("companies", "users", "alerts", "incidents")

Documents = dict[str, list[dict[str, Any]]]


async def read_legacy(url: str) -> Documents:
    """Every collection with its documents. Invalid if the database is ours, or is not the older product's."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, serverSelectionTimeoutMS=5_000)
    try:
        with within(READ_SECONDS):
            database = client.get_default_database("alertwhisperer")
            names = sorted(await database.list_collection_names())
            if META in names:
                raise Invalid(f"database {database.name} has our version mark: move it by `alertwhisperer db migrate`")
            if "companies" not in names:
                raise Invalid(f"database {database.name} holds no companies: it is not the older product's")
            return {name: [_plain(each) async for each in database[name].find()] for name in names}
    finally:
        await client.close()


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without MongoDB's own id and types."""
    return {name: _value(value) for name, value in document.items() if name != "_id"}


def _value(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return instant(value if value.tzinfo else value.replace(tzinfo=UTC))
        case Mapping():
            return {str(name): _value(each) for name, each in value.items()}
        case list():
            return [_value(each) for each in value]
        case _:
            return str(value)
