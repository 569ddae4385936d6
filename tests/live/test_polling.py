"""Polling tells the same as a socket, piece by piece."""

import msgspec
import pytest

from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.domain.event import Cursor, Frame
from alertwhisperer.domain.scope import Actor, Scopes
from alertwhisperer.live.parcels import WHOLE_RECORD
from alertwhisperer.live.polling import Events, events_after
from tests.live.stage import ACME, ADA, EVE, GLOBEX, VIC, Process, fact, text_of


def heard(events: Events) -> list[str]:
    return [text_of(msgspec.json.decode(frame, type=Frame)) for frame in events.frames]


async def test_without_a_cursor_polling_starts_at_the_head() -> None:
    process = Process()
    await process.say(ACME, "a")
    events = await events_after(process.log, Scopes((ACME, GLOBEX), ADA), [], 500)
    assert events == Events([], {ACME: 1, GLOBEX: 0}, resync=False)


async def test_page_by_page_everything_is_told_once() -> None:
    process = Process()
    for n in range(40):
        await process.say(ACME, f"a{n}", f"b{n}")
        await process.say(GLOBEX, f"g{n}")
    cursors = [Cursor(ACME, 0, 0), Cursor(GLOBEX, 0, WHOLE_RECORD)]
    cursors[0] = Cursor(ACME, 1, 0)
    told: list[str] = []
    for _ in range(30):
        events = await events_after(process.log, Scopes((ACME, GLOBEX), ADA), cursors, 7)
        assert len(events.frames) <= 8
        told += heard(events)
        cursors = [Cursor(company_id, seq, WHOLE_RECORD) for company_id, seq in events.cursors.items()]
    expected = [text for n in range(40) for text in (f"a{n}", f"b{n}")][1:]
    assert [text for text in told if text[0] in "ab"] == expected
    assert [text for text in told if text[0] == "g"] == [f"g{n}" for n in range(40)]


@pytest.mark.parametrize("cursor", [Cursor(ACME, 1, 0), Cursor(ACME, 2, 0), Cursor(ACME, 99, WHOLE_RECORD)])
async def test_a_cursor_that_is_too_old_or_not_of_this_log_says_resync(cursor: Cursor) -> None:
    process = Process()
    for n in range(5):
        await process.say(ACME, str(n))
    process.log.database.expire(ACME, 2)
    events = await events_after(process.log, Scopes((ACME,), ADA), [cursor], 500)
    assert events == Events([], {ACME: 5}, resync=True)


async def test_a_quiet_cursor_at_the_head_of_an_expired_log_is_good() -> None:
    process = Process()
    await process.say(ACME, "a")
    process.log.database.expire(ACME, 1)
    events = await events_after(process.log, Scopes((ACME,), ADA), [Cursor(ACME, 1, WHOLE_RECORD)], 500)
    assert events == Events([], {ACME: 1}, resync=False)


async def test_clients_get_no_internal_event_and_nobody_another_company() -> None:
    process = Process()
    await process.commit(ACME, fact("ours", internal=True), fact("for all"))
    start = [Cursor(ACME, 0, WHOLE_RECORD)]
    vic = await events_after(process.log, Scopes((ACME,), VIC), start, 500)
    eve = await events_after(process.log, Scopes((GLOBEX,), EVE), start, 500)
    assert (heard(vic), vic.cursors) == (["for all"], {ACME: 1})
    assert (heard(eve), eve.cursors) == ([], {GLOBEX: 0})


async def test_who_may_not_read_live_is_refused() -> None:
    with pytest.raises(Forbidden):
        await events_after(Process().log, Scopes((ACME,), Actor(kind="source", id="z", name="Zabbix")), [], 1)
