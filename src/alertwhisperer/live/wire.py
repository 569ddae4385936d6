"""How uvicorn must serve live sockets: its own protocol, with the one thing that ASGI lacks, an abort."""

from http import HTTPStatus
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "alertwhisperer.abort"
"""ASGI extension: `{"abort": callable}` drops the connection with all that waits to be sent."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, from which an application can drop a client that takes nothing any more.

    Without it a close waits behind the bytes that the client does not take, for as long as it keeps the line open.
    """

    def handle_connect(self, event: Request) -> None:
        """Start the application, which runs from the loop's next turn, with the extension in its scope."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"abort": self.transport.abort}}
