"""A network in front of mongod that breaks, by the words of MongoDB's own protocol (its manual, "Wire Protocol")."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from tests.support.proxy import Proxy

HEADER: Final = struct.Struct("<iiii")
OP_MSG: Final = 2013
MORE_TO_COME: Final = 2
NAME_AT: Final = 26
"""Behind header, flags, the kind of the first section, the length of its document and the type of its first field."""

WRITES: Final = ("insert", "update", "delete", "commitTransaction", "abortTransaction")
READS: Final = ("find", "aggregate", "getMore")


@dataclass(frozen=True)
class Message:
    """One message; its verb is the command's name, or `handshake` in the protocol before OP_MSG."""

    raw: bytes

    @property
    def verb(self) -> str:
        if HEADER.unpack_from(self.raw)[3] != OP_MSG:
            return "handshake"
        return self.raw[NAME_AT : self.raw.index(b"\0", NAME_AT)].decode()

    @property
    def more_to_come(self) -> bool:
        return HEADER.unpack_from(self.raw)[3] == OP_MSG and bool(self.raw[HEADER.size] & MORE_TO_COME)


async def read_message(reader: asyncio.StreamReader) -> Message:
    head = await reader.readexactly(HEADER.size)
    return Message(head + await reader.readexactly(HEADER.unpack(head)[0] - HEADER.size))


class MongoDBProxy(Proxy[Message]):
    """In front of one member. What it says of itself is left as it is, so clients connect directly."""

    def url(self, database: str) -> str:
        """What MONGO_URL says to go through here."""
        return f"mongodb://127.0.0.1:{self.port}/{database}?directConnection=true"

    async def read_request(self, reader: asyncio.StreamReader) -> Message:
        return await read_message(reader)

    async def read_answers(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """One, but for a driver that watches the server: it asks once and is told again and again."""
        while True:
            message = await read_message(reader)
            yield message.raw
            if not message.more_to_come:
                return
