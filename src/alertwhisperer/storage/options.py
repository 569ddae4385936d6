"""What engines that are servers take to be reached."""

from collections.abc import Mapping
from typing import TypedDict

from alertwhisperer.ports import Clock


class DynamoDBOptions(TypedDict, total=False):
    """The arguments of `DynamoDBStorage`, all of which may be left out."""

    region: str
    table_prefix: str
    endpoint_url: str | None
    allow_scan: bool
    create: bool
    clock: Clock | None
    keep_days: Mapping[str, int] | None
    deadline_seconds: float
