"""What every request passes: its id, its line in the log, and how long it took."""

import logging
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alertwhisperer.engine.meters import Histogram, Tally
from alertwhisperer.ports import Clock, Ids

_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET: Final = ("/assets/", "/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)


class Requests:
    """Wraps an app: `scope["request_id"]`, `X-Request-ID` in the answer, and one log line: never a query or header.

    An id that the caller sends is taken if it has 8 to 64 letters, digits, dots, hyphens or underscores.
    """

    def __init__(self, app: ASGIApp, clock: Clock, ids: Ids) -> None:
        self.seconds = Histogram()
        self.answers = Tally("status", ("2xx", "3xx", "4xx", "5xx"))
        self._app = app
        self._clock = clock
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = well_formed_id(scope["headers"]) or self._ids.new_id()
        scope["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        await self._timed(scope, receive, send, request_id)

    async def _timed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = self._clock.monotonic()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = self._clock.monotonic() - started
            self.seconds.observe(seconds)
            self.answers.add(f"{status // 100}xx")
            log.log(
                _level(scope["path"], status),
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round(seconds * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
            )


def well_formed_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The id that the caller has given its request, if it is one that a log can bear."""
    for name, value in headers:
        if name == b"x-request-id":
            return value.decode() if _WELL_FORMED.fullmatch(value) else None
    return None


def _level(path: str, status: int) -> int:
    """Faults stand out; what machines ask for all the time is only of interest when debugging."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return logging.ERROR
    return logging.DEBUG if path.startswith(_QUIET) else logging.INFO
