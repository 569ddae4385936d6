"""Counters of a company by minute, hour and day, folded from its log."""

from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.instant import Instant

Grain = Literal["minute", "hour", "day"]
WIDTHS: Final[dict[Grain, int]] = {"minute": 16, "hour": 13, "day": 10}
"""How much of an instant's text names its bucket."""

CURSOR_ID: Final = "cursor"


class Bucket(Struct, frozen=True, kw_only=True):
    """Counters of one minute, hour or day; `id` is the grain's first letter and its start: `h#2026-11-21T14`."""

    company_id: str
    id: str
    counts: dict[str, int] = {}


class FoldCursor(Struct, frozen=True, kw_only=True):
    """How far the folder has read a company's log; written in one with the buckets, on condition of its old value."""

    company_id: str
    id: str = CURSOR_ID
    last_seq: int


def bucket_id(grain: Grain, at: Instant) -> str:
    """The id of the bucket that an instant falls in."""
    return f"{grain[0]}#{at[: WIDTHS[grain]]}"
