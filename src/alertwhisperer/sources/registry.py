"""Every source by the name in its webhook's path, `/api/webhooks/<name>`."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from alertwhisperer.sources import alertmanager, generic
from alertwhisperer.sources.parsed import Parsed


class Source(Struct, frozen=True, kw_only=True):
    """How one tool's payloads are read, and how it takes a refusal.

    drops_on_4xx: it throws away what a 4xx refuses, so that "too much" must be a 503 (SPEC §3).
    """

    name: str
    parse: Callable[[bytes], Parsed]
    drops_on_4xx: bool = False


SOURCES: Final[dict[str, Source]] = {
    source.name: source
    for source in (
        Source(name="alerts", parse=generic.parse),
        Source(name="alertmanager", parse=alertmanager.parse, drops_on_4xx=True),
    )
}
