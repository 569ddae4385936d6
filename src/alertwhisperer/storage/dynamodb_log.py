"""The log: appending a record with what it did."""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from msgspec import json

from alertwhisperer.domain.change import ABSENT
from alertwhisperer.domain.errors import Conflict, OutcomeUnknown, Stale, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage.dynamodb_heads import Head, Heads
from alertwhisperer.storage.dynamodb_search import Search
from alertwhisperer.storage.dynamodb_writes import Wanted, Writes
from alertwhisperer.storage.records import kept

UNKNOWN_AT_MOST: Final = 1_000
EVENTS: Final = "events"

_record_json: Final = json.Encoder()


class Appender:
    """Appends to logs, and remembers of which commits nobody could say whether they are stored."""

    def __init__(self, writes: Writes, heads: Heads, search: Search) -> None:
        self._writes = writes
        self._heads = heads
        self._search = search
        self._unknown: dict[str, None] = {}

    async def append(self, record: Record, wanted: Sequence[Wanted], after: str | None) -> None:
        """Write the record and what it did, behind the commit `after`. Raises what `ports.Log.commit` says."""
        if await self._heads.stands(record.company_id, record.seq - 1, after):
            await self._write(record, wanted)
        elif record.commit_id not in self._unknown or not await self._is_mine(record):
            raise _elsewhere(record)
        self._unknown.pop(record.commit_id, None)
        self._heads.learn(record.company_id, Head(record.seq, record.audit_head, record.commit_id))

    async def _write(self, record: Record, wanted: Sequence[Wanted]) -> None:
        stored = _record_wanted(record)
        begun = self._heads.listing([stored]) if record.seq == 1 else []
        try:
            await self._writes.run([*wanted, stored], begun, token=fresh_token(record.commit_id))
        except OutcomeUnknown:
            if not await self._is_mine(record):
                self._remember_unknown(record.commit_id)
                raise
        except Stale as error:
            if not await self._is_mine(record):
                # What was decided on another world is a Conflict, whatever else it did not find as expected.
                head = await self._heads.one(record.company_id)
                raise (error if head.seq == record.seq - 1 else _elsewhere(record)) from None

    async def _is_mine(self, record: Record) -> bool:
        """Whether the log has this commit: an earlier try, whose answer was lost, may have stored it.

        Conflict if another is in its place, OutcomeUnknown if the log cannot be read now either.
        """
        try:
            found = await self._search.records(record.company_id, record.seq - 1, 1)
        except Unavailable as error:
            self._remember_unknown(record.commit_id)
            raise OutcomeUnknown("DynamoDB did not say whether it stored this") from error
        if not found or found[0].seq != record.seq:
            return False
        if found[0].commit_id != record.commit_id:
            raise _elsewhere(record)
        return True

    def _remember_unknown(self, commit_id: str) -> None:
        self._unknown[commit_id] = None
        if len(self._unknown) > UNKNOWN_AT_MOST:
            del self._unknown[next(iter(self._unknown))]


def fresh_token(commit_id: str) -> str:
    """A ClientRequestToken (36 characters at most, with the number of the try behind it) of one call's own.

    A commit that is asked for again has another: its answer must not be that of the first.
    """
    return blake2b(commit_id.encode() + secrets.token_bytes(8), digest_size=16).hexdigest()


def _elsewhere(record: Record) -> Conflict:
    return Conflict(f"the log of {record.company_id} does not stand at {record.seq - 1}")


def _record_wanted(record: Record) -> Wanted:
    fields: dict[str, object] = {"company_id": record.company_id, "seq": record.seq, "at": record.at}
    return Wanted(BY_NAME[EVENTS], (record.company_id, record.seq), fields, _record_json.encode(kept(record)), ABSENT)
