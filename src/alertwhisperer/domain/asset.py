"""Assets: what alerts are about. Unknown ones are added when they first alert."""

from typing import Final

from msgspec import Struct

from alertwhisperer.domain.instant import Instant

SEEN_EVERY_SECONDS: Final = 300
"""`last_seen_at` is kept to this grain, so that a chatty asset costs no write for each alert."""


class Asset(Struct, frozen=True, kw_only=True, gc=False):
    """A thing of a company that can fail; `name` is unique within it."""

    id: str
    company_id: str
    name: str
    type: str = ""
    critical: bool = False
    tags: list[str] = []
    dependencies: list[str] = []
    first_seen_at: Instant | None = None
    last_seen_at: Instant | None = None


class DeletedAsset(Struct, frozen=True, kw_only=True):
    """What readers are told of an asset that is no more."""

    id: str
    company_id: str
    name: str
