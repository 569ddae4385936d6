"""Counters of a company by minute, hour and day, folded from its log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant

Grain = Literal["minute", "hour", "day"]
WIDTHS: Final[dict[Grain, int]] = {"minute": 16, "hour": 13, "day": 10}
"""How much of an instant's text names its start at a grain."""

_MINUTE: Final = slice(WIDTHS["hour"] + 1, WIDTHS["minute"])

CURSOR_ID: Final = "cursor"


class Bucket(Struct, frozen=True, kw_only=True):
    """Counters of one hour or day; `id` is the grain's first letter and its start: `h#2026-11-21T14`.

    An hour holds its minutes: counter → minute of the hour (`05`) → sum; by counter, so that a name is said once.
    """

    company_id: str
    id: str
    counts: dict[str, int] = {}
    minutes: dict[str, dict[str, int]] = {}


class FoldCursor(Struct, frozen=True, kw_only=True):
    """How far the folder has read a company's log; written in one with the buckets, on condition of its old value."""

    company_id: str
    id: str = CURSOR_ID
    last_seq: int


def bucket_id(grain: Grain, at: Instant) -> str:
    """The id of the bucket that an instant's counters are in at a grain; of minutes that of their hour."""
    kept: Grain = "hour" if grain == "minute" else grain
    return f"{kept[0]}#{at[: WIDTHS[kept]]}"


def sums_at(bucket: Bucket, grain: Grain) -> Iterator[tuple[str, str, int]]:
    """(start, counter, sum) of what a bucket says at a grain: none if it says nothing at that.

    A start is as wide as the grain: `2026-11-21T14` is an hour.
    """
    letter, _, start = bucket.id.partition("#")
    if grain == "minute":
        for name, column in bucket.minutes.items():
            for minute, count in column.items():
                yield f"{start}:{minute}", name, count
    elif letter == grain[0]:
        for name, count in bucket.counts.items():
            yield start, name, count


def counted(records: Sequence[Record]) -> dict[str, Bucket]:
    """What a company's records add to their hours and days: bucket id → a bucket of that alone."""
    buckets: dict[str, Bucket] = {}
    for record in records:
        if not record.counts:
            continue
        for grain in ("hour", "day"):
            place = bucket_id(grain, record.at)
            bucket = buckets.get(place)
            if bucket is None:
                bucket = buckets[place] = Bucket(company_id=record.company_id, id=place)
            add(bucket.counts, record.counts)
            if grain == "hour":
                _add_minute(bucket, record)
    return buckets


def joined(bucket: Bucket, more: Bucket) -> Bucket:
    """A bucket and what is to be added to it. Columns that stay as they are, are not copied."""
    columns = {name: _sum(bucket.minutes.get(name, {}), column) for name, column in more.minutes.items()}
    return replace(bucket, counts=_sum(bucket.counts, more.counts), minutes={**bucket.minutes, **columns})


def add(sums: dict[str, int], deltas: Mapping[str, int]) -> None:
    """Add deltas to sums, in place."""
    for name, delta in deltas.items():
        sums[name] = sums.get(name, 0) + delta


def _add_minute(bucket: Bucket, record: Record) -> None:
    minute = record.at[_MINUTE]
    for name, delta in record.counts.items():
        column = bucket.minutes.setdefault(name, {})
        column[minute] = column.get(minute, 0) + delta


def _sum(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    sums = dict(counts)
    add(sums, more)
    return sums
