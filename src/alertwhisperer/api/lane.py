"""How uvicorn serves webhooks best: its own protocol, with a short way for whole, plain requests.

A request through ASGI costs a task, an event and a message for every step, more than the work of taking an alert in.
What is short (a POST with a length, no proxy's headers, nothing unanswered on its connection) is handed to the edge as
it is, and its reply written at once. All else, and all of it under any other server, goes through ASGI.
"""

from functools import partial
from typing import ClassVar, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from alertwhisperer.api.ingest import BODY_AT_MOST, PREFIX, Call, Reply, WebhookEdge, head_of

_PATH: Final = PREFIX.encode()
_LONG_WAY: Final = frozenset({b"x-forwarded-for", b"transfer-encoding", b"expect", b"upgrade"})


class _Short:
    """A request on the short way, where uvicorn keeps its cycle: it looks at these to pipeline, shut down and end."""

    __slots__ = ("body", "disconnected", "keep_alive", "more_body", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.body = bytearray()
        self.more_body = True
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> "_Short":
        return self

    def set(self) -> None:
        """Nobody waits for a part of it."""


class WebhookProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with the short way to `edge`."""

    edge: ClassVar[WebhookEdge]
    _short: _Short | None = None
    """The request under way, if it goes the short way; uvicorn sees it as its cycle."""

    def on_headers_complete(self) -> None:
        """Choose the way."""
        if self.url.startswith(_PATH) and self._is_short():
            self._unset_keepalive_if_required()
            self._short = _Short(keep_alive=self.parser.should_keep_alive())
            self.cycle = cast("RequestResponseCycle", self._short)
        else:
            self._short = None
            super().on_headers_complete()

    def _is_short(self) -> bool:
        before: RequestResponseCycle | None = self.cycle
        names = {name for name, _ in self.headers}
        return (
            (before is None or before.response_complete)
            and not self.flow.write_paused
            and self.parser.get_method() == b"POST"
            and b"content-length" in names
            and names.isdisjoint(_LONG_WAY)
            and self.parser.get_http_version() == "1.1"
            and _length(self.headers) <= BODY_AT_MOST
        )

    def on_body(self, body: bytes) -> None:
        """Keep what comes; its length has been looked at."""
        if self._short is not None:
            self._short.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand the whole request over."""
        short, self._short = self._short, None
        if short is None:
            super().on_message_complete()
            return
        short.more_body = False
        source, _, query = self.url[len(_PATH) :].partition(b"?")
        client = self.client[0] if self.client else None
        call = Call(source.rstrip(b"/").decode("latin-1"), query, self.headers, client)
        if not self.edge.take(call, bytes(short.body), partial(self._write, short)):
            self._go_the_long_way(short)

    def _write(self, short: _Short, reply: Reply) -> None:
        if short.disconnected or self.transport.is_closing():
            return
        head = [*self.server_state.default_headers, *head_of(reply)]
        if not short.keep_alive:
            head.append((b"connection", b"close"))
        lines = [b"%b: %b\r\n" % each for each in head]
        self.transport.write(b"".join((STATUS_LINE[reply.status], *lines, b"\r\n", reply.body)))
        short.response_complete = True
        if not short.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _go_the_long_way(self, short: _Short) -> None:
        """Begin anew as uvicorn would have, with the body that is there already."""
        short.response_complete = True
        super().on_headers_complete()
        self.cycle.body += short.body
        super().on_message_complete()


def webhook_protocol(edge: WebhookEdge) -> type[WebhookProtocol]:
    """The protocol for a server whose webhooks this edge takes."""
    return type("WebhookProtocol", (WebhookProtocol,), {"edge": edge})


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    return next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), 0)
