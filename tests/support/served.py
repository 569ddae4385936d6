"""Servers of the product on each engine, on a database of their own."""

import base64
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from alertwhisperer.storage.urls import dynamodb_url, sqlite_url
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.mongod import MongoSet
from tests.support.processes import free_port
from tests.support.product import ProductServer

KEY: Final = base64.b64encode(b"k" * 32).decode()
SECRETS: Final = {
    "JWT_SECRET": "a secret that is long enough to sign with",
    "ENCRYPTION_KEYS": f"k1:{KEY}",
    "AUDIT_KEY": KEY,
}
"""A server that is one of many makes none of its own."""

_numbers: Final = count(1)


def on_sqlite(_: pytest.FixtureRequest) -> dict[str, str]:
    return {}


def on_mongodb(request: pytest.FixtureRequest) -> dict[str, str]:
    servers: MongoSet = request.getfixturevalue("mongodb_server")
    return {"MONGO_URL": servers.url.replace("/?", f"/served_{next(_numbers)}?"), **SECRETS}


def on_dynamodb(request: pytest.FixtureRequest) -> dict[str, str]:
    local: DynamoDBLocal = request.getfixturevalue("dynamodb_local")
    return {
        "DATABASE_TYPE": "dynamodb",
        "DYNAMODB_ENDPOINT_URL": local.url,
        "DYNAMODB_TABLE_PREFIX": f"Served{next(_numbers)}_",
        **SECRETS,
    }


SETTINGS: Final[dict[str, Callable[[pytest.FixtureRequest], dict[str, str]]]] = {
    "sqlite": on_sqlite,
    "mongodb": on_mongodb,
    "dynamodb": on_dynamodb,
}
"""What a server on a database of its own is told, by engine."""


def served(
    request: pytest.FixtureRequest,
    engine: str,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
) -> ProductServer:
    """A server that is not started yet, on a free port or this one; its database is there."""
    product = ProductServer(folder, {**SETTINGS[engine](request), **(settings or {})}, port=port or free_port())
    if engine == "dynamodb":
        product.run("db", "create-tables")
        local: DynamoDBLocal = request.getfixturevalue("dynamodb_local")
        local.end_streams(product.settings["DYNAMODB_TABLE_PREFIX"])
    return product


def address_of(server: ProductServer) -> str:
    """The address of a server's database, as `db migrate` takes it."""
    told = server.settings
    if told.get("DATABASE_TYPE") == "dynamodb":
        return dynamodb_url("us-east-1", told["DYNAMODB_TABLE_PREFIX"], told["DYNAMODB_ENDPOINT_URL"])
    return told.get("MONGO_URL") or sqlite_url(str(server.database_path))
