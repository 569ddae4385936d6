"""Storage engines. All fulfil `ports.Storage`, and so the public `ports.DatabaseAdapter`, with one meaning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack, overload

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Storage
from alertwhisperer.storage.options import DynamoDBOptions


@overload
def get_database_adapter(engine: Literal["sqlite"], *, path: str | Path) -> Storage: ...


@overload
def get_database_adapter(
    engine: Literal["mongodb"], *, url: str, database: str | None = None, keep_days: Mapping[str, int] | None = None
) -> Storage: ...


@overload
def get_database_adapter(engine: Literal["dynamodb"], **options: Unpack[DynamoDBOptions]) -> Storage: ...


def get_database_adapter(engine: str, **options: Any) -> Storage:
    """A storage by its engine's name, which connects at first use or by `open()`; Invalid for an unknown name.

    sqlite: the file. mongodb: the address of a replica set; the database is the address's own, or `alertwhisperer`.
    An engine's driver is loaded when it is first asked for.
    """
    match engine:
        case "sqlite":
            from alertwhisperer.storage.sqlite import SQLiteStorage  # noqa: PLC0415

            return SQLiteStorage(**options)
        case "mongodb":
            from alertwhisperer.storage.mongodb import MongoDBStorage  # noqa: PLC0415

            return MongoDBStorage(**options)
        case "dynamodb":
            try:
                from alertwhisperer.storage.dynamodb import DynamoDBStorage  # noqa: PLC0415
            except ModuleNotFoundError as error:
                raise Invalid(f"DynamoDB needs {error.name}: pip install 'alertwhisperer[dynamodb]'") from error
            return DynamoDBStorage(**options)
        case _:
            raise Invalid(f"there is no database engine {engine!r}", "engine")
