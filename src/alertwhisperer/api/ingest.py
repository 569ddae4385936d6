"""The webhooks' edge, in raw ASGI: the path of every alert is too busy for a framework (DESIGN §5)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct, json

from alertwhisperer.domain.delivery import Outcome
from alertwhisperer.domain.errors import (
    AlertWhispererError,
    Conflict,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from alertwhisperer.domain.ledger import Disposition
from alertwhisperer.engine.door import WebhookRequest
from alertwhisperer.engine.ingest import Answer, Ingest
from alertwhisperer.ports import Clock
from alertwhisperer.sources.registry import SOURCES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX: Final = "/api/webhooks/"
BODY_AT_MOST: Final = 5 * 1024 * 1024
DELIVERY_ID_AT_MOST: Final = 255
_ENCODER: Final = json.Encoder()
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", b"application/problem+json")


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


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, with the field that is wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None


class WebhookEdge:
    """ASGI application for `POST /api/webhooks/<source>`."""

    def __init__(self, ingest: Ingest, clock: Clock) -> None:
        self._ingest = ingest
        self._clock = clock

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        source = str(scope["path"])[len(PREFIX) :].rstrip("/")
        if scope["method"] != "POST":
            await _send_problem(send, 405, "Method not allowed", "send alerts by POST", extra=[(b"allow", b"POST")])
            return
        body = await _read(receive)
        if body is None:
            await _send_problem(send, 413, "Too large", f"a delivery may have {BODY_AT_MOST} bytes", field="body")
            return
        try:
            answer = await self._ingest.receive(self._request(scope, source, body))
        except AlertWhispererError as error:
            await _send_error(send, error, source)
            return
        await _send(send, 201 if answer.created else 200, _ENCODER.encode(_shown(answer)), [_JSON])

    def _request(self, scope: Message, source: str, body: bytes) -> WebhookRequest:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        key = headers.get("x-api-key", "")
        if not key and scope["query_string"]:
            key = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("api_key", "")
        delivery_id = headers.get("x-delivery-id") or headers.get("webhook-id")
        if delivery_id and len(delivery_id) > DELIVERY_ID_AT_MOST:
            raise Invalid(f"must have at most {DELIVERY_ID_AT_MOST} characters", "X-Delivery-ID")
        client = scope.get("client")
        return WebhookRequest(
            source=source,
            api_key=key,
            headers=headers,
            body=body,
            received_at=self._clock.now(),
            ip_address=client[0] if client else None,
            delivery_id=delivery_id,
        )


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


async def _send_error(send: Send, error: AlertWhispererError, source: str) -> None:
    """One place where what can go wrong here becomes an answer that the sender can act on."""
    match error:
        case RateLimited():
            await _send_slow_down(send, error, source)
        case Unavailable():
            retry = [(b"retry-after", str(max(1, round(error.retry_after))).encode())]
            await _send_problem(send, 503, "Not now", str(error), extra=retry)
        case Invalid():
            await _send_problem(send, 422, "Not an alert", str(error), field=error.field)
        case Unauthenticated():
            await _send_problem(send, 401, "Not authenticated", str(error))
        case NotFound():
            await _send_problem(send, 404, "No such source", f"{error}; there are {', '.join(SOURCES)}")
        case Conflict():
            await _send_problem(send, 503, "Not now", str(error), extra=[(b"retry-after", b"1")])
        case _:
            await _send_problem(send, 403, "Not allowed", str(error))


async def _send_slow_down(send: Send, error: RateLimited, source: str) -> None:
    """429; but 503 to senders that throw away what a 4xx refuses."""
    drops = source in SOURCES and SOURCES[source].drops_on_4xx
    extra = [
        (b"retry-after", str(max(1, round(error.retry_after))).encode()),
        (b"x-ratelimit-limit", str(error.limit).encode()),
        (b"x-ratelimit-remaining", b"0"),
        (b"x-ratelimit-reset", str(max(1, round(error.retry_after))).encode()),
    ]
    await _send_problem(send, 503 if drops else 429, "Too many alerts", str(error), extra=extra)


async def _send_problem(
    send: Send,
    status: int,
    title: str,
    detail: str,
    *,
    field: str | None = None,
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    body = _ENCODER.encode(Problem(title=title, status=status, detail=detail, field=field))
    await _send(send, status, body, [_PROBLEM, *(extra or [])])


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
