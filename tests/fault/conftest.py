"""A server that may be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import ProductServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProductServer]:
    product = ProductServer(tmp_path / "product")
    yield product
    product.kill()
