"""Signing in and staying signed in."""

import httpx
import pytest
from msgspec.structs import replace

from alertwhisperer.api.auth import SocketAuthenticator
from alertwhisperer.domain.audit import AuditEntry
from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import Unauthenticated
from alertwhisperer.domain.instant import moment
from alertwhisperer.domain.scope import MSP
from alertwhisperer.domain.user import ENDED_AT_MOST, User
from alertwhisperer.live.admission import Credential
from tests.support.engines import Engine
from tests.support.office import ORIGIN, PASSWORD, Office

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")

RIO = {"email": "rio@example.com", "password": PASSWORD}
HOME = {"Origin": ORIGIN}


async def sign_in(caller: httpx.AsyncClient, **changed: object) -> httpx.Response:
    return await caller.post("/api/auth/login", json={**RIO, **changed}, headers=HOME)


async def test_rio_signs_in_and_is_told_who_he_is(office: Office) -> None:
    async with office.client() as caller:
        answer = await sign_in(caller, email=" RIO@example.com")
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "bearer"
        assert answer.json()["user"]["role"] == "technician"
        assert "set-cookie" not in answer.headers
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        me = (await caller.get("/api/auth/me", headers=headers)).json()
    assert me["user"]["name"] == "Rio"
    assert me["companies"] == [{"id": office.acme.id, "name": "Acme"}]
    assert "incident.acknowledge" in me["verbs"]
    assert "company.create" not in me["verbs"]
    assert (me["version"], me["live_transport"]) == ("1.2.3", "auto")
    assert me["server_time"] == office.clock.now()


async def test_a_wrong_password_and_an_unknown_address_sound_alike(office: Office) -> None:
    async with office.client() as caller:
        wrong = await sign_in(caller, password="not this one")
        unknown = await sign_in(caller, email="nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_an_unknown_address_costs_a_hash_too(office: Office) -> None:
    async with office.client() as caller:
        await sign_in(caller, email="nobody@example.com")
        await sign_in(caller)
    assert office.passwords.asked == [None, office.people["Rio"].hashed_password]


async def test_five_wrong_tries_are_enough_for_a_while(office: Office) -> None:
    async with office.client() as caller:
        for _ in range(5):
            assert (await sign_in(caller, password="not this one")).status_code == 401
        refused = await sign_in(caller)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 300
        assert (await sign_in(caller, email="carl@example.com")).status_code == 200
        office.clock.advance(301)
        assert (await sign_in(caller)).status_code == 200


async def test_one_address_of_the_network_cannot_try_everybody(office: Office) -> None:
    async with office.client() as caller:
        tried = [(await sign_in(caller, email=f"p{n}@example.com")).status_code for n in range(31)]
    assert tried == [401] * 30 + [429]


async def test_tries_are_in_the_audit_log_without_what_was_typed(office: Office) -> None:
    async with office.client() as caller:
        await sign_in(caller, email="hunter2@secret.example")
        await sign_in(caller)
    entries = await office.storage.select(AuditEntry, {"company_id": MSP}, limit=2)
    assert [(each.action, each.user_name) for each in entries] == [("user.login", "Rio"), ("user.login_refused", "")]
    assert "hunter2" not in str(entries)


async def test_a_browser_gets_a_cookie_that_scripts_cannot_read(office: Office) -> None:
    async with office.client() as caller:
        answer = await sign_in(caller, cookie=True)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert (await caller.get("/api/auth/me")).status_code == 200


async def test_behind_https_the_cookie_is_secure(engine: Engine) -> None:
    office = Office(await engine.open(), public_url="https://alerts.example.com")
    await office.open()
    async with office.client() as caller:
        sent = {"Origin": "https://alerts.example.com"}
        answer = await caller.post("/api/auth/login", json={**RIO, "cookie": True}, headers=sent)
    assert "Secure" in answer.headers["set-cookie"]
    await office.close()


@pytest.mark.parametrize("origin", ["http://evil.test", "https://house.test", "http://house.test:81", "null", None])
async def test_another_sites_page_cannot_use_the_cookie(office: Office, origin: str | None) -> None:
    async with office.client() as caller:
        await sign_in(caller, cookie=True)
        headers = {} if origin is None else {"Origin": origin}
        refused = await caller.post("/api/auth/tickets", headers=headers)
        assert refused.status_code == 403
        assert (await caller.post("/api/auth/tickets", headers=HOME)).status_code == 200
        assert (await caller.post("/api/auth/login", json={**RIO, "cookie": True}, headers=headers)).status_code == 403


async def test_logging_out_takes_the_cookie_away_and_ends_what_it_held(office: Office) -> None:
    async with office.client() as caller, office.client() as thief:
        await sign_in(caller, cookie=True)
        thief.cookies = httpx.Cookies(caller.cookies)
        assert (await thief.get("/api/auth/me")).status_code == 200
        assert (await caller.post("/api/auth/logout", headers=HOME)).status_code == 204
        assert "aw_session" not in caller.cookies
        assert (await caller.get("/api/auth/me")).status_code == 401
        assert (await thief.get("/api/auth/me")).status_code == 401


async def test_logging_out_ends_a_bearer_token_and_no_other(office: Office) -> None:
    async with office.client("Rio") as phone, office.client("Rio") as desk:
        assert (await phone.post("/api/auth/logout")).status_code == 204
        gone = await phone.get("/api/auth/me")
        assert (gone.status_code, gone.headers["www-authenticate"]) == (401, "Bearer")
        assert (await phone.post("/api/auth/logout")).status_code == 401
        assert (await desk.get("/api/auth/me")).status_code == 200


async def test_a_ticket_dies_with_the_session_that_asked_for_it(office: Office) -> None:
    async with office.client("Rio") as rio:
        ticket = (await rio.post("/api/auth/tickets")).json()["ticket"]
        await rio.post("/api/auth/logout")
    with pytest.raises(Unauthenticated):
        await SocketAuthenticator(office.sessions, office.tickets).authenticate(Credential("ticket", ticket))


async def test_logging_out_is_heeded_by_another_process_at_once(office: Office, engine: Engine) -> None:
    branch = Office(await engine.open())
    async with office.client("Rio") as here, office.client("Rio") as desk:
        token = here.headers["authorization"]
        async with branch.client(headers={"Authorization": token}) as there:
            assert (await there.get("/api/auth/me")).status_code == 200
            assert (await here.post("/api/auth/logout")).status_code == 204
            assert (await there.get("/api/auth/me")).status_code == 401
        # What the other process remembers of users is not what it signs out on.
        async with branch.client(headers={"Authorization": desk.headers["authorization"]}) as there:
            assert (await there.post("/api/auth/logout")).status_code == 204
        assert (await here.get("/api/auth/me")).status_code == 401
        assert (await desk.get("/api/auth/me")).status_code == 401
    await branch.close()


async def test_a_session_that_ended_is_forgotten_once_its_token_has_expired(office: Office) -> None:
    async def ended() -> dict[str, int]:
        stored = await office.storage.get(User, (office.people["Rio"].id,))
        assert stored is not None
        return stored.ended_sessions

    for kept in (1, 2):
        async with office.client("Rio") as rio:
            await rio.post("/api/auth/logout")
        assert len(await ended()) == kept
    office.clock.advance(12 * 3600)
    async with office.client("Rio") as rio:
        await rio.post("/api/auth/logout")
    office.clock.advance(12 * 3600)
    product = office.scope(MSP)
    await office.sessions.sweep(product)
    assert len(await ended()) == 1
    head = await office.storage.head(MSP)
    await office.sessions.sweep(product)
    assert await office.storage.head(MSP) == head
    office.clock.advance(12 * 3600)
    async with office.client("Rio") as rio:
        await rio.post("/api/auth/logout")
    assert len(await ended()) == 1


async def test_whoever_signs_out_without_end_ends_all_sessions_at_last(office: Office) -> None:
    rio = office.people["Rio"]
    until = int(moment(office.clock.now()).timestamp()) + 3600
    full = replace(rio, ended_sessions={f"session-{n}": until for n in range(ENDED_AT_MOST)})
    await office.storage.store([Put("users", full)])
    async with office.client("Rio") as phone, office.client("Rio") as desk:
        assert (await phone.post("/api/auth/logout")).status_code == 204
        assert (await desk.get("/api/auth/me")).status_code == 401
    stored = await office.storage.get(User, (rio.id,))
    assert stored is not None
    assert stored.ended_sessions == {}


async def test_signing_out_is_in_the_audit_log(office: Office) -> None:
    async with office.client("Rio") as rio:
        await rio.post("/api/auth/logout")
    entries = await office.storage.select(AuditEntry, {"company_id": MSP}, limit=1)
    assert [(each.action, each.user_name) for each in entries] == [("user.logout", "Rio")]


async def test_logging_out_everywhere_ends_every_session(office: Office) -> None:
    async with office.client("Rio") as phone, office.client("Rio") as desk:
        assert (await phone.post("/api/auth/logout", json={"everywhere": True})).status_code == 204
        assert (await desk.get("/api/auth/me")).status_code == 401


async def test_a_session_ends_with_its_day(office: Office) -> None:
    async with office.client("Rio") as rio:
        office.clock.advance(24 * 3600 - 1)
        assert (await rio.get("/api/auth/me")).status_code == 200
        office.clock.advance(1)
        expired = await rio.get("/api/auth/me")
    assert expired.status_code == 401
    assert expired.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."])
async def test_a_token_that_we_did_not_sign_is_none(office: Office, token: str) -> None:
    async with office.client(headers={"Authorization": f"Bearer {token}"}) as caller:
        assert (await caller.get("/api/auth/me")).status_code == 401


async def test_a_new_password_ends_other_sessions_but_keeps_the_browsers_own(office: Office) -> None:
    change = {"current_password": PASSWORD, "new_password": "a much better one"}
    async with office.client() as browser, office.client("Rio") as tool:
        await sign_in(browser, cookie=True)
        assert (await browser.post("/api/auth/password", json=change, headers=HOME)).status_code == 204
        assert (await browser.get("/api/auth/me")).status_code == 200
        assert (await tool.get("/api/auth/me")).status_code == 401
        assert (await sign_in(browser)).status_code == 401
        assert (await sign_in(browser, password="a much better one")).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong", "new_password": "long enough for all"}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "rio@example.com"}, "new_password"),
        ({"current_password": PASSWORD}, "new_password"),
    ],
)
async def test_a_poor_new_password_is_refused(office: Office, change: dict[str, str], field: str) -> None:
    async with office.client("Rio") as rio:
        refused = await rio.post("/api/auth/password", json=change)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_a_ticket_is_redeemed_for_its_session(office: Office) -> None:
    async with office.client("Rio") as rio:
        ticket = (await rio.post("/api/auth/tickets")).json()["ticket"]
    assert office.people["Rio"].id in await office.tickets.redeem(ticket)
