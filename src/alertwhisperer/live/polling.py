"""The same events for who cannot hold a socket: read what came after some cursors, once."""

from collections.abc import Iterable
from typing import Final

from msgspec import Raw, Struct

from alertwhisperer.domain.event import Cursor
from alertwhisperer.domain.scope import MSP, Scope, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.live.parcels import WHOLE_RECORD, ClientView, hide_internal, pack, sees_as_client
from alertwhisperer.ports import Log

LIMIT_AT_MOST: Final = 1_000
PAGE: Final = 200


class Events(Struct, frozen=True):
    """What came after some cursors. `frames` are JSON objects as on the socket, each company's in order.

    `cursors`: company → seq of the last record in it, whole: the place to ask from next time.
    `resync`: some cursor was too old; read the lists anew.
    """

    frames: list[Raw]
    cursors: dict[str, int]
    resync: bool


async def events_after(
    log: Log, scopes: Scopes, cursors: Iterable[Cursor], limit: int, *, client_view: ClientView = hide_internal
) -> Events:
    """Read the events behind each company's cursor; a company without one starts at its head, with none.

    About `limit` frames at most, for a record is never split: a company that got none of its own keeps its cursor and
    has them next time. Raises Forbidden, or Unavailable from the log.
    """
    require(scopes.actor, "live.read")
    view = client_view if sees_as_client(scopes.actor) else None
    after = {cursor.company_id: cursor for cursor in cursors}
    frames: list[Raw] = []
    reached: dict[str, int] = {}
    resync = False
    for scope in scopes.each():
        if scope.company_id == MSP:
            continue
        room = min(limit, LIMIT_AT_MOST) - len(frames)
        page = await _read(log, scope, after.get(scope.company_id), room, view)
        frames += page.frames
        reached |= page.cursors
        resync = resync or page.resync
    return Events(frames, reached, resync)


async def _read(log: Log, scope: Scope, cursor: Cursor | None, room: int, view: ClientView | None) -> Events:
    head, _ = await log.head(scope.company_id)
    if cursor is None:
        return Events([], {scope.company_id: head}, resync=False)
    first = cursor.seq + 1 if cursor.n >= WHOLE_RECORD else cursor.seq
    if room <= 0 or first == head + 1:
        return Events([], {scope.company_id: cursor.seq}, resync=False)
    records = await log.records(scope.company_id, after=first - 1, limit=min(room, PAGE))
    if not records or records[0].seq != first:
        return Events([], {scope.company_id: head}, resync=True)
    frames: list[Raw] = []
    reached = cursor.seq
    for expected, record in enumerate(records, start=first):
        if record.seq != expected or len(frames) >= room:
            break
        after_n = cursor.n if record.seq == cursor.seq else -1
        frames += [Raw(text.encode()) for parcel in pack(record, view, after_n) for text in parcel.texts]
        reached = record.seq
    return Events(frames, {scope.company_id: reached}, resync=False)
