"""The feed: every record once and in order, whoever committed it, and no reading for nobody."""

import asyncio
from dataclasses import dataclass, field

import pytest

from alertwhisperer.domain.event import Record
from alertwhisperer.live import feed as feed_module
from tests.live.stage import ACME, GLOBEX, Process, settle
from tests.support.memory_log import MemoryDatabase
from tests.support.virtual_loop import run_virtually


@dataclass
class Notes:
    """A reader that notes what it is told, and when."""

    seqs: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def tell(self, record: Record) -> None:
        self.seqs.append(record.seq)
        self.at.append(asyncio.get_running_loop().time())

    def skip(self, seq: int) -> None:
        self.skipped.append(seq)


def test_own_commits_are_told_without_reading_the_log() -> None:
    async def story() -> None:
        process = Process(deaf=True)
        notes = Notes()
        assert await process.feed.follow(ACME, notes) == 0
        for _ in range(20):
            await process.say(ACME, "a")
        assert (notes.seqs, process.feed.reads) == (list(range(1, 21)), 0)
        await process.feed.close()

    run_virtually(story())


def test_commits_of_other_processes_are_told_when_the_doorbell_rings() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database), Process(database)
        notes = Notes()
        await there.say(ACME, "before")
        assert await here.feed.follow(ACME, notes) == 1
        await settle(0.5)
        began = asyncio.get_running_loop().time()
        await there.say(ACME, "a")
        await there.say(ACME, "b")
        await settle(0.5)
        assert notes.seqs == [2, 3]
        assert notes.at[-1] - began < 0.02
        await here.feed.close()

    run_virtually(story())


def test_without_a_doorbell_the_log_is_polled() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database, deaf=True), Process(database)
        notes = Notes()
        await here.feed.follow(ACME, notes)
        await settle(0.1)
        await there.say(ACME, "a")
        await settle(feed_module.POLL_SECONDS + 0.1)
        assert notes.seqs == [1]
        await here.feed.close()

    run_virtually(story())


def test_commits_of_several_processes_mix_without_a_gap_or_a_double() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database), Process(database)
        notes, others = Notes(), Notes()
        await here.feed.follow(ACME, notes)
        await there.feed.follow(ACME, others)
        for n in range(300):
            await (here if n % 3 else there).say(ACME, str(n))
            if n % 7 == 0:
                await asyncio.sleep(0.004)
        await settle(1)
        assert notes.seqs == others.seqs == list(range(1, 301))
        for process in (here, there):
            await process.feed.close()

    run_virtually(story())


def test_a_commit_during_the_start_is_not_lost() -> None:
    async def story() -> None:
        process = Process()
        await process.say(ACME, "a")
        notes = Notes()
        following = asyncio.create_task(process.feed.follow(ACME, notes))
        await asyncio.sleep(0)
        await process.say(ACME, "b")
        head = await following
        await process.say(ACME, "c")
        await settle(0.2)
        assert notes.seqs == list(range(head + 1, 4))
        await process.feed.close()

    run_virtually(story())


def test_a_gap_is_read_again_before_it_is_given_up() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database, deaf=True), Process(database)
        notes = Notes()
        await here.feed.follow(ACME, notes)
        for n in range(5):
            await there.say(ACME, str(n))
        database.hide(ACME, 3)
        await settle(0.01)
        await here.feed.refresh(ACME)
        assert notes.seqs == [1, 2]
        database.show(ACME, 3)
        await settle(0.2)
        assert (notes.seqs, notes.skipped) == ([1, 2, 3, 4, 5], [])
        await here.feed.close()

    run_virtually(story())


def test_records_that_expired_unread_are_said_to_be_skipped() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database, deaf=True), Process(database)
        notes = Notes()
        await here.feed.follow(ACME, notes)
        await settle(0.1)
        for n in range(5):
            await there.say(ACME, str(n))
        database.expire(ACME, 3)
        await settle(4)
        assert (notes.seqs, notes.skipped, here.feed.expired) == ([4, 5], [3], 1)
        await here.feed.close()

    run_virtually(story())


def test_a_database_that_was_away_is_read_again_and_the_failure_is_counted() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database), Process(database)
        notes = Notes()
        await here.feed.follow(ACME, notes)
        await settle(0.1)
        await there.say(ACME, "a")
        database.away = True
        await settle(10)
        assert (notes.seqs, here.feed.failures > 0) == ([], True)
        database.away = False
        await settle(3)
        assert notes.seqs == [1]
        await here.feed.close()

    run_virtually(story())


def test_a_burst_of_rings_does_not_become_a_query_each() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database), Process(database)
        notes = Notes()
        await here.feed.follow(ACME, notes)
        for n in range(1000):
            await there.say(ACME, str(n))
            await asyncio.sleep(0.001)
        await settle(0.1)
        assert len(notes.seqs) == 1000
        assert here.feed.reads < 150
        await here.feed.close()

    run_virtually(story())


def test_a_log_has_one_reader_and_an_empty_feed_rests() -> None:
    async def story() -> None:
        process = Process()
        await process.feed.follow(ACME, Notes())
        await process.feed.follow(GLOBEX, Notes())
        with pytest.raises(ValueError, match="already followed"):
            await process.feed.follow(ACME, Notes())
        process.feed.leave(ACME)
        await settle(0.1)
        assert process.log.listening == 1
        process.feed.leave(GLOBEX)
        await settle(0.1)
        assert (process.log.listening, len(asyncio.all_tasks())) == (0, 1)

    run_virtually(story())


def test_many_quiet_logs_are_not_read_for_one_that_grows() -> None:
    async def story() -> None:
        database = MemoryDatabase()
        here, there = Process(database), Process(database)
        notes = {f"company-{n}": Notes() for n in range(50)}
        for company_id, reader in notes.items():
            await here.feed.follow(company_id, reader)
        await settle(0.1)
        reads = here.feed.reads
        for _ in range(10):
            await there.say("company-7", "a")
            await settle(0.2)
        assert notes["company-7"].seqs == list(range(1, 11))
        assert here.feed.reads - reads == 10
        await here.feed.close()

    run_virtually(story())


def test_own_load_does_not_keep_the_feed_reading() -> None:
    async def story() -> None:
        process = Process()
        notes = Notes()
        await process.feed.follow(ACME, notes)
        for n in range(1000):
            await process.say(ACME, str(n))
            await asyncio.sleep(0.001)
        assert len(notes.seqs) == 1000
        assert process.feed.reads < 20
        await process.feed.close()

    run_virtually(story())
