"""A text for a socket, and its bytes on the wire."""

from functools import cached_property
from typing import Final

_FIN_TEXT: Final = 0x81
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127


class Message:
    """One WebSocket text message, made once for all who are sent it."""

    def __init__(self, text: str, frames: int = 0) -> None:
        self.text = text
        self.frames = frames

    @cached_property
    def on_the_wire(self) -> bytes:
        """The message as the bytes of one unmasked WebSocket frame (RFC 6455 §5.2)."""
        payload = self.text.encode()
        length = len(payload)
        if length < _LENGTH_16:
            return bytes((_FIN_TEXT, length)) + payload
        if length < 1 << 16:
            return bytes((_FIN_TEXT, _LENGTH_16)) + length.to_bytes(2) + payload
        return bytes((_FIN_TEXT, _LENGTH_64)) + length.to_bytes(8) + payload
