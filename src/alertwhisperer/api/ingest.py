"""The webhooks' edge, in raw ASGI: the path of every alert is too busy for a framework (DESIGN §5)."""

import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct, json
from starlette.types import Message, Receive, Scope, Send

from alertwhisperer.api.problems import answer as answer_with
from alertwhisperer.api.problems import plain, problem_of
from alertwhisperer.api.requests import given_id
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
_ENCODER: Final = json.Encoder()
_JSON: Final = (b"content-type", b"application/json")


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
    """ASGI application for `POST /api/webhooks/<source>`."""

    def __init__(self, ingest: Ingest, clock: Clock, ids: Ids) -> None:
        self._ingest = ingest
        self._clock = clock
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        source = str(scope["path"])[len(PREFIX) :].rstrip("/")
        if scope["method"] != "POST":
            await self._refuse(scope, send, 405, "send alerts by POST", {"Allow": "POST"})
            return
        body = await _read(receive)
        if body is None:
            await self._refuse(scope, send, 413, f"a delivery may have {BODY_AT_MOST} bytes")
            return
        try:
            answer = await self._ingest.receive(self._request(scope, source, body))
        except AlertWhispererError as error:
            problem, headers = problem_of(_for_senders(error, source), self._request_id(scope))
            limits = _limits(error) if isinstance(error, RateLimited) else {}
            await answer_with(problem, {**headers, **limits})(scope, receive, send)
            return
        await _send(send, 201 if answer.created else 200, _ENCODER.encode(_shown(answer)))

    async def _refuse(
        self, scope: Scope, send: Send, status: int, why: str, headers: dict[str, str] | None = None
    ) -> None:
        await answer_with(plain(status, why, self._request_id(scope)), headers)(scope, _nothing, send)

    def _request_id(self, scope: Scope) -> str:
        return given_id(scope) or self._ids.new_id()

    def _request(self, scope: Scope, source: str, body: bytes) -> WebhookRequest:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        key = headers.get("x-api-key") or _other_key(headers, scope["query_string"])
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


def _other_key(headers: Mapping[str, str], query: bytes) -> str:
    """The API key of senders that cannot set X-API-Key: as a bearer token, or in the address, never logged."""
    word, _, token = headers.get("authorization", "").partition(" ")
    if word.lower() == "bearer" and token:
        return token.strip()
    return dict(parse_qsl(query.decode("latin-1"))).get("api_key", "") if query else ""


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


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
