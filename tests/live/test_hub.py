"""What a subscriber is told: everything once, in order, soon, and nothing that is not for them."""

import asyncio
from itertools import pairwise

import msgspec
import pytest

from alertwhisperer.domain.errors import Forbidden, Unavailable
from alertwhisperer.domain.event import Cursor, read_cursor
from alertwhisperer.domain.scope import MSP, Actor, Scopes
from alertwhisperer.live import hub as hub_module
from alertwhisperer.live.parcels import WHOLE_RECORD, Hello
from tests.live.stage import ACME, ADA, EVE, GLOBEX, RIO, VIC, Process, fact, listen, settle
from tests.support.memory_log import MemoryDatabase
from tests.support.virtual_loop import run_virtually

COMMIT_QUERIES = 2
"""What committing costs by itself: the head, the write."""


def test_the_first_word_says_where_the_stream_begins() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "one")
        ada = await listen(process, companies=[ACME, GLOBEX])
        await settle()
        assert ada.kinds == ["hello"]
        hello = msgspec.json.decode(ada.frames[0].data, type=Hello)
        assert hello.cursors == {ACME: 1, GLOBEX: 0}
        assert hello.server_time == process.clock.now()
        await ada.leave()

    run_virtually(story())


def test_a_commit_is_told_at_once_and_in_order() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process)
        await settle()
        began = asyncio.get_running_loop().time()
        await process.say(ACME, "alert", "incident", "timeline")
        await asyncio.sleep(0.001)
        assert ada.heard == ["alert", "incident", "timeline"]
        assert ada.ids == ["acme:1:0", "acme:1:1", "acme:1:2"]
        assert ada.at[-1] == began
        await ada.leave()

    run_virtually(story())


def test_nobody_is_told_of_another_company() -> None:
    async def story() -> None:
        process = Process()
        eve = await listen(process, EVE, [GLOBEX])
        ada = await listen(process, ADA, [ACME, GLOBEX])
        await process.say(ACME, "secret of Acme")
        await process.say(GLOBEX, "secret of Globex")
        await settle()
        assert eve.heard == ["secret of Globex"]
        assert ada.heard == ["secret of Acme", "secret of Globex"]
        await eve.leave()
        await ada.leave()

    run_virtually(story())


def test_a_cursor_opens_no_other_company() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "secret of Acme")
        eve = await listen(process, EVE, [GLOBEX], [Cursor(ACME, 0, 0)])
        await settle()
        assert eve.kinds == ["hello"]
        assert ACME not in eve.frames[0].data.__str__()
        await eve.leave()

    run_virtually(story())


def test_the_log_of_users_is_nobodys_to_hear() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process, ADA, [ACME, MSP])
        await process.say(MSP, "Rio has a new password")
        await settle()
        assert ada.kinds == ["hello"]
        await ada.leave()

    run_virtually(story())


def test_a_client_sees_no_internal_event_live_or_replayed() -> None:
    async def story() -> None:
        process = Process()
        vic = await listen(process, VIC)
        rio = await listen(process, RIO)
        await process.commit(ACME, fact("ours", internal=True), fact("for all"), fact("ours too", internal=True))
        await process.commit(ACME, fact("all ours", internal=True))
        await settle()
        assert (vic.heard, vic.ids) == (["for all"], ["acme:1:1"])
        assert rio.heard == ["ours", "for all", "ours too", "all ours"]
        again = await listen(process, VIC, after=[Cursor(ACME, 0, WHOLE_RECORD)])
        await settle()
        assert again.heard == ["for all"]
        for one in (vic, rio, again):
            await one.leave()

    run_virtually(story())


def test_who_may_not_read_live_is_refused() -> None:
    async def story() -> None:
        source = Actor(kind="source", id="zabbix", name="Zabbix")
        with pytest.raises(Forbidden):
            await Process().hub.subscribe(Scopes((ACME,), source))

    run_virtually(story())


@pytest.mark.parametrize("remembered", [True, False])
def test_a_reader_resumes_behind_its_last_event(*, remembered: bool) -> None:
    async def story() -> None:
        process = Process()
        witness = await listen(process) if remembered else None
        await process.say(ACME, "a", "b", "c")
        await process.say(ACME, "d")
        ada = await listen(process, after=[Cursor(ACME, 1, 0)])
        await process.say(ACME, "e")
        await settle()
        assert ada.heard == ["b", "c", "d", "e"]
        await ada.leave()
        if witness:
            await witness.leave()

    run_virtually(story())


def test_a_cursor_behind_a_whole_record_repeats_nothing_of_it() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "a", "b")
        cursor = read_cursor("acme:1:999999")
        assert cursor is not None
        ada = await listen(process, after=[cursor])
        await process.say(ACME, "c")
        await settle()
        assert ada.heard == ["c"]
        await ada.leave()

    run_virtually(story())


def test_a_long_replay_joins_the_present_without_gap_or_double() -> None:
    async def story() -> None:
        process = Process()
        for n in range(300):
            await process.say(ACME, str(n))
        ada = await listen(process, after=[Cursor(ACME, 0, WHOLE_RECORD)])

        async def go_on() -> None:
            for n in range(300, 400):
                await process.say(ACME, str(n))
                await asyncio.sleep(0)

        await go_on()
        await settle()
        assert ada.heard == [str(n) for n in range(400)]
        assert process.hub.resyncs == 0
        await ada.leave()

    run_virtually(story())


def test_a_cursor_whose_records_expired_gets_a_resync_and_then_the_present() -> None:
    async def story() -> None:
        process = Process()
        for n in range(10):
            await process.say(ACME, str(n))
        process.log.database.expire(ACME, 6)
        ada = await listen(process, after=[Cursor(ACME, 3, 0)])
        await settle()
        await process.say(ACME, "now")
        await settle()
        assert ada.kinds == ["hello", "resync", "timeline"]
        assert ada.ids == ["acme:10:999999", "acme:11:0"]
        assert (ada.heard, process.hub.resyncs) == (["now"], 1)
        await ada.leave()

    run_virtually(story())


def test_a_cursor_just_at_the_border_of_what_expired_is_still_good() -> None:
    async def story() -> None:
        process = Process()
        for n in range(10):
            await process.say(ACME, str(n))
        process.log.database.expire(ACME, 6)
        ada = await listen(process, after=[Cursor(ACME, 6, WHOLE_RECORD)])
        await settle()
        assert ada.heard == ["6", "7", "8", "9"]
        await ada.leave()

    run_virtually(story())


def test_a_cursor_of_another_database_gets_a_resync() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "a")
        ada = await listen(process, after=[Cursor(ACME, 77, 0)])
        await settle()
        assert ada.kinds == ["hello", "resync"]
        assert msgspec.json.decode(ada.frames[0].data, type=Hello).cursors == {ACME: 1}
        await ada.leave()

    run_virtually(story())


def test_a_reader_who_knows_more_than_this_process_waits_for_it_and_misses_nothing() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        there, here = Process(database), Process(database, deaf=True)
        witness = await listen(here)
        ada = await listen(there)
        await there.say(ACME, "a")
        await there.say(ACME, "b")
        await asyncio.sleep(0.1)
        cursor = read_cursor(ada.ids[-1])
        assert cursor == Cursor(ACME, 2, 0)
        await ada.leave()
        moved = await listen(here, after=[cursor])
        await asyncio.sleep(0.01)
        await here.say(ACME, "c")
        await settle()
        assert (moved.heard, witness.heard, here.hub.resyncs) == (["c"], ["a", "b", "c"], 0)
        for one in (moved, witness):
            await one.leave()

    run_virtually(story())


def test_who_is_too_far_behind_is_told_to_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "REPLAY_FRAMES", 100)

    async def story() -> None:
        process = Process()
        for n in range(400):
            await process.say(ACME, str(n))
        ada = await listen(process, after=[Cursor(ACME, 0, WHOLE_RECORD)])
        await settle()
        assert ada.kinds[-1] == "resync"
        assert 100 < len(ada.heard) < 200
        await process.say(ACME, "now")
        await settle()
        assert ada.heard[-1] == "now"
        await ada.leave()

    run_virtually(story())


def test_under_load_messages_are_coalesced_to_twenty_a_second() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process)
        await settle()
        for n in range(1000):
            await process.say(ACME, str(n))
            await asyncio.sleep(0.001)
        await settle()
        sent = ada.at[1:]
        assert ada.heard == [str(n) for n in range(1000)]
        assert 18 <= len(sent) <= 22
        assert min(later - earlier for earlier, later in pairwise(sent)) >= 0.05
        await ada.leave()

    run_virtually(story())


def test_a_quiet_company_is_told_at_once_beside_a_loud_one() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process, ADA, [ACME])
        eve = await listen(process, EVE, [GLOBEX])
        for n in range(10):
            await process.say(ACME, str(n))
            await asyncio.sleep(0.003)
        began = asyncio.get_running_loop().time()
        await process.say(GLOBEX, "first")
        await asyncio.sleep(0.0001)
        assert (eve.heard, eve.at[-1]) == (["first"], began)
        await ada.leave()
        await eve.leave()

    run_virtually(story())


def test_no_message_holds_more_than_two_hundred_frames() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process)
        await settle()
        for n in range(30):
            await process.say(ACME, *(f"{n}/{m}" for m in range(150)))
        await process.say(ACME, *(f"storm/{m}" for m in range(450)))
        await settle(5)
        assert len(ada.heard) == 30 * 150 + 450
        assert max(map(len, ada.messages)) <= 200
        assert process.hub.frames_sent == len(ada.heard)
        await ada.leave()

    run_virtually(story())


def test_without_batch_each_frame_is_a_message() -> None:
    async def story() -> None:
        process = Process()
        subscription = await process.hub.subscribe(Scopes((ACME,), ADA), batch=False)
        await subscription.next()
        await process.say(ACME, "a", "b")
        assert [message.text[:1] for message in await subscription.next()] == ["{", "{"]
        subscription.close()

    run_virtually(story())


def test_a_slow_reader_overflows_alone_and_resumes_without_a_gap() -> None:
    async def story() -> None:
        process = Process()
        slow = await listen(process)
        quick = await listen(process)
        await settle()
        slow.stall()
        long = "x" * 10_000
        for n in range(300):
            await process.say(ACME, f"{n} {long}")
            await asyncio.sleep(0.01)
        slow.holding.set()
        await settle()
        assert (slow.closed, quick.closed) == (1013, None)
        assert len(quick.heard) == 300
        assert process.hub.overflows == 1
        cursor = read_cursor(slow.ids[-1])
        assert cursor is not None
        await slow.leave()
        back = await listen(process, after=[cursor])
        await settle()
        assert slow.heard + back.heard == quick.heard
        for one in (quick, back):
            await one.leave()

    run_virtually(story())


def test_what_waits_for_a_stalled_reader_is_bounded() -> None:
    async def story() -> None:
        process = Process()
        slow = await listen(process)
        await settle()
        slow.stall()
        for n in range(3000):
            await process.say(ACME, f"{n} {'x' * 1000}")
            assert slow.subscription.waiting <= hub_module.QUEUE_SIZE
        assert slow.subscription.waiting == 0
        assert process.hub.overflows == 1
        await slow.leave()

    run_virtually(story())


def test_readers_at_the_same_place_share_one_text() -> None:
    async def story() -> None:
        process = Process()
        one = await process.hub.subscribe(Scopes((ACME,), ADA))
        other = await process.hub.subscribe(Scopes((ACME,), RIO))
        for subscription in (one, other):
            await subscription.next()
        await process.say(ACME, "a", "b")
        (mine,), (theirs,) = await one.next(), await other.next()
        assert mine is theirs
        one.close()
        other.close()

    run_virtually(story())


def test_a_company_that_comes_into_reach_is_read_from_a_resync_on() -> None:
    async def story() -> None:
        process = Process()
        ada = await listen(process)
        await process.say(GLOBEX, "before")
        await ada.subscription.add(Scopes((ACME, GLOBEX), ADA))
        await process.say(GLOBEX, "after")
        await settle()
        assert ada.kinds == ["hello", "resync", "timeline"]
        assert ada.ids == ["globex:1:999999", "globex:2:0"]
        await ada.leave()

    run_virtually(story())


def test_a_log_that_cannot_be_read_ends_the_replay_with_an_error_and_leaves_nothing_behind() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "a")
        subscription = await process.hub.subscribe(Scopes((ACME,), ADA), [Cursor(ACME, 0, WHOLE_RECORD)])
        await subscription.next()
        process.log.database.away = True
        with pytest.raises(Unavailable):
            await subscription.next()
        subscription.close()
        with pytest.raises(Unavailable):
            await process.hub.subscribe(Scopes((ACME, GLOBEX), ADA))
        process.log.database.away = False
        ada = await listen(process, after=[Cursor(ACME, 0, WHOLE_RECORD)])
        await settle()
        assert ada.heard == ["a"]
        await ada.leave()

    run_virtually(story())


def test_when_the_last_reader_leaves_nothing_runs_and_nothing_is_kept() -> None:
    async def story() -> None:
        process = Process()
        listeners = [await listen(process, companies=[ACME, GLOBEX]) for _ in range(3)]
        await settle()
        assert (process.hub.subscribers, process.log.listening) == (3, 1)
        for one in listeners:
            await one.leave()
        await settle()
        queries = process.log.queries
        await process.say(ACME, "to an empty room")
        await settle(60)
        assert (process.hub.subscribers, process.log.listening) == (0, 0)
        assert process.log.queries == queries + COMMIT_QUERIES

    run_virtually(story())
