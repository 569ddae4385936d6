"""Sockets with real sessions: who gets in, and what each of the cast is told of Acme."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from alertwhisperer.api.auth import SocketAuthenticator
from alertwhisperer.domain import client_view
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import Hub
from alertwhisperer.live.sockets import Sockets
from tests.live.doors import Connection
from tests.support.office import Office


@pytest.fixture
async def sockets(office: Office) -> AsyncIterator[Sockets]:
    feed = Feed(office.storage)
    hub = Hub(office.storage, feed, office.clock, client_view=client_view.event)
    authenticator = SocketAuthenticator(office.sessions, office.tickets)
    made = Sockets(hub, feed, office.storage, office.clock, authenticator)
    yield made
    await made.close()
    await feed.close()


def connect(sockets: Sockets, token: str | None, **query: object) -> Connection:
    headers: dict[str, object] = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Connection(sockets, query, headers, direct=False)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


def types(connection: Connection) -> set[str]:
    return {each.type for each in connection.frames}


async def test_each_is_told_their_own_companies_alerts(office: Office, sockets: Sockets) -> None:
    people = {name: connect(sockets, office.sessions.issue(office.people[name])) for name in office.people}
    await until(lambda: all("hello" in types(each) for each in people.values()))
    await office.fire(office.acme, "acme-db")
    await office.fire(office.globex, "globex-db")
    await until(lambda: all("incident_created" in types(each) for each in people.values()))
    await until(lambda: "globex-db" in "".join(people["Ada"].texts))
    for name in ("Carl", "Rio", "Vic"):
        assert "acme-db" in "".join(people[name].texts)
        assert "globex" not in "".join(people[name].texts)
    assert "globex-db" in "".join(people["Eve"].texts)
    assert "acme" not in "".join(people["Eve"].texts)


async def test_eve_cannot_ask_for_acme(office: Office, sockets: Sockets) -> None:
    eve = connect(sockets, office.sessions.issue(office.people["Eve"]), company=office.acme.id)
    await until(lambda: eve.code)
    assert (eve.code, eve.frames) == (4403, [])


@pytest.mark.parametrize("token", [None, "no token"])
async def test_nobody_gets_in(office: Office, sockets: Sockets, token: str | None) -> None:
    nobody = connect(sockets, token)
    await until(lambda: nobody.code)
    assert (nobody.code, nobody.frames) == (4401, [])


async def test_a_ticket_opens_one_socket(office: Office, sockets: Sockets) -> None:
    async with office.client("Rio") as rio:
        ticket = (await rio.post("/api/auth/tickets")).json()["ticket"]
    first = connect(sockets, None, ticket=ticket)
    await until(lambda: "hello" in types(first))
    second = connect(sockets, None, ticket=ticket)
    await until(lambda: second.code)
    assert second.code == 4401


async def test_a_client_hears_neither_notes_nor_names(office: Office, sockets: Sockets) -> None:
    vic = connect(sockets, office.sessions.issue(office.people["Vic"]))
    carl = connect(sockets, office.sessions.issue(office.people["Carl"]))
    await until(lambda: "hello" in types(vic) and "hello" in types(carl))
    fired = await office.fire(office.acme)
    body = {"company_id": office.acme.id}
    async with office.client("Rio") as rio:
        path = f"/api/incidents/{fired['incident_id']}"
        await rio.post(f"{path}/note", json={**body, "text": "Vic is a fool"})
        await rio.post(f"{path}/assign", json={**body, "user_id": office.people["Rio"].id})
        await rio.post(f"{path}/resolve", json={**body, "notes": "Freed the disk"})
    await until(lambda: all("Freed the disk" in "".join(each.texts) for each in (vic, carl)))
    assert "Vic is a fool" in "".join(carl.texts)
    for hidden in ("fool", "Rio", office.people["Rio"].id):
        assert hidden not in "".join(vic.texts)


async def test_ending_every_session_ends_the_sockets_too(office: Office, sockets: Sockets) -> None:
    rio = connect(sockets, office.sessions.issue(office.people["Rio"]))
    await until(lambda: "hello" in types(rio))
    async with office.client("Rio") as caller:
        await caller.post("/api/auth/logout", json={"everywhere": True})
    await until(lambda: rio.code)
    assert rio.code == 4401
