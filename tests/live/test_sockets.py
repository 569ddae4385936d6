"""Sockets: who is let in, who is put out, and what happens to those who stop listening."""

import asyncio

import pytest

from alertwhisperer.domain.change import Change, Put
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope
from alertwhisperer.domain.user import User
from tests.live.doors import LATER, SITE, House
from tests.live.stage import ACME, GLOBEX, RIO, VIC, fact, settle
from tests.support.virtual_loop import run_virtually

COOKIE = {"cookie": "theme=dark; aw_session=ada", "origin": SITE}


async def write_user(house: House, person_id: str) -> None:
    user = User(
        id=person_id,
        email=f"{person_id}@example.com",
        name=person_id,
        hashed_password="",
        role="technician",
        created_at=house.process.clock.now(),
    )
    log = house.process.log
    seq, _ = await log.head(MSP)
    await log.commit(Scope(MSP, SYSTEM), seq, Change(writes=(Put("users", user),)), commit_id="c", at=user.created_at)


def test_a_ticket_opens_the_companies_in_reach() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio", "batch": 1})
        await settle(0.1)
        await house.process.say(ACME, "a", "b")
        await house.process.say(GLOBEX, "not his")
        await settle(0.1)
        assert (rio.accepted, rio.heard, house.sockets.open) == (True, ["a", "b"], 1)
        assert len(rio.texts) == 2
        await rio.leave()
        assert (house.sockets.open, house.process.hub.subscribers) == (0, 0)

    run_virtually(story())


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ({}, {}, 4401),
        ({"ticket": "stranger"}, {}, 4401),
        ({}, {"authorization": "Bearer stranger"}, 4401),
        ({}, {"authorization": "Basic cmlvOnJpbw=="}, 4401),
        ({}, {"cookie": "aw_session=stranger", "origin": SITE}, 4401),
        ({}, {"cookie": "aw_session=ada", "origin": "https://evil.example.com"}, 4403),
        ({}, {"cookie": "aw_session=ada", "origin": "http://alerts.example.com"}, 4403),
        ({}, {"cookie": "aw_session=ada", "origin": "https://alerts.example.com:444"}, 4403),
        ({}, {"cookie": "aw_session=ada", "origin": "https://alerts.example.com.evil.com"}, 4403),
        ({}, {"cookie": "aw_session=ada", "origin": "null"}, 4403),
        ({}, {"cookie": "aw_session=ada"}, 4403),
        ({"ticket": "stranger"}, COOKIE, 4401),
        ({"ticket": "rio", "company": GLOBEX}, {}, 4403),
        ({"ticket": "rio", "company": [ACME, GLOBEX]}, {}, 4403),
        ({"ticket": "rio", "company": "no-such-company"}, {}, 4403),
        ({"ticket": "ada", "company": MSP}, {}, 4403),
    ],
)
def test_who_may_not_come_in_is_told_why_and_hears_nothing(
    query: dict[str, object], headers: dict[str, str], code: int
) -> None:
    async def story() -> None:
        house = House()
        connection = house.connect(query, headers)
        await connection.over
        assert (connection.accepted, connection.code, connection.texts) == (True, code, [])
        assert (house.sockets.refused, house.sockets.open, house.process.hub.subscribers) == (1, 0, 0)

    run_virtually(story())


def test_no_other_path_is_a_socket() -> None:
    async def story() -> None:
        house = House()
        for path in ("/", "/ws/", "/ws/remediation", "/api/ws"):
            connection = house.connect({"ticket": "ada"}, path=path)
            await connection.over
            assert (connection.accepted, connection.texts) == (False, [])
        assert house.porter.asked == []

    run_virtually(story())


@pytest.mark.parametrize(
    ("query", "headers", "kind"),
    [
        ({"ticket": "ada"}, {}, "ticket"),
        ({}, {"authorization": "bearer ada"}, "bearer"),
        ({}, COOKIE, "cookie"),
        ({}, {"cookie": "aw_session=ada", "origin": "https://ALERTS.example.com:443"}, "cookie"),
        ({}, {"cookie": "aw_session=ada", "origin": "https://front.example.org"}, "cookie"),
        ({"ticket": "ada"}, {"cookie": "aw_session=rio", "origin": "https://evil.example.com"}, "ticket"),
    ],
)
def test_each_credential_opens_a_socket(query: dict[str, object], headers: dict[str, str], kind: str) -> None:
    async def story() -> None:
        house = House(public_url="https://front.example.org/alerts")
        ada = house.connect(query, headers)
        await settle(0.1)
        assert (ada.code, len(ada.frames)) == (None, 1)
        assert [credential.kind for credential in house.porter.asked] == [kind]
        await ada.leave()

    run_virtually(story())


def test_a_socket_resumes_behind_the_events_it_names() -> None:
    async def story() -> None:
        house = House()
        for text in ("a", "b"):
            await house.process.say(ACME, text)
            await house.process.say(GLOBEX, text.upper())
        ada = house.connect({"ticket": "ada", "after": ["acme:1:0", "globex:0:999999", "rubbish", "acme:x:0"]})
        await settle(0.1)
        assert sorted(ada.heard) == ["A", "B", "b"]
        await ada.leave()

    run_virtually(story())


def test_a_client_hears_no_internal_event() -> None:
    async def story() -> None:
        house = House()
        vic = house.connect({"ticket": VIC.id})
        await settle(0.1)
        await house.process.commit(ACME, fact("the database was ours to blame", internal=True), fact("resolved"))
        await settle(0.1)
        assert vic.heard == ["resolved"]
        await vic.leave()

    run_virtually(story())


def test_ping_is_answered_and_asked() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(0.1)
        rio.say("ping")
        await settle(0.1)
        assert rio.words == ["pong"]
        for _ in range(4):
            await settle(31)
            rio.say("pong")
        assert rio.words == ["pong"] + ["ping"] * 4
        assert rio.code is None
        await rio.leave()

    run_virtually(story())


def test_pings_of_a_client_that_reads_nothing_pile_up_no_answers() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(0.1)
        rio.reading.clear()
        for _ in range(1000):
            rio.say("ping")
        await settle(0.1)
        rio.reading.set()
        await settle(0.1)
        assert 1 <= len(rio.words) <= 2
        await rio.leave()

    run_virtually(story())


def test_a_client_silent_for_ninety_seconds_is_dropped() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(89)
        assert (rio.dropped, house.sockets.open) == (False, 1)
        await settle(3)
        assert (rio.dropped, house.sockets.open, house.sockets.silent) == (True, 0, 1)
        assert house.process.hub.subscribers == 0

    run_virtually(story())


def test_a_send_without_progress_for_ten_seconds_is_cut_and_delays_nobody() -> None:
    async def story() -> None:
        house = House()
        stalled = house.connect({"ticket": "rio"})
        ada = house.connect({"ticket": "ada"})
        await settle(0.1)
        stalled.reading.clear()
        for n in range(100):
            began = asyncio.get_running_loop().time()
            await house.process.say(ACME, str(n))
            await settle(0.09)
            assert ada.heard[-1] == str(n)
            assert asyncio.get_running_loop().time() - began < 0.1
        assert house.sockets.stalled == 0
        await settle(3)
        assert (stalled.dropped, house.sockets.stalled, house.sockets.open) == (True, 1, 1)
        await ada.leave()

    run_virtually(story())


def test_an_overflow_closes_with_1013() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(0.1)
        rio.reading.clear()
        for n in range(250):
            await house.process.say(ACME, f"{n}{'x' * 10_000}")
        rio.reading.set()
        await settle(0.1)
        assert (rio.code, house.process.hub.overflows, house.sockets.stalled) == (1013, 1, 0)

    run_virtually(story())


def test_a_deactivated_user_is_put_out_at_once() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        ada = house.connect({"ticket": "ada"})
        await settle(0.5)
        house.porter.dismiss(RIO.id)
        await write_user(house, RIO.id)
        await settle(0.1)
        assert (rio.code, ada.code) == (4401, None)
        assert house.porter.renewed == [RIO.id]
        await ada.leave()

    run_virtually(story())


def test_a_session_revoked_without_a_word_ends_at_the_next_ping() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(1)
        house.porter.dismiss(RIO.id)
        await settle(31)
        assert rio.code == 4401

    run_virtually(story())


def test_a_session_ends_when_it_expires() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(1)
        house.process.clock.move_to(LATER)
        await settle(1.1)
        assert rio.code == 4401

    run_virtually(story())


def test_who_loses_a_company_comes_again_and_hears_no_more_of_it() -> None:
    async def story() -> None:
        house = House()
        ada = house.connect({"ticket": "ada"})
        await settle(0.5)
        house.porter.reach("ada", ACME)
        await write_user(house, "ada")
        await settle(0.1)
        await house.process.say(GLOBEX, "no longer hers")
        await settle(0.1)
        assert (ada.code, ada.heard) == (1012, [])

    run_virtually(story())


def test_a_company_born_meanwhile_joins_the_stream_of_who_reads_all() -> None:
    async def story() -> None:
        house = House()
        everything = house.connect({"ticket": "ada"})
        only_acme = house.connect({"ticket": "ada", "company": ACME})
        await settle(0.5)
        house.porter.reach("ada", ACME, GLOBEX, "newco")
        await house.process.say("newco", "born")
        await settle(0.1)
        await house.process.say("newco", "first alert")
        await settle(0.1)
        assert [frame.type for frame in everything.frames] == ["hello", "resync", "timeline"]
        assert everything.heard == ["first alert"]
        assert only_acme.heard == []
        for connection in (everything, only_acme):
            await connection.leave()

    run_virtually(story())


def test_a_session_that_cannot_be_looked_at_goes_on_until_it_can() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(1)
        house.porter.away = True
        await settle(31)
        rio.say("pong")
        assert rio.code is None
        house.porter.away = False
        house.porter.dismiss(RIO.id)
        await settle(31)
        assert rio.code == 4401

    run_virtually(story())


def test_sockets_close_when_the_server_goes_away() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        stalled = house.connect({"ticket": "ada"})
        await settle(0.1)
        stalled.reading.clear()
        await house.process.say(ACME, "a")
        await settle(0.1)
        await house.sockets.close()
        await settle(0.1)
        assert (rio.code, stalled.dropped, house.sockets.open) == (1012, True, 0)

    run_virtually(story())


def test_without_sockets_nothing_runs() -> None:
    async def story() -> None:
        house = House()
        rio = house.connect({"ticket": "rio"})
        await settle(1)
        await rio.leave()
        await settle(2)
        queries = house.process.log.queries
        await settle(120)
        assert house.process.log.queries == queries
        assert house.process.log.listening == 0
        assert len(asyncio.all_tasks()) == 1

    run_virtually(story())
