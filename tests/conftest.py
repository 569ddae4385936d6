"""What all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support import dynamodb_local as dynamodb
from tests.support import mongod
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.mongod import MongoSet

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# DynamoDB Local takes any credentials, and none of a developer's own may reach a test.
os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
    os.environ.pop(name, None)


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoDBLocal]:
    """The session's DynamoDB Local."""
    with dynamodb.running(tmp_path_factory.mktemp("dynamodb")) as server:
        yield server


@pytest.fixture(scope="session")
def mongodb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoSet]:
    """A replica set of one, started when the first test asks for it. Each test uses a database of its own."""
    with mongod.running(tmp_path_factory.mktemp("mongodb")) as servers:
        yield servers
