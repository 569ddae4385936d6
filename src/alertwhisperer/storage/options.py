"""What engines that are servers take to be reached."""

from collections.abc import Mapping
from typing import TypedDict

from alertwhisperer.ports import Clock


class DynamoDBOptions(TypedDict, total=False):
    """The arguments of `DynamoDBStorage`, all of which may be left out.

    `allow_scan` lets queries without a partition key read a whole table: for moving data and for tests. `create` makes
    the tables at `open`. With a `clock`, reads leave out what has expired; `keep_days` says after how many days what
    expires does. A request that is not answered is tried again until `deadline_seconds` have passed.
    """

    region: str
    table_prefix: str
    endpoint_url: str | None
    allow_scan: bool
    create: bool
    clock: Clock | None
    keep_days: Mapping[str, int] | None
    deadline_seconds: float
