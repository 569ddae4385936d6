"""The webhooks' edge: from bytes to the engine and back, beside the framework (DESIGN §5).

The path of every alert is too busy for one. Two ways lead here: any ASGI server calls the edge as an application;
our own server's protocol (`lane.py`) hands a whole request over and is told the reply, without a task in between.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import structlog
from msgspec import Struct, json
from starlette.types import Receive, Scope, Send

from alertwhisperer.api.problems import MEDIA_TYPE, Problem, plain, problem_of
from alertwhisperer.api.requests import well_formed_id
from alertwhisperer.domain.delivery import Outcome
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Invalid, RateLimited, Unavailable
from alertwhisperer.domain.ledger import Disposition
from alertwhisperer.engine.door import WebhookRequest
from alertwhisperer.engine.ingest import Answer, Ingest
from alertwhisperer.ports import Clock, Ids
from alertwhisperer.sources.registry import SOURCES

PREFIX: Final = "/api/webhooks/"
BODY_AT_MOST: Final = 5 * 1024 * 1024
DELIVERY_ID_AT_MOST: Final = 255
LOG_EVERY_SECONDS: Final = 1.0
"""A sender that is refused thousands of times a second leaves one line a second, with how many there were."""

_ENCODER: Final = json.Encoder()

log = structlog.get_logger(__name__)

Headers = Iterable[tuple[bytes, bytes]]


class Call(Struct, frozen=True, gc=False):
    """A request before anybody has looked into it; header names in lower case."""

    source: str
    query: bytes
    headers: Headers
    client: str | None


class Reply(Struct, frozen=True, gc=False):
    """What goes back: JSON, and headers beside its type and length."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Results(Struct, frozen=True):
    """The answer to an array: one outcome an alert, in the order in which they were sent."""

    results: list[Outcome]


class OneResult(Struct, frozen=True, kw_only=True):
    """The answer to a single alert."""

    alert_id: str | None
    incident_id: str | None
    disposition: Disposition
    duplicate: bool
    reason: str


class WebhookEdge:
    """Takes `POST /api/webhooks/<source>`; also an ASGI application for it."""

    def __init__(self, ingest: Ingest, clock: Clock, ids: Ids) -> None:
        self._ingest = ingest
        self._clock = clock
        self._ids = ids
        self._refused: dict[tuple[str, int], tuple[float, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        source = str(scope["path"])[len(PREFIX) :].rstrip("/")
        client = scope.get("client")
        call = Call(source, scope["query_string"], scope["headers"], client[0] if client else None)
        if scope["method"] != "POST":
            await _send(send, self._plain(call, 405, "send alerts by POST", ((b"allow", b"POST"),)))
            return
        body = await _read(receive)
        if body is None:
            await _send(send, self._plain(call, 413, f"a delivery may have {BODY_AT_MOST} bytes"))
            return
        try:
            reply = _reply(await self._ingest.receive(self._request(call, body)))
        except AlertWhispererError as error:
            reply = self._problem(call, error)
        await _send(send, reply)

    def take(self, call: Call, body: bytes, tell: Callable[[Reply], None]) -> bool:
        """Take a whole request, to be told the reply; False, and nothing done, if it must go the long way."""

        def told(answer: Answer | BaseException | None) -> None:
            if isinstance(answer, Answer):
                tell(_reply(answer))
            elif isinstance(answer, AlertWhispererError):
                tell(self._problem(call, answer))
            else:
                log.error("delivery failed", source=call.source, exc_info=answer)
                tell(self._plain(call, 500, "a fault of this server; its log has it"))

        try:
            request = self._request(call, body)
        except AlertWhispererError as error:
            told(error)
            return True
        return self._ingest.take(request, told)

    def _request(self, call: Call, body: bytes) -> WebhookRequest:
        headers = dict(call.headers)
        key = headers.get(b"x-api-key")
        delivery_id = headers.get(b"x-delivery-id") or headers.get(b"webhook-id")
        if delivery_id and len(delivery_id) > DELIVERY_ID_AT_MOST:
            raise Invalid(f"must have at most {DELIVERY_ID_AT_MOST} characters", "X-Delivery-ID")
        return WebhookRequest(
            source=call.source,
            api_key=key.decode("latin-1") if key else _other_key(headers, call.query),
            headers=headers,
            body=body,
            received_at=self._clock.now(),
            ip_address=call.client,
            delivery_id=delivery_id.decode("latin-1") if delivery_id else None,
        )

    def _problem(self, call: Call, error: AlertWhispererError) -> Reply:
        problem, headers = problem_of(_for_senders(error, call.source), self._request_id(call))
        if isinstance(error, RateLimited):
            headers |= _limits(error)
        self._note(call, problem)
        more = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
        return Reply(problem.status, _ENCODER.encode(problem), MEDIA_TYPE.encode(), more)

    def _plain(self, call: Call, status: int, why: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
        problem = plain(status, why, self._request_id(call))
        self._note(call, problem)
        return Reply(status, _ENCODER.encode(problem), MEDIA_TYPE.encode(), headers)

    def _request_id(self, call: Call) -> str:
        return well_formed_id(call.headers) or self._ids.new_id()

    def _note(self, call: Call, problem: Problem) -> None:
        """A line in the log for a refusal, now and then: never the key, the query or the body."""
        kind = (call.source if call.source in SOURCES else "", problem.status)
        now = self._clock.monotonic()
        last, unsaid = self._refused.get(kind, (-math.inf, 0))
        if now - last < LOG_EVERY_SECONDS:
            self._refused[kind] = (last, unsaid + 1)
            return
        self._refused[kind] = (now, 0)
        log.warning(
            "delivery refused",
            source=kind[0] or "unknown",
            status=problem.status,
            detail=problem.detail,
            client=call.client,
            request_id=problem.request_id,
            others_since=unsaid,
        )


def _other_key(headers: Mapping[bytes, bytes], query: bytes) -> str:
    """The API key of senders that cannot set X-API-Key: as a bearer token, or in the address, never logged."""
    word, _, token = headers.get(b"authorization", b"").partition(b" ")
    if word.lower() == b"bearer" and token:
        return token.strip().decode("latin-1")
    return dict(parse_qsl(query.decode("latin-1"))).get("api_key", "") if query else ""


def _reply(answer: Answer) -> Reply:
    return Reply(201 if answer.created else 200, _ENCODER.encode(_shown(answer)))


def _shown(answer: Answer) -> Results | OneResult:
    if answer.batch:
        return Results(answer.outcomes)
    return one_result(answer)


def one_result(answer: Answer) -> OneResult:
    """What became of a single alert."""
    only = answer.outcomes[0]
    return OneResult(
        alert_id=only.alert_id,
        incident_id=only.incident_id,
        disposition=only.disposition,
        duplicate=only.duplicate,
        reason=only.reason,
    )


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than a delivery may be."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= BODY_AT_MOST else None
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_AT_MOST:
            return None
    return b"".join(parts)


def _for_senders(error: AlertWhispererError, source: str) -> AlertWhispererError:
    """The error as this sender can act on it: "too much" is a 503 to those that throw away what a 4xx refuses."""
    drops = source in SOURCES and SOURCES[source].drops_on_4xx
    if isinstance(error, RateLimited) and drops:
        return Unavailable(str(error), retry_after=error.retry_after)
    return Unavailable(str(error)) if isinstance(error, Conflict) else error


def _limits(error: RateLimited) -> dict[str, str]:
    seconds = str(max(1, math.ceil(error.retry_after)))
    return {"X-RateLimit-Limit": str(error.limit), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": seconds}


def head_of(reply: Reply) -> list[tuple[bytes, bytes]]:
    """The reply's headers."""
    always = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body))]
    if reply.status >= HTTPStatus.BAD_REQUEST:
        always.append((b"cache-control", b"no-store"))
    return [*always, *reply.headers]


async def _send(send: Send, reply: Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": head_of(reply)})
    await send({"type": "http.response.body", "body": reply.body})
