"""Counters as versions 1 and 2 kept them, each minute in a document of its own, and as they are since."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import convert, json

from alertwhisperer.domain.change import Put
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.metric import CURSOR_ID, Bucket, FoldCursor, add
from alertwhisperer.domain.scope import MSP, SYSTEM
from alertwhisperer.ports import Storage
from alertwhisperer.storage.migrate import APPLICATION_ID
from tests.support.cast import ACME
from tests.support.documents import NOON

LAYOUT: Final = Path(__file__).with_name("golden") / "sqlite_v2.sql"
"""The layout of version 2, as it was."""

Sums = dict[str, int]

HOURS: Final[dict[tuple[str, str], dict[str, Sums]]] = {
    (MSP, "2026-11-21T12"): {"30": {"ledger.rejected": 1}},
    (ACME, "2026-11-21T11"): {"59": {"ledger.received": 2, "alerts.fires": 1}},
    (ACME, "2026-11-21T12"): {f"{minute:02}": {"ledger.received": minute + 1} for minute in range(60)},
    (ACME, "2026-11-22T00"): {"00": {"ledger.received": 7}, "05": {"ledger.received": 1, "alerts.fires": 3}},
}
DAYS: Final = {
    (MSP, "2026-11-21"): {"ledger.rejected": 1},
    (ACME, "2026-11-21"): {"ledger.received": 1832, "alerts.fires": 1},
    (ACME, "2026-11-22"): {"ledger.received": 8, "alerts.fires": 3},
}
MINUTES: Final = 64
CURSOR: Final = FoldCursor(company_id=ACME, last_seq=73)


def documents() -> list[dict[str, object]]:
    """All of the collection, as version 2 wrote it."""
    sums = {(company, f"d#{day}"): counts for (company, day), counts in DAYS.items()}
    for (company, hour), minutes in HOURS.items():
        sums[company, f"h#{hour}"] = _total(minutes.values())
        sums |= {(company, f"m#{hour}:{minute}"): counts for minute, counts in minutes.items()}
    buckets: list[dict[str, object]] = [
        {"company_id": company, "id": bucket, "counts": counts} for (company, bucket), counts in sums.items()
    ]
    return [{"company_id": CURSOR.company_id, "id": CURSOR.id, "last_seq": CURSOR.last_seq}, *buckets]


def file(path: Path, layout: Path = LAYOUT) -> Path:
    """A SQLite file of version 2: these counters, and a record of the company that they are of."""
    record = Record(company_id=ACME, seq=1, commit_id="c1", at=NOON, actor=SYSTEM)
    connection = sqlite3.connect(path)
    connection.executescript(layout.read_text())
    connection.execute("INSERT INTO events VALUES (?, 1, ?, ?)", (ACME, NOON, json.encode(record).decode()))
    connection.executemany(
        "INSERT INTO metrics VALUES (?, ?, ?)",
        [(each["company_id"], each["id"], json.encode(each).decode()) for each in documents()],
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    return path


async def write(storage: Storage) -> None:
    """Store it through today's documents, whose hours say nothing of minutes yet."""
    kinds = [(FoldCursor if each["id"] == CURSOR_ID else Bucket, each) for each in documents()]
    await storage.store([Put("metrics", convert(each, kind)) for kind, each in kinds])


async def assert_upgraded(storage: Storage) -> None:
    """The minutes are in their hours, and everything else is as it was."""
    expected = [Bucket(company_id=company, id=f"d#{day}", counts=counts) for (company, day), counts in DAYS.items()]
    for (company, hour), minutes in HOURS.items():
        columns: dict[str, Sums] = {}
        for minute, counts in minutes.items():
            for name, count in counts.items():
                columns.setdefault(name, {})[minute] = count
        total = _total(minutes.values())
        expected.append(Bucket(company_id=company, id=f"h#{hour}", counts=total, minutes=columns))
    found = [each for company in (ACME, MSP) for each in await _buckets(storage, company)]
    assert sorted(found, key=_key) == sorted(expected, key=_key)
    assert await storage.get(FoldCursor, (ACME, CURSOR_ID)) == CURSOR


async def _buckets(storage: Storage, company_id: str) -> list[Bucket]:
    return await storage.select(Bucket, {"company_id": company_id, "id": {"$gt": CURSOR_ID}})


def _key(bucket: Bucket) -> tuple[str, str]:
    return bucket.company_id, bucket.id


def _total(minutes: Iterable[Sums]) -> Sums:
    sums: Sums = {}
    for counts in minutes:
        add(sums, counts)
    return sums
