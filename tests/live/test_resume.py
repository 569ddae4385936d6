"""Whatever happens to commits and connections: each reader hears everything that is theirs once, in order.

Hypothesis plays commits in two processes, readers who come, stall, vanish and resume, records that expire and
doorbells that nobody hears. The judge knows only what was committed and what each reader noted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertwhisperer.domain.event import Cursor, Frame, Record, read_cursor
from alertwhisperer.domain.scope import Actor, Scopes
from alertwhisperer.live.parcels import WHOLE_RECORD, Hello
from tests.live.stage import ACME, ADA, GLOBEX, RIO, VIC, Listener, Process, fact, listen, settle
from tests.support.memory_log import MemoryDatabase
from tests.support.virtual_loop import run_virtually

COMPANIES = {ADA: (ACME, GLOBEX), RIO: (ACME,), VIC: (GLOBEX,)}
PEOPLE = tuple(COMPANIES)


@dataclass
class Commit:
    process: int
    company: str
    events: list[bool]


@dataclass
class Come:
    person: int
    process: int


@dataclass
class Vanish:
    person: int


@dataclass
class Stall:
    person: int


@dataclass
class Expire:
    company: str
    keep: int


@dataclass
class Wait:
    seconds: float


Step = Commit | Come | Vanish | Stall | Expire | Wait
people = st.integers(0, len(PEOPLE) - 1)
companies = st.sampled_from((ACME, GLOBEX))
commits = st.builds(Commit, st.integers(0, 1), companies, st.lists(st.booleans(), max_size=4))
steps: st.SearchStrategy[Step] = st.one_of(
    commits,
    commits,
    commits,
    st.builds(Come, people, st.integers(0, 1)),
    st.builds(Vanish, people),
    st.builds(Stall, people),
    st.builds(Expire, companies, st.integers(0, 5)),
    st.builds(Wait, st.sampled_from([0.0, 0.001, 0.06, 2.5])),
)


@dataclass
class Reader:
    """One person over all their connections. `place`: where their notes of each company stand."""

    actor: Actor
    place: dict[str, tuple[int, int]] = field(default_factory=dict)
    missed_to: dict[str, int] = field(default_factory=dict)
    heard: dict[str, list[str]] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    listener: Listener | None = None

    def cursors(self) -> list[Cursor]:
        return [Cursor(company_id, *place) for company_id, place in self.place.items()]

    def note(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if frame.type == "hello":
                for company_id, seq in msgspec.json.decode(frame.data, type=Hello).cursors.items():
                    self.place.setdefault(company_id, (seq, WHOLE_RECORD))
                    self.begins.setdefault(company_id, seq)
                continue
            cursor = read_cursor(frame.id)
            assert cursor is not None
            assert (cursor.seq, cursor.n) > self.place[cursor.company_id] or frame.type == "resync"
            self.place[cursor.company_id] = (cursor.seq, cursor.n)
            if frame.type == "resync":
                self.missed_to[cursor.company_id] = cursor.seq
                self.heard[cursor.company_id] = []
                self.begins[cursor.company_id] = cursor.seq
            else:
                self.heard.setdefault(cursor.company_id, []).append(frame.id)

    async def hang_up(self) -> None:
        if self.listener is not None:
            await self.listener.leave()
            self.note(self.listener.frames)
            self.listener = None

    def expected(self, company_id: str, log: Sequence[Record]) -> list[str]:
        begin = self.begins[company_id]
        return [
            f"{company_id}:{record.seq}:{n}"
            for record in log
            if record.seq > begin
            for n, event in enumerate(record.events)
            if not (event.internal and self.actor == VIC)
        ]


class Play:
    """The stage on which the steps happen."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.processes = (Process(self.database), Process(self.database, deaf=True))
        self.readers = [Reader(actor) for actor in PEOPLE]
        self.expired = False

    async def do(self, step: Step) -> None:
        match step:
            case Commit(process, company, events):
                told = [fact(str(n), internal=internal) for n, internal in enumerate(events)]
                await self.processes[process].commit(company, *told)
            case Come(person, process):
                await self.come(self.readers[person], self.processes[process])
            case Vanish(person):
                await self.readers[person].hang_up()
            case Stall(person):
                listener = self.readers[person].listener
                if listener is not None:
                    listener.stall()
            case Expire(company, keep):
                self.expired = True
                self.database.expire(company, len(self.database.logs[company]) - keep)
            case Wait(seconds):
                await settle(seconds)

    async def come(self, reader: Reader, process: Process) -> None:
        await reader.hang_up()
        reader.listener = await listen(process, reader.actor, COMPANIES[reader.actor], reader.cursors())

    async def end(self) -> None:
        for reader in self.readers:
            if reader.listener is not None or reader.begins:
                await self.come(reader, self.processes[0])
        await settle(5)
        for reader in self.readers:
            await reader.hang_up()
        await settle()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=60))
def test_each_reader_hears_all_that_is_theirs_once_and_in_order(script: list[Step]) -> None:
    async def story() -> None:
        play = Play()
        for step in script:
            await play.do(step)
        await play.end()
        for reader in play.readers:
            for company_id in reader.begins:
                log = play.database.logs[company_id]
                assert reader.heard.get(company_id, []) == reader.expected(company_id, log)
            assert play.expired or not reader.missed_to
            assert set(reader.begins) <= set(COMPANIES[reader.actor])
        for process in play.processes:
            assert (process.hub.subscribers, process.log.listening) == (0, 0)

    run_virtually(story())


def test_a_crowd_that_comes_back_at_once_hears_the_same() -> None:
    async def story() -> None:
        process = Process()
        for n in range(200):
            await process.say(ACME, str(n))
        subscriptions = [
            await process.hub.subscribe(Scopes((ACME,), RIO), [Cursor(ACME, n, WHOLE_RECORD)]) for n in range(150)
        ]
        crowd = [Listener(subscription) for subscription in subscriptions]
        await process.say(ACME, "200")
        await settle(2)
        for n, one in enumerate(crowd):
            assert one.heard == [str(m) for m in range(n, 201)]
            await one.leave()

    run_virtually(story())
