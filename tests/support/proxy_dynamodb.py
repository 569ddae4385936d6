"""AWS as DynamoDB Local never is: busy, slow, half done, refusing, gone.

Errors as in "Error handling with DynamoDB" and "TransactWriteItems" of Amazon's manual.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from tests.support.faults import Fault
from tests.support.proxy import Proxy, Streams

TRANSACT: Final = "TransactWriteItems"
BATCH: Final = "BatchGetItem"
WRITES: Final = (TRANSACT, "PutItem")
READS: Final = ("GetItem", BATCH, "Query")
ERRORS: Final[dict[Fault, tuple[int, str, str]]] = {
    "conflict": (400, "TransactionConflictException", "Transaction is ongoing for the item"),
    "throttle": (400, "ThrottlingException", "Rate of requests exceeds the allowed throughput."),
    "exceed": (400, "ProvisionedThroughputExceededException", "The level of configured throughput was exceeded."),
    "server error": (500, "InternalServerError", "The request processing has failed."),
    "deny": (400, "AccessDeniedException", "User: arn:aws:iam::1:user/ada is not authorized to perform this"),
    "expired token": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "unknown key": (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
}
REASONS: Final[dict[Fault, str]] = {"conflict": "TransactionConflict", "hot item": "ThrottlingError"}
"""How a transaction is cancelled: this of its last item, nothing of the others."""


@dataclass(frozen=True)
class Call:
    """One HTTP request of botocore's: its head, without the length, and its JSON."""

    verb: str
    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return _message(self.head, self.body)

    @property
    def asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = json.loads(self.body)
        return asked


class DynamoDBProxy(Proxy[Call]):
    """In front of DynamoDB Local."""

    @property
    def url(self) -> str:
        """What DYNAMODB_ENDPOINT_URL says to go through here."""
        return f"http://127.0.0.1:{self.port}"

    async def read_request(self, reader: asyncio.StreamReader) -> Call:
        head, body = await _read(reader)
        target = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-target:"))
        return Call(target.rpartition(b".")[2].decode(), head, body)

    async def read_answers(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        yield _message(*await _read(reader))

    async def answers(self, request: Call, fault: Fault, server: Streams) -> AsyncIterator[bytes]:
        if fault == "unprocessed" and request.verb == BATCH:
            yield await self._half(request, server)
        elif fault in REASONS and request.verb == TRANSACT:
            yield _cancelled(REASONS[fault], len(request.asked["TransactItems"]))
        elif fault in ERRORS:
            status, code, said = ERRORS[fault]
            yield _answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": said})
        else:
            async for answer in super().answers(request, fault, server):
                yield answer

    async def _half(self, request: Call, server: Streams) -> bytes:
        """The first half is read, the second is said to be unprocessed; all of a batch of one."""
        ((table, wanted),) = request.asked["RequestItems"].items()
        middle = len(wanted["Keys"]) // 2
        rest = {table: {**wanted, "Keys": wanted["Keys"][middle:]}}
        if not middle:
            return _answer(200, {"Responses": {}, "UnprocessedKeys": rest})
        some = {"RequestItems": {table: {**wanted, "Keys": wanted["Keys"][:middle]}}}
        half = Call(BATCH, request.head, json.dumps({**request.asked, **some}).encode())
        pieces = [piece async for piece in super().answers(half, "none", server)]
        return _answer(200, {**json.loads(pieces[0].partition(b"\r\n\r\n")[2]), "UnprocessedKeys": rest})


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head, without the lines that say how long the body is, and the body, of one message of HTTP/1.1."""
    lines = (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n").split(b"\r\n")
    lengths = [line for line in lines if line.lower().startswith((b"content-length:", b"transfer-encoding:"))]
    head = b"".join(line + b"\r\n" for line in lines if line not in lengths)
    if lengths[0].lower().endswith(b"chunked"):
        return head, await _read_chunks(reader)
    return head, await reader.readexactly(int(lengths[0].partition(b":")[2]))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _message(head: bytes, body: bytes) -> bytes:
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


def _cancelled(code: str, items: int) -> bytes:
    reasons = [{"Code": "None"}] * (items - 1) + [{"Code": code, "Message": "planned"}]
    said = f"Transaction cancelled [{', '.join(each['Code'] for each in reasons)}]"
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return _answer(400, {"__type": kind, "Message": said, "CancellationReasons": reasons})


def _answer(status: int, document: dict[str, Any]) -> bytes:
    head = f"HTTP/1.1 {status} Planned\r\nContent-Type: application/x-amz-json-1.0\r\n"
    return _message(head.encode(), json.dumps(document).encode())
