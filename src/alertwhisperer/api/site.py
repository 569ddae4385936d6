"""The API as one application: every noun's routes, problems, documents and headers."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import alertwhisperer
from alertwhisperer.api import (
    alerts,
    assets,
    audit,
    companies,
    docs,
    events,
    incidents,
    problems,
    reports,
    sessions,
    users,
    verbs,
    webhooks,
)
from alertwhisperer.api.codec import Contract, Routes
from alertwhisperer.api.openapi import document
from alertwhisperer.api.served import Served
from alertwhisperer.api.web import SECURITY

NOUNS: Final[tuple[Routes, ...]] = (
    sessions.routes,
    users.routes,
    companies.routes,
    alerts.routes,
    incidents.routes,
    verbs.routes,
    assets.routes,
    audit.routes,
    reports.routes,
    events.routes,
    docs.routes,
)
TOO_LARGE: Final = "Content Too Large"
BODY_AT_MOST: Final = 1 << 20
"""Bytes of a request; webhooks have a door, and a limit, of their own."""


def contracts() -> list[Contract]:
    """The contract of every route, for whoever walks the table."""
    return [contract for noun in NOUNS for contract in noun.contracts]


def create_api(served: Served | None = None) -> FastAPI:
    """The application over `served`; without it only its document can be asked for."""
    api = FastAPI(
        title="Alert Whisperer",
        version=alertwhisperer.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    api.state.served = served
    problems.install(api)
    for noun in NOUNS:
        api.include_router(noun)
    api.add_api_route("/api/openapi.json", _openapi, include_in_schema=False)
    api.add_middleware(Envelope)
    return api


def api_document() -> dict[str, Any]:
    """The OpenAPI document of the API, webhooks included."""
    api = create_api()
    return document(api.version, api.routes, contracts(), webhooks.EXTRA)


@cache
def _document_bytes() -> bytes:
    return msgspec.json.encode(api_document())


async def _openapi() -> Response:
    return Response(_document_bytes(), media_type="application/json")


class Envelope:
    """What goes round every answer of the API: the limit of its request's body, and the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._always = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_missing(self._always, message["headers"])]
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced_bytes(scope) > BODY_AT_MOST:
            too_large = problems.plain(413, TOO_LARGE, str(scope.get("request_id", "")))
            await problems.answer(too_large)(scope, receive, sending)
        else:
            await self._app(scope, _counted(receive), sending)


def _announced_bytes(scope: Scope) -> int:
    """The length of the body as its header has it; 0 for a body in chunks, which is counted as it comes."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    received = 0

    async def receiving() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_AT_MOST:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receiving


def _missing(always: Iterable[tuple[bytes, bytes]], there: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in there}
    return [each for each in always if each[0] not in names]
