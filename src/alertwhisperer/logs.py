"""Logs: one line an event on stderr, as text or JSON, without secrets.

Nothing logs a body, a header or a query. What still slips into a line, such as a key inside an error's text, is
blotted out here, last of all.
"""

import logging
import re
import sys
from typing import Final, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

BLOT: Final = "[redacted]"
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_SECRET_NAME: Final = re.compile(
    r"authorization|cookie|password|passwd|secret|token|ticket|api[_-]?key|credential|(^|_)(body|query)$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"""(?ix)
    (?P<said> \b(?:bearer|basic)\s+ | \b(?:[\w-]*(?:api[_-]?key|password|secret|token|ticket|authorization))["']?
      \s*[=:]\s*["']?(?:(?:bearer|basic)\s+)? )
    [^\s"'&,;)}\]]+
    | \baw_[\w-]{20,}
    | \beyJ[\w-]+\.[\w-]+\.[\w-]+
    """
)


def redact(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Blot out fields named like secrets, and what looks like one inside a text."""
    for name, value in line.items():
        if _SECRET_NAME.search(name):
            line[name] = BLOT
        elif isinstance(value, str):
            line[name] = blotted(value)
        elif not isinstance(value, bool | int | float | None):
            line[name] = blotted(repr(value)) if _SECRET_TEXT.search(repr(value)) else value
    return line


def blotted(text: str) -> str:
    """A text without what looks like a secret."""
    return _SECRET_TEXT.sub(lambda found: f"{found['said'] or ''}{BLOT}", text)


def _message_last(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    # The server's own lines carry a coloured double of their message.
    line.pop("color_message", None)
    return line


def configure(
    level: Literal["debug", "info", "warning", "error"], style: Literal["text", "json"], out: TextIO | None = None
) -> None:
    """Send all logs of this process, the libraries' too, to `out` (stderr) in one form."""
    stream = out or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _message_last,
        redact,
    ]
    renderer = _renderer(style, stream)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    remove = cast("Processor", structlog.stdlib.ProcessorFormatter.remove_processors_meta)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, renderer]))
    # Libraries say at INFO what our own lines say already.
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler], force=True)


def _renderer(style: Literal["text", "json"], stream: TextIO) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(default=repr)
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
