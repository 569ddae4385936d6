"""A server that may be killed, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import on_every_engine
from tests.support.product import ProductServer
from tests.support.served import served

pytest_generate_tests = on_every_engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[ProductServer]:
    product = served(request, engine, tmp_path / "product")
    yield product
    product.kill()
