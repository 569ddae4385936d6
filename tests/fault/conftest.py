"""A server that may be killed, on each engine."""

import base64
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.mongod import MongoSet
from tests.support.product import ProductServer

LONG: Final = os.environ.get("ALERTWHISPERER_LONG") == "1"
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
    return {"MONGO_URL": servers.url.replace("/?", f"/fault_{next(_numbers)}?"), **SECRETS}


def on_dynamodb(request: pytest.FixtureRequest) -> dict[str, str]:
    local: DynamoDBLocal = request.getfixturevalue("dynamodb_local")
    return {
        "DATABASE_TYPE": "dynamodb",
        "DYNAMODB_ENDPOINT_URL": local.url,
        "DYNAMODB_TABLE_PREFIX": f"Fault{next(_numbers)}_",
        **SECRETS,
    }


SETTINGS: Final[dict[str, Callable[[pytest.FixtureRequest], dict[str, str]]]] = {
    "sqlite": on_sqlite,
    "mongodb": on_mongodb,
    "dynamodb": on_dynamodb,
}
"""What a server on a database of its own is told, by engine."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test on every engine it does not choose itself; on those of its mark `slow_on` in a long run alone."""
    chosen = any(mark.args[0] == "engine" for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not chosen:
        slow = {name for mark in metafunc.definition.iter_markers("slow_on") for name in mark.args}
        assert slow <= SETTINGS.keys()
        metafunc.parametrize("engine", [name for name in SETTINGS if LONG or name not in slow], indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[ProductServer]:
    product = ProductServer(tmp_path / "product", settings=SETTINGS[engine](request))
    if engine == "dynamodb":
        product.run("db", "create-tables")
        request.getfixturevalue("dynamodb_local").end_streams(product.settings["DYNAMODB_TABLE_PREFIX"])
    yield product
    product.kill()
