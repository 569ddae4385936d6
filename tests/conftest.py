"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.mongod import MongoSet, running

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def mongodb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoSet]:
    """A replica set of one, started when the first test asks for it. Each test uses a database of its own."""
    with running(tmp_path_factory.mktemp("mongodb")) as servers:
        yield servers
