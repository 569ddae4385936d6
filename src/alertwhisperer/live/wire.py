"""How uvicorn serves live sockets best: its own protocol, with what ASGI lacks. Any other server works too."""

from http import HTTPStatus
from typing import Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from alertwhisperer.live.message import Message

EXTENSION: Final = "alertwhisperer.socket"
"""ASGI extension: `{"socket": DirectSocket}`."""


class DirectSocket(Protocol):
    """What a connection can do beside ASGI's messages."""

    def send_now(self, message: Message) -> bool:
        """Send a message without waiting; False, and nothing sent, if the client has not taken what was sent before."""
        ...

    def abort(self) -> None:
        """Drop the connection, with all that waits to be sent."""
        ...


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with two things that ASGI lacks.

    `abort`: a close waits behind the bytes that a client does not take, for as long as it keeps the line open.
    `send_now`: a message to a thousand clients is made into a frame once, and costs each no more than a write.
    """

    def handle_connect(self, event: Request) -> None:
        """Start the application, which runs from the loop's next turn, with the extension in its scope."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, dict[object, object]] = {**(self.scope["extensions"] or {})}
            extensions[EXTENSION] = {"socket": self}
            self.scope["extensions"] = extensions

    def send_now(self, message: Message) -> bool:
        """Write the message's frame, unless the transport's buffer is above its high-water mark."""
        if not self.handshake_complete or self.close_sent or self.disconnected or not self.writable.is_set():
            return False
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return False
        self.transport.write(message.on_the_wire)
        return True

    def abort(self) -> None:
        """Close at once; what is buffered is lost."""
        self.transport.abort()
