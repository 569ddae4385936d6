"""The log: appending a record with what it did, and where each company's stands."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Stale
from alertwhisperer.domain.event import Record
from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage.codec import Written, encode
from alertwhisperer.storage.mongodb_documents import ID, Stored, of_written, stored_key
from alertwhisperer.storage.mongodb_errors import translated
from alertwhisperer.storage.mongodb_session import Session
from alertwhisperer.storage.mongodb_translate import whole_partition
from alertwhisperer.storage.mongodb_writes import prepare, run
from alertwhisperer.storage.records import kept

EVENTS: Final = BY_NAME["events"]
SNAPSHOTS: Final = BY_NAME["snapshots"]
HEAD: Final = "head"

Database = AsyncDatabase[Stored]


class _AlreadyWritten(Exception):
    """An earlier try of the same commit was durable after all; its answer was lost."""


async def append(session: Session, record: Record, written: Sequence[Written], after: str | None) -> None:
    """Write the record and what it did, behind the commit `after`. Raises what `ports.Log.commit` says."""
    database = await session.open()
    key, stripped = (record.company_id, record.seq), kept(record)
    stored = of_written(Written(Put(EVENTS.name, stripped), EVENTS, key, encode(stripped)))
    prepared = prepare(written)

    async def act(client: AsyncClientSession, tries: int) -> None:
        standing = asyncio.create_task(_standing(database, record, after))
        try:
            await database[EVENTS.name].insert_one(stored, session=client)
            await run(database, client, prepared)
        except DuplicateKeyError:
            if tries and await _is_mine(database, record):
                raise _AlreadyWritten from None
            raise _elsewhere(record) from None
        except Stale:
            # What was decided on another world is a Conflict, whatever else it did not find as expected.
            if (refusal := await standing) is not None:
                raise refusal from None
            raise
        finally:
            refusal = await standing
        if refusal is not None:
            raise refusal

    try:
        await session.transact(act)
    except _AlreadyWritten:
        return


async def head(database: Database, company_id: str) -> tuple[int, str]:
    """(seq, audit head) of the newest record or snapshot; (0, "") for a company without either."""
    within = whole_partition(EVENTS, company_id)
    fields = {"seq": 1, "audit_head": 1}
    found = await asyncio.gather(
        database[EVENTS.name].find_one({ID: within}, fields, sort=[(ID, -1)]),
        database[SNAPSHOTS.name].find_one({ID: stored_key(SNAPSHOTS, (company_id, HEAD))}, fields),
    )
    return max((_place(each) for each in found if each is not None), key=lambda at: at[0], default=(0, ""))


async def heads(database: Database) -> list[tuple[str, int]]:
    """(company_id, seq of the head) of every log."""
    newest_first = {"$sort": {"company_id": -1, "seq": -1}}
    grouped = {"$group": {ID: "$company_id", "seq": {"$first": "$seq"}}}
    found = [(each[ID], each) async for each in await database[EVENTS.name].aggregate([newest_first, grouped])]
    kept = database[SNAPSHOTS.name].find({"id": HEAD}, {"company_id": 1, "seq": 1})
    found += [(each["company_id"], each) async for each in kept]
    named: dict[str, int] = {}
    for company_id, each in found:
        named[str(company_id)] = max(_place(each)[0], named.get(str(company_id), 0))
    return sorted(named.items())


async def _standing(database: Database, record: Record, after: str | None) -> AlertWhispererError | None:
    """Why the record cannot be the next one; None if it can, unless it is there already.

    Asked beside the transaction, which costs no time: the insert sees to it that nobody else has written the record,
    this that the log has not gone past it so long ago that it has expired since.
    """
    before = record.seq - 1
    try:
        found = await _found(database, record.company_id, before) if before else None
        if found is not None:
            return None if after in {None, found.get("commit_id")} else _elsewhere(record)
        seq, _ = await head(database, record.company_id)
    except PyMongoError as error:
        return translated(error)
    return None if seq == before and after is None else _elsewhere(record)


async def _found(database: Database, company_id: str, seq: int) -> Stored | None:
    key = stored_key(EVENTS, (company_id, seq))
    return await database[EVENTS.name].find_one({ID: key}, {"commit_id": 1})


async def _is_mine(database: Database, record: Record) -> bool:
    found = await _found(database, record.company_id, record.seq)
    return found is not None and found.get("commit_id") == record.commit_id


def _elsewhere(record: Record) -> Conflict:
    return Conflict(f"the log of {record.company_id} does not stand at {record.seq - 1}")


def _place(stored: Stored) -> tuple[int, str]:
    seq, audit_head = stored.get("seq"), stored.get("audit_head")
    return (seq if isinstance(seq, int) else 0), (audit_head if isinstance(audit_head, str) else "")
