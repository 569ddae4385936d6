"""Counters of a company by minute, hour and day, folded from its log."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.event import Record
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


def start_of(bucket: str) -> str:
    """The start of a bucket as its id names it: `2026-11-21T14` of `h#2026-11-21T14`."""
    return bucket.partition("#")[2]


def counted(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """What records add to their minute, hour and day: bucket id → counter → delta."""
    sums: dict[str, dict[str, int]] = {}
    for record in records:
        if not record.counts:
            continue
        for grain in WIDTHS:
            add(sums.setdefault(bucket_id(grain, record.at), {}), record.counts)
    return sums


def add(sums: dict[str, int], deltas: Mapping[str, int]) -> None:
    """Add deltas to sums, in place."""
    for name, delta in deltas.items():
        sums[name] = sums.get(name, 0) + delta
