"""The tables as a whole: made, recognised, looked after."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.schema import COLLECTIONS, VERSION, Collection
from alertwhisperer.storage.dynamodb_calls import Backoff, Calls, Failures
from alertwhisperer.storage.dynamodb_errors import code_of, sentence
from alertwhisperer.storage.dynamodb_heads import LOGS
from alertwhisperer.storage.dynamodb_items import TTL, Item, made_keys
from alertwhisperer.storage.dynamodb_search import own_query
from alertwhisperer.storage.render_dynamodb import expiring_tables, own_table, table_definitions

VERSION_KEY: Final[Item] = {"kind": {"S": "version"}, "id": {"S": "schema"}}
HEADS: Final = "heads"
"""Our own items of earlier versions that say where the logs stand."""

PROBE_KEY: Final[Item] = {"kind": {"S": "probe"}, "id": {"S": "doctor"}}
MADE_IN_SECONDS: Final = 300.0


class Lacking(Struct, frozen=True):
    """An index that a table has not as `schema.py` says. `outdated`: one of its name is there, with other keys."""

    table: str
    name: str
    outdated: bool


class Tables:
    """The tables under one prefix."""

    def __init__(self, calls: Calls, prefix: str) -> None:
        self._calls = calls
        self._prefix = prefix

    async def create(self, *, protected: bool = True, expiry: bool = True) -> list[str]:
        """Make the tables that are missing, and mark them with this version; returns the names of those made.

        protected: against deletion, with point-in-time recovery. expiry: DynamoDB removes what has expired.
        """
        wanted = table_definitions(self._prefix)
        made = await asyncio.gather(*(self._create(each, protected=protected) for each in wanted))
        names = [str(each["TableName"]) for each, new in zip(wanted, made, strict=True) if new]
        await self._wait(names)
        extras = [self._expire(name) for name in names if expiry and name in expiring_tables(self._prefix)]
        extras += [self._recoverable(name) for name in names if protected]
        await asyncio.gather(*extras)
        if own_table(self._prefix) in names:
            await self.mark(VERSION)
        return names

    async def check(self) -> dict[str, object]:
        """Invalid, in one sentence, unless every table and index is there, ready, and of this version."""
        definitions = table_definitions(self._prefix)
        found = await asyncio.gather(*(self._describe(each["TableName"]) for each in definitions))
        missing = [str(each["TableName"]) for each, table in zip(definitions, found, strict=True) if table is None]
        if missing:
            raise Invalid(self._missing(missing, all_of_them=len(missing) == len(definitions)))
        tables = [each for each in found if each is not None]
        for wanted, table in zip(definitions, tables, strict=True):
            _check_ready(wanted, table)
        version = await self.version()
        return {"tables": len(tables), "schema_version": version, "schema_wanted": VERSION}

    async def version(self) -> int:
        """The schema version of the tables. Invalid if they have none, or another than this program's."""
        version = await self.recognised()
        if version < VERSION:
            raise Invalid(
                f"the tables {self._prefix}… are of version {version} and this program needs {VERSION}: run "
                "`alertwhisperer db upgrade`"
            )
        return version

    async def recognised(self, newest: int = VERSION) -> int:
        """The version of tables that are ours. Invalid if they have none, or one that is newer than `newest`."""
        item = await self._calls.get(own_table(self._prefix), VERSION_KEY)
        if item is None:
            raise Invalid(
                f"the tables {self._prefix}… have no version mark of Alert Whisperer: choose another "
                "DYNAMODB_TABLE_PREFIX, or import them"
            )
        version = int(item["version"]["N"])
        if version > newest:
            raise Invalid(
                f"the tables {self._prefix}… are of version {version}, made by a newer Alert Whisperer than this one "
                f"({newest}): upgrade the program, or choose another DYNAMODB_TABLE_PREFIX"
            )
        return version

    async def mark(self, version: int) -> None:
        """Say of which version the tables are, and that every document carries what indexes look at now."""
        carried = {each.name: {"L": [{"S": name} for name in sorted(made_keys(each))]} for each in COLLECTIONS}
        item = {**VERSION_KEY, "version": {"N": str(version)}, "carried": {"M": carried}}
        await self._calls.read("put_item", TableName=own_table(self._prefix), Item=item)

    async def outdated(self) -> list[Collection]:
        """The collections some of whose documents may lack what indexes look at now, whoever made those indexes."""
        item = await self._calls.get(own_table(self._prefix), VERSION_KEY) or {}
        carried = item["carried"]["M"] if "carried" in item else {}
        names = {name: {each["S"] for each in held["L"]} for name, held in carried.items()}
        return [each for each in COLLECTIONS if not made_keys(each) <= names.get(each.name, set())]

    async def lacking(self) -> list[Lacking]:
        """The indexes that tables have not as they should; a table that is not there lacks none."""
        wanted = table_definitions(self._prefix)
        found = await asyncio.gather(*(self._describe(each["TableName"]) for each in wanted))
        return [
            each
            for definition, table in zip(wanted, found, strict=True)
            if table is not None
            for each in _lacking(definition, table)
        ]

    async def list_logs(self) -> int:
        """Name the logs of whose heads versions 1 and 2 kept items; returns how many there were."""
        own, listed = own_table(self._prefix), 0
        async for page in self._calls.pages("query", **own_query(self._prefix, HEADS)):
            for head in page["Items"]:
                await self._calls.read("put_item", TableName=own, Item={"kind": {"S": LOGS}, "id": head["id"]})
                await self._calls.read("delete_item", TableName=own, Key={name: head[name] for name in ("kind", "id")})
                listed += 1
        return listed

    async def drop_index(self, table: str, name: str) -> None:
        """Drop an index of a table, when what is being done to its others is done. Unavailable as at `add_index`."""
        await self._wait([table])
        updates = [{"Delete": {"IndexName": name}}]
        await self._calls.read("update_table", TableName=table, GlobalSecondaryIndexUpdates=updates)

    async def add_index(self, table: str, name: str) -> None:
        """Make an index of a table that is there, when those before it are done, as DynamoDB wants it.

        Raises Unavailable if AWS is not done in time: it goes on making it, and the same may be asked again.
        """
        definition = next(each for each in table_definitions(self._prefix) if each["TableName"] == table)
        index = next(each for each in definition["GlobalSecondaryIndexes"] if each["IndexName"] == name)
        await self._wait([table])
        await self._calls.read(
            "update_table",
            TableName=table,
            AttributeDefinitions=definition["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )

    async def wait(self) -> None:
        """Until every table and index is ready; Unavailable if that takes AWS too long."""
        await self._wait([each["TableName"] for each in table_definitions(self._prefix)])

    async def probe(self) -> None:
        """Write something small; Unavailable or Invalid if that cannot be done."""
        await self._calls.read("put_item", TableName=own_table(self._prefix), Item=PROBE_KEY)

    def _missing(self, names: Sequence[str], *, all_of_them: bool) -> str:
        said = f"no table {self._prefix}…" if all_of_them else f"no table {', '.join(names)}"
        return (
            f"there is {said} in {self._calls.region}: run `alertwhisperer db create-tables`, or check AWS_REGION and "
            "DYNAMODB_TABLE_PREFIX"
        )

    async def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            answer = await self._calls.patiently("describe_table", TableName=name)
        except Failures as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise sentence(error, region=self._calls.region, where=self._calls.where) from error
        table: dict[str, Any] = answer["Table"]
        return table

    async def _create(self, definition: dict[str, Any], *, protected: bool) -> bool:
        """Ask for a table; False if it is there, or another process was first."""
        arguments = {**definition, "DeletionProtectionEnabled": protected}
        try:
            await self._calls.once("create_table", **arguments)
        except Failures as error:
            if code_of(error) != "ResourceInUseException":
                raise sentence(error, region=self._calls.region, where=self._calls.where) from error
            return False
        return True

    async def _wait(self, names: Sequence[str]) -> None:
        backoff = Backoff(MADE_IN_SECONDS)
        waiting = list(names)
        while waiting:
            found = await asyncio.gather(*(self._describe(name) for name in waiting))
            waiting = [name for name, table in zip(waiting, found, strict=True) if not _is_active(table)]
            if waiting and not await backoff.pause():
                raise Unavailable(f"AWS is still making {', '.join(waiting)}: try again in some minutes")

    async def _expire(self, name: str) -> None:
        specification = {"Enabled": True, "AttributeName": TTL}
        await self._calls.read("update_time_to_live", TableName=name, TimeToLiveSpecification=specification)

    async def _recoverable(self, name: str) -> None:
        specification = {"PointInTimeRecoveryEnabled": True}
        try:
            await self._calls.once(
                "update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=specification
            )
        except ClientError as error:
            # DynamoDB Local has no backups.
            if code_of(error) != "UnknownOperationException":
                raise sentence(error, region=self._calls.region, where=self._calls.where) from error


def _is_active(table: dict[str, Any] | None) -> bool:
    if table is None:
        return False
    indexes = [each["IndexStatus"] for each in table.get("GlobalSecondaryIndexes", [])]
    return {table["TableStatus"], *indexes} == {"ACTIVE"}


def _check_ready(wanted: dict[str, Any], table: dict[str, Any]) -> None:
    name = wanted["TableName"]
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        raise Unavailable(f"the table {name} is {table['TableStatus']}: wait until it is ACTIVE")
    if table["KeySchema"] != wanted["KeySchema"]:
        raise Invalid(f"the table {name} has another key than Alert Whisperer's: choose another DYNAMODB_TABLE_PREFIX")
    for each in _lacking(wanted, table):
        if each.outdated:
            raise Invalid(
                f"the index {each.name} of the table {name} has the keys of another version: run "
                "`alertwhisperer db upgrade`"
            )
        raise Invalid(f"the table {name} lacks its index {each.name}: add it as `db cloudformation` has it")
    for index in table.get("GlobalSecondaryIndexes", []):
        if index["IndexStatus"] not in {"ACTIVE", "UPDATING"}:
            status = index["IndexStatus"]
            raise Unavailable(f"the index {index['IndexName']} of {name} is {status}: wait until it is ACTIVE")


def _lacking(wanted: dict[str, Any], table: dict[str, Any]) -> list[Lacking]:
    there = {each["IndexName"]: each["KeySchema"] for each in table.get("GlobalSecondaryIndexes", [])}
    return [
        Lacking(wanted["TableName"], index["IndexName"], outdated=index["IndexName"] in there)
        for index in wanted.get("GlobalSecondaryIndexes", [])
        if there.get(index["IndexName"]) != index["KeySchema"]
    ]
