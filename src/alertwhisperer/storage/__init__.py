"""Storage engines. All fulfil `ports.Storage`, and so the public `ports.DatabaseAdapter`, with one meaning."""

from pathlib import Path
from typing import Literal

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Storage


def get_database_adapter(engine: Literal["sqlite"], *, path: str | Path) -> Storage:
    """A storage by its engine's name, which connects at first use or by `open()`; Invalid for an unknown name.

    An engine's driver is loaded when it is first asked for.
    """
    match engine:
        case "sqlite":
            from alertwhisperer.storage.sqlite import SQLiteStorage  # noqa: PLC0415

            return SQLiteStorage(path)
        case _:
            raise Invalid(f"there is no database engine {engine!r}", "engine")
