"""Live sockets of the whole house: each of the cast hears what the API would show them, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from alertwhisperer.api.auth import SocketAuthenticator
from alertwhisperer.domain import client_view
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import Hub
from alertwhisperer.live.sockets import Sockets
from tests.live.doors import Connection
from tests.support.engines import Engine
from tests.support.office import Office

SECRET_NOTE = "the admin password was on the wall"


class Lobby:
    """The sockets of an office."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.feed = Feed(office.storage)
        hub = Hub(office.storage, self.feed, office.clock, client_view=client_view.event)
        guard = SocketAuthenticator(office.sessions, office.tickets)
        self.sockets = Sockets(hub, self.feed, office.storage, office.clock, guard)

    async def open(self, name: str, **query: object) -> Connection:
        """One of the cast at a socket, past its hello."""
        token = self.office.sessions.issue(self.office.people[name])
        return await self.open_with(token, **query)

    async def open_with(self, token: str, **query: object) -> Connection:
        """Whoever holds a token at a socket, past its hello."""
        headers = {"authorization": f"Bearer {token}"}
        connection = Connection(self.sockets, "/ws", {"batch": 1, **query}, headers, direct=True)
        await until(lambda: connection.texts != [] or connection.code is not None)
        return connection

    async def close(self) -> None:
        """Put everybody out."""
        await self.sockets.close()
        await self.feed.close()


@pytest.fixture
async def lobby(office: Office) -> AsyncIterator[Lobby]:
    made = Lobby(office)
    yield made
    await made.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def hears(connection: Connection, text: str) -> None:
    await until(lambda: text in "".join(connection.texts))


def types(connection: Connection) -> list[str]:
    return [frame.type for frame in connection.frames]


async def work(office: Office) -> None:
    """Everything that people do to incidents, by Rio, between two alerts."""
    first = await office.fire(office.acme, "db-01", signature="disk_full")
    other = await office.fire(office.acme, "db-02", signature="disk_full")
    steps: list[tuple[str, dict[str, Any]]] = [
        ("acknowledge", {}),
        ("assign", {"user_id": office.people["Rio"].id}),
        ("escalate", {"reason": SECRET_NOTE}),
        ("note", {"text": SECRET_NOTE}),
        ("title", {"title": "The disk of db-01"}),
        ("merge", {"into": other["incident_id"]}),
    ]
    async with office.client("Rio") as rio:
        for verb, body in steps:
            path = f"/api/incidents/{first['incident_id']}/{verb}"
            answer = await rio.post(path, json={"company_id": office.acme.id, **body})
            assert answer.status_code == 200, answer.text
        path = f"/api/incidents/{other['incident_id']}"
        split = {"company_id": office.acme.id, "alert_ids": [first["alert_id"]]}
        assert (await rio.post(f"{path}/split", json=split)).status_code == 200
        assert (await rio.post(f"{path}/resolve", json={"company_id": office.acme.id})).status_code == 200
    await office.fire(office.acme, "last")


async def test_each_hears_what_is_theirs_and_clients_hear_no_names(office: Office, lobby: Lobby) -> None:
    ears = {name: await lobby.open(name) for name in ("Ada", "Carl", "Rio", "Vic", "Eve")}
    await work(office)
    for name in ("Ada", "Carl", "Rio", "Vic"):
        await hears(ears[name], '"last"')
    said = {name: "".join(ear.texts) for name, ear in ears.items()}
    assert types(ears["Eve"]) == ["hello"]
    assert office.acme.id not in said["Eve"]
    assert types(ears["Ada"]) == types(ears["Carl"]) == types(ears["Rio"])
    assert SECRET_NOTE in said["Rio"]
    assert office.people["Rio"].id in said["Rio"]
    for name in ("Ada", "Carl", "Rio"):
        person = office.people[name]
        assert not {person.id, f'"{person.name}"', person.email} & set(said["Vic"].split('"'))
        assert person.id not in said["Vic"]
    assert SECRET_NOTE not in said["Vic"]
    assert {"incident_created", "incident_updated", "alert_received", "timeline"} <= set(types(ears["Vic"]))


async def test_a_replay_and_a_poll_tell_the_same_as_the_socket(office: Office, lobby: Lobby) -> None:
    start = f"{office.acme.id}:{(await office.storage.head(office.acme.id))[0]}:999999"
    for name in ("Rio", "Vic"):
        live = await lobby.open(name)
        await work(office)
        await hears(live, '"last"')
        again = await lobby.open(name, after=start)
        await hears(again, live.frames[-1].id)
        async with office.client(name) as caller:
            polled = (await caller.get("/api/events", params={"after": start, "limit": 1000})).json()
        heard = [frame.id for frame in live.frames[1:]]
        assert [frame.id for frame in again.frames[1:]][-len(heard) :] == heard
        assert [frame["id"] for frame in polled["frames"]] == [frame.id for frame in again.frames[1:]]
        start = f"{heard[-1].rsplit(':', 1)[0]}:999999"


@pytest.mark.parametrize("name", ["Carl", "Rio", "Vic"])
async def test_nobody_opens_another_company(office: Office, lobby: Lobby, name: str) -> None:
    refused = await lobby.open(name, company=office.globex.id)
    assert (refused.code, refused.texts) == (4403, [])
    listening = await lobby.open(name, after=f"{office.globex.id}:0:0")
    await office.fire(office.globex)
    await office.fire(office.acme, "ours")
    await hears(listening, "ours")
    assert office.globex.id not in "".join(listening.texts)


async def test_a_ticket_of_the_api_opens_one_socket(office: Office, lobby: Lobby) -> None:
    async with office.client("Rio") as rio:
        ticket = (await rio.post("/api/auth/tickets")).json()["ticket"]
    ends = [Connection(lobby.sockets, "/ws", {"ticket": ticket}, {}, direct=True) for _ in range(2)]
    await until(lambda: all(end.texts or end.code for end in ends))
    assert sorted((end.code or 0, len(end.texts)) for end in ends) == [(0, 1), (4401, 0)]


async def test_a_person_who_is_deactivated_is_put_out(office: Office, lobby: Lobby) -> None:
    rio, vic = await lobby.open("Rio"), await lobby.open("Vic")
    async with office.client("Ada") as ada:
        changed = await ada.patch(f"/api/users/{office.people['Rio'].id}", json={"active": False})
        assert changed.status_code == 200, changed.text
    await until(lambda: rio.code is not None)
    assert (rio.code, vic.code) == (4401, None)


async def test_ending_every_session_ends_the_sockets_too(office: Office, lobby: Lobby) -> None:
    rio = await lobby.open("Rio")
    async with office.client("Rio") as caller:
        await caller.post("/api/auth/logout", json={"everywhere": True})
    await until(lambda: rio.code is not None)
    assert rio.code == 4401


async def test_signing_out_ends_the_sockets_of_that_session_in_every_process(
    office: Office, lobby: Lobby, engine: Engine
) -> None:
    branch = Lobby(Office(await engine.open()))
    async with office.client("Rio") as caller:
        token = caller.headers["authorization"].removeprefix("Bearer ")
        other = await lobby.open("Rio")
        mine = [await lobby.open_with(token), await branch.open_with(token)]
        assert (await caller.post("/api/auth/logout")).status_code == 204
        await until(lambda: all(each.code is not None for each in mine))
    assert [each.code for each in mine] == [4401, 4401]
    late = await lobby.open_with(token)
    assert (late.code, late.texts, other.code) == (4401, [], None)
    await branch.close()


async def test_who_reads_assets_hears_that_one_was_deleted(office: Office, lobby: Lobby) -> None:
    ears = {name: await lobby.open(name) for name in ("Carl", "Vic", "Eve")}
    start = f"{office.acme.id}:{(await office.storage.head(office.acme.id))[0]}:999999"
    async with office.client("Rio") as rio:
        new = {"company_id": office.acme.id, "name": "db-09"}
        asset = (await rio.post("/api/assets", json=new)).json()
        gone = await rio.delete(f"/api/assets/{asset['id']}", params={"company_id": office.acme.id})
        assert gone.status_code == 204
        polled = (await rio.get("/api/events", params={"after": start})).json()["frames"]
    expected = {"id": asset["id"], "company_id": office.acme.id, "name": "db-09"}
    for name in ("Carl", "Vic"):
        await hears(ears[name], "asset_deleted")
        assert types(ears[name]) == ["hello", "asset_updated", "asset_deleted"]
        assert json.loads(ears[name].texts[-1])["data"] == expected
    assert (polled[-1]["type"], polled[-1]["data"]) == ("asset_deleted", expected)
    assert types(ears["Eve"]) == ["hello"]


async def test_a_company_founded_meanwhile_is_heard_by_who_sees_all(office: Office, lobby: Lobby) -> None:
    ada, rio = await lobby.open("Ada"), await lobby.open("Rio")
    async with office.client("Ada") as caller:
        founded = await caller.post("/api/companies", json={"name": "Initech"})
        assert founded.status_code == 201, founded.text
    company_id = founded.json()["company"]["id"]
    await until(lambda: "resync" in types(ada))
    assert company_id in "".join(ada.texts)
    assert company_id not in "".join(rio.texts)
