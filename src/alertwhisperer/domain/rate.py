"""A token bucket: so many alerts a minute, so many at once."""

from msgspec import Struct

from alertwhisperer.domain.company import RateLimitConfig


class Bucket(Struct, frozen=True, gc=False):
    """Tokens at an instant of a monotonic clock, in seconds. A delivery larger than what is left goes into debt."""

    tokens: float
    at: float


def full(config: RateLimitConfig, now: float) -> Bucket:
    """A bucket that nobody has drawn from."""
    return Bucket(tokens=float(config.burst_size), at=now)


def refill(bucket: Bucket, config: RateLimitConfig, now: float) -> Bucket:
    """The bucket as of now."""
    tokens = bucket.tokens + max(now - bucket.at, 0.0) * config.requests_per_minute / 60
    return Bucket(tokens=min(tokens, float(config.burst_size)), at=now)


def draw(bucket: Bucket, count: int) -> Bucket:
    """The bucket after `count` alerts."""
    return Bucket(tokens=bucket.tokens - count, at=bucket.at)


def as_of(bucket: Bucket | None, config: RateLimitConfig, now: float) -> Bucket:
    """The bucket of now; a full one where there was none."""
    return refill(bucket, config, now) if bucket is not None else full(config, now)


def wait_seconds(bucket: Bucket, config: RateLimitConfig) -> float:
    """How long until it holds one token; 0 if it does."""
    return max(1 - bucket.tokens, 0.0) * 60 / config.requests_per_minute
