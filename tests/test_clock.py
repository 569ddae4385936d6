"""Time and ids come in through the door, and the door keeps its promises."""

import os
import threading
import uuid

import pytest

from alertwhisperer.clock import SequentialIds, SystemClock, SystemIds, VirtualClock, new_id
from alertwhisperer.domain.instant import is_instant, seconds_between
from alertwhisperer.ports import Clock, Ids


def test_every_clock_and_every_source_of_ids_fits_its_port() -> None:
    clocks: list[Clock] = [SystemClock(), VirtualClock()]
    ids: list[Ids] = [SystemIds(), SequentialIds()]
    assert all(is_instant(clock.now()) and clock.monotonic() >= 0 for clock in clocks)
    assert all(uuid.UUID(source.new_id()).version == 7 for source in ids)


def test_an_id_is_a_canonical_uuid_of_version_seven_made_now() -> None:
    made = new_id()
    parsed = uuid.UUID(made)
    assert str(parsed) == made
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    made_at = VirtualClock("1970-01-01T00:00:00.000000Z").advance((parsed.int >> 80) / 1000)
    assert abs(seconds_between(made_at, SystemClock().now())) < 60


def test_ids_rise_even_when_a_millisecond_makes_more_than_its_counter_holds() -> None:
    ids = SystemIds()
    made = [ids.new_id() for _ in range(50_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_share_ids_without_a_double_and_each_sees_them_rise() -> None:
    ids = SystemIds()
    lists: list[list[str]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda o=own: o.extend(ids.new_id() for _ in range(5_000))) for own in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(own == sorted(own) for own in lists)
    assert len({made for own in lists for made in own}) == 20_000


def test_a_forked_process_draws_other_ids_than_its_parent() -> None:
    ids = SystemIds()
    ids.new_id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ids.new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 36).decode()
    os.close(read)
    os.close(write)
    assert theirs[24:] != ids.new_id()[24:]


def test_a_virtual_clock_stands_until_it_is_moved_and_never_runs_backwards() -> None:
    clock = VirtualClock("2026-03-29T00:59:59.500000Z")
    assert clock.now() == clock.now() == "2026-03-29T00:59:59.500000Z"
    assert clock.advance(0.5) == "2026-03-29T01:00:00.000000Z"
    assert clock.move_to("2026-03-29T02:00:00.000000Z") == clock.now()
    assert clock.monotonic() == 3600.5
    with pytest.raises(ValueError, match="backwards"):
        clock.move_to("2026-03-29T01:00:00.000000Z")


def test_sequential_ids_are_the_same_on_each_run() -> None:
    assert SequentialIds().new_id() == SequentialIds().new_id() == "00000000-0000-7000-8000-000000000001"
