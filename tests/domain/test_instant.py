"""Instants are text of one width, and times are read as senders write them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertwhisperer.domain.instant import instant, is_instant, moment, plus, seconds_between, tolerant

MOMENTS = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones())


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(one: Any, other: Any) -> None:
    assert (instant(one) < instant(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


@given(MOMENTS)
def test_an_instant_keeps_its_microseconds_and_its_width(one: Any) -> None:
    text = instant(one)
    assert len(text) == 27
    assert is_instant(text)
    assert moment(text) == one.astimezone(UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-21T11:43:08.155Z", "2026-11-21T11:43:08.155000Z"),
        ("2026-11-21T12:43:08.123456789+01:00", "2026-11-21T11:43:08.123456Z"),
        ("2026-11-21T11:43:08.1234567Z", "2026-11-21T11:43:08.123456Z"),
        ("2026-11-21T11:43:08+0000", "2026-11-21T11:43:08.000000Z"),
        ("2026-11-21 11:43:08", "2026-11-21T11:43:08.000000Z"),
        (1_700_000_000, "2023-11-14T22:13:20.000000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500000Z"),
        ("1700000000000", "2023-11-14T22:13:20.000000Z"),
    ],
)
def test_times_are_read_as_senders_write_them(written: Any, meant: Any) -> None:
    assert tolerant(written) == meant


@pytest.mark.parametrize("odd", ["", "yesterday", "0001-01-01T00:00:00Z", None, True, [], {}, 10**30, -5, float("inf")])
def test_a_time_that_cannot_be_read_is_none_and_never_an_error(odd: Any) -> None:
    assert tolerant(odd) is None


def test_an_hour_later_is_3600_seconds_between() -> None:
    start = "2026-03-29T00:30:00.000000Z"
    assert seconds_between(start, plus(start, 3600)) == 3600
