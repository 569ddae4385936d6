"""What sockets carry: the frames of one record as one view sees them, encoded once for all who read them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from alertwhisperer.domain.event import GONE, Cursor, Frame, LoggedEvent, Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor
from alertwhisperer.domain.user import may
from alertwhisperer.live.message import Message

WHOLE_RECORD: Final = 999_999
"""More than the events of any record: a cursor that ends in it stands behind a whole record."""

FRAMES_AT_MOST: Final = 200
"""Frames in one parcel, and in one message."""

ClientView = Callable[[LoggedEvent], Raw | None]
"""What a client sees in place of an event's data; None for nothing."""

_encode = msgspec.json.Encoder().encode


def hide_internal(event: LoggedEvent) -> Raw | None:
    """The plainest client's view: events as they are, without the internal ones."""
    return None if event.internal else event.data


class Parcel:
    """Some frames of one company, in order; at most `FRAMES_AT_MOST`. Equal only to itself, so it can key a memo.

    `texts` are JSON objects, `size` their length in characters.
    """

    __slots__ = ("company_id", "size", "texts")

    def __init__(self, company_id: str, texts: tuple[str, ...]) -> None:
        self.company_id = company_id
        self.texts = texts
        self.size = sum(map(len, texts))


class Told:
    """One record on its way to its readers. Each view is encoded at most once, when its first reader asks."""

    def __init__(self, record: Record, client_view: ClientView) -> None:
        self.seq = record.seq
        # What is kept of a record for resuming is bounded by what is told of it, and no delivery is.
        self._record = replace(record, deliveries=[]) if record.deliveries else record
        self._client_view = client_view

    def parcels(self, *, client: bool) -> list[Parcel]:
        """The whole record as staff, or a client, sees it."""
        return self._for_client if client else self._for_staff

    def rest(self, after_n: int, *, client: bool) -> list[Parcel]:
        """What comes behind event `after_n` of the record."""
        if after_n >= len(self._record.events) - 1:
            return []
        return pack(self._record, self._client_view if client else None, after_n)

    @cached_property
    def size(self) -> int:
        """Bytes of the record's data, to bound what is kept."""
        return sum(len(event.data) for event in self._record.events)

    @cached_property
    def _for_staff(self) -> list[Parcel]:
        return pack(self._record, None)

    @cached_property
    def _for_client(self) -> list[Parcel]:
        events = self._record.events
        seen = [self._client_view(event) if event.data is not GONE else GONE for event in events]
        same = all(data is event.data for data, event in zip(seen, events, strict=True))
        return self._for_staff if same else _parcels(self._record, seen)


def pack(record: Record, view: ClientView | None, after_n: int = -1) -> list[Parcel]:
    """The frames of a record behind event `after_n`, in parcels; all of them with no view."""
    see = view or _everything
    told = [see(event) if n > after_n and event.data is not GONE else None for n, event in enumerate(record.events)]
    return _parcels(record, told)


def _everything(event: LoggedEvent) -> Raw:
    return event.data


def _parcels(record: Record, seen: Sequence[Raw | None]) -> list[Parcel]:
    texts = tuple(
        encode_frame(f"{record.company_id}:{record.seq}:{n}", event.type, data, record.at)
        for n, (event, data) in enumerate(zip(record.events, seen, strict=True))
        if data is not None and data is not GONE
    )
    return [
        Parcel(record.company_id, texts[start : start + FRAMES_AT_MOST])
        for start in range(0, len(texts), FRAMES_AT_MOST)
    ]


def encode_frame(frame_id: str, kind: str, data: Raw, at: Instant) -> str:
    """A frame as JSON text."""
    return _encode(Frame(id=frame_id, type=kind, data=data, timestamp=at)).decode()


class Hello(Struct, frozen=True):
    """The first frame's data: where in each company's log this stream begins."""

    cursors: dict[str, int]
    server_time: Instant


class Resync(Struct, frozen=True):
    """What a reader is told who must read its lists anew: up to record `seq` events may be missing."""

    company_id: str
    seq: int


def hello(cursors: dict[str, int], now: Instant) -> Message:
    """The `hello` frame."""
    return Message(encode_frame("", "hello", Raw(_encode(Hello(cursors, now))), now))


def resync(company_id: str, seq: int, now: Instant) -> Parcel:
    """The `resync` frame; its id is the cursor from which the stream goes on."""
    place = Cursor(company_id, seq, WHOLE_RECORD)
    return Parcel(company_id, (encode_frame(str(place), "resync", Raw(_encode(Resync(company_id, seq))), now),))


def one_message(parcels: Sequence[Parcel]) -> Message:
    """All frames of some parcels as one text: an array of them; a single one as itself."""
    texts = [text for parcel in parcels for text in parcel.texts]
    return Message(texts[0] if len(texts) == 1 else f"[{','.join(texts)}]", len(texts))


def single_messages(parcels: Sequence[Parcel]) -> list[Message]:
    """Each frame as a text of its own, for who did not ask for batches."""
    return [Message(text, 1) for parcel in parcels for text in parcel.texts]


def sees_as_client(actor: Actor) -> bool:
    """Whether an actor gets the client's view."""
    return actor.kind != "system" and not may(actor.role, "incident.read_internal")
