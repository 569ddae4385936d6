"""Assets: what alerts are about. Unknown ones are added when they first alert."""

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.metric import WIDTHS


class Asset(Struct, frozen=True, kw_only=True, gc=False):
    """A thing of a company that can fail; `name` is unique within it.

    `last_seen_at` is its first alert of the last UTC day on which it alerted: a day, not an instant, so that an asset
    is not written with every alert.
    """

    id: str
    company_id: str
    name: str
    type: str = ""
    critical: bool = False
    tags: list[str] = []
    dependencies: list[str] = []
    first_seen_at: Instant | None = None
    last_seen_at: Instant | None = None


def seen(asset: Asset, now: Instant) -> Asset:
    """The asset after an alert at `now`: itself, if it has alerted on that day before."""
    day = now[: WIDTHS["day"]]
    if asset.last_seen_at is not None and asset.last_seen_at.startswith(day):
        return asset
    return replace(asset, first_seen_at=asset.first_seen_at or now, last_seen_at=now)


class DeletedAsset(Struct, frozen=True, kw_only=True):
    """What readers are told of an asset that is no more."""

    id: str
    company_id: str
    name: str
