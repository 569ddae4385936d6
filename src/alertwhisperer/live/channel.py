"""One company's stream in this process, and the last of it in memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from alertwhisperer.domain.event import Cursor, Record
from alertwhisperer.live.parcels import WHOLE_RECORD, ClientView, Parcel, Told

TAIL_RECORDS: Final = 256
TAIL_BYTES: Final = 256 << 10
"""Kept of each company that somebody listens to, so that a crowd coming back after a moment reads no log."""


class Member(Protocol):
    """Who is live on a channel. `client`: sees the client's view."""

    client: bool

    def offer(self, parcels: Sequence[Parcel]) -> None:
        """Take what was told; must not wait."""
        ...


class Channel:
    """Tells its members each record, from the moment at which they stand where it stands.

    `seq` is the last record told (-1 until it is opened); `users` counts who holds it open, live or not yet.
    """

    def __init__(self, company_id: str, client_view: ClientView, resync_at: Callable[[str, int], Parcel]) -> None:
        self.company_id = company_id
        self.seq = -1
        self.users = 0
        self.opening = asyncio.Lock()
        self.members: dict[Member, None] = {}
        self._client_view = client_view
        self._resync_at = resync_at
        self._tail: deque[Told] = deque()
        self._tail_bytes = 0

    def tell(self, record: Record) -> None:
        """The feed's next record."""
        told = Told(record, self._client_view)
        self.seq = record.seq
        self._tail.append(told)
        self._tail_bytes += told.size
        while len(self._tail) > TAIL_RECORDS or self._tail_bytes > TAIL_BYTES:
            self._tail_bytes -= self._tail.popleft().size
        for member in list(self.members):
            member.offer(told.parcels(client=member.client))

    def skip(self, seq: int) -> None:
        """The feed lost the records up to `seq`."""
        self.seq = seq
        self._tail.clear()
        self._tail_bytes = 0
        for member in list(self.members):
            member.offer([self._resync_at(self.company_id, seq)])

    def since(self, cursor: Cursor, *, client: bool) -> list[Parcel] | None:
        """All behind a cursor (not ahead of `seq`) up to now; None if memory does not reach back so far."""
        first = cursor.seq + 1 if cursor.n >= WHOLE_RECORD else cursor.seq
        if first <= self.seq - len(self._tail):
            return None
        parcels: list[Parcel] = []
        for told in self._tail:
            if told.seq == cursor.seq:
                parcels += told.rest(cursor.n, client=client)
            elif told.seq > cursor.seq:
                parcels += told.parcels(client=client)
        return parcels
