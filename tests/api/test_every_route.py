"""Walks the route table: who may use each route, and that nothing of one company is ever seen from another.

A new route is covered as soon as it is declared; a new kind of body needs a sample in `samples.py`.
"""

from collections.abc import Iterable

import httpx
import pytest

from alertwhisperer.api.codec import PUBLIC, SIGNED_IN, Contract
from alertwhisperer.api.site import contracts
from alertwhisperer.domain.company import Company
from alertwhisperer.domain.user import VERBS, User, may
from tests.api.samples import Things, body_of, path_of, query_of, things_of
from tests.support.office import Office

TABLE = contracts()
GUARDED = [each for each in TABLE if each.verb != PUBLIC]
BY_VERB = [each for each in GUARDED if each.verb != SIGNED_IN]
PEOPLE = ("Vic", "Rio", "Carl", "Ada")
DONE = (200, 201, 204, 409)
AGAIN = (*DONE, 404, 422)
elsewhere_in_a_long_run = pytest.mark.slow_on("dynamodb", "mongodb")
REVEALING = {"create_company", "reveal_api_key", "rotate_api_key", "rotate_hmac_secret", "reveal_hmac_secret"}


def name(contract: Contract) -> str:
    return contract.handler


async def send(caller: httpx.AsyncClient, contract: Contract, things: Things) -> httpx.Response:
    return await caller.request(
        contract.method,
        path_of(contract, things),
        params=query_of(contract, things),
        json=body_of(contract, things),
    )


def test_every_route_names_a_verb_of_the_table() -> None:
    assert {each.verb for each in BY_VERB} <= VERBS.keys()
    assert {each.handler for each in TABLE if each.verb == PUBLIC} == {"login"}


@elsewhere_in_a_long_run
@pytest.mark.parametrize("contract", GUARDED, ids=name)
async def test_nobody_is_turned_away(office: Office, contract: Contract) -> None:
    things = Things("c", "i", "j", "a", "s", "u")
    async with office.client() as nobody:
        answer = await send(nobody, contract, things)
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@elsewhere_in_a_long_run
@pytest.mark.parametrize("contract", BY_VERB, ids=name)
async def test_a_role_without_the_verb_is_refused_and_one_with_it_is_not(office: Office, contract: Contract) -> None:
    things = await things_of(office, office.acme, "Vic")
    heads = await seqs(office)
    granted = False
    for person in PEOPLE:
        async with office.client(person) as caller:
            answer = await send(caller, contract, things)
        if may(office.people[person].role, contract.verb):
            first = not granted
            granted = True
            assert answer.status_code in (DONE if first else AGAIN), answer.text
        else:
            assert answer.status_code == 403, (person, answer.text)
            assert await seqs(office) == heads, f"{person} changed something"


@pytest.mark.parametrize("contract", GUARDED, ids=name)
async def test_eve_of_globex_sees_and_changes_nothing_of_acme(office: Office, contract: Contract) -> None:
    things = await things_of(office, office.acme, "Rio")
    marks = await marks_of_acme(office, things)
    before = (await office.storage.head(office.acme.id), await office.storage.get(User, (things.user_id,)))
    async with office.client("Eve") as eve:
        answer = await send(eve, contract, things)
        bare = await eve.get(contract.path) if contract.method == "GET" and "{" not in contract.path else None
    named = bool(query_of(contract, things)) or "{" in contract.path or "company_id" in str(body_of(contract, things))
    if named and contract.verb != SIGNED_IN:
        assert answer.status_code in (403, 404), answer.text
    assert_without(marks, answer)
    if bare is not None:
        assert_without(marks, bare)
    after = (await office.storage.head(office.acme.id), await office.storage.get(User, (things.user_id,)))
    assert after == before


@elsewhere_in_a_long_run
@pytest.mark.parametrize("contract", TABLE, ids=name)
async def test_no_answer_holds_a_password_or_a_key(office: Office, contract: Contract) -> None:
    things = await things_of(office, office.acme, "Vic")
    secrets = await secrets_of(office)
    async with office.client("Ada") as ada:
        answer = await send(ada, contract, things)
    assert answer.status_code != 500, answer.text
    if contract.handler not in REVEALING:
        found = [each for each in secrets if each in answer.text]
        assert not found
    assert "hashed_password" not in answer.text
    assert "_encrypted" not in answer.text


async def seqs(office: Office) -> list[tuple[int, str]]:
    return [await office.storage.head(each) for each in (office.acme.id, office.globex.id, "_msp")]


async def marks_of_acme(office: Office, things: Things) -> list[str]:
    """Texts that only Acme's data holds (the ids that Eve sent come back in no answer that shows data)."""
    people = [office.people[each] for each in ("Carl", "Rio", "Vic")]
    names = [text for each in people for text in (f'"{each.name}"', each.email)]
    return [office.acme.api_key, "only at home", "db-01", '"Acme"', *names, *await secrets_of(office)]


async def secrets_of(office: Office) -> list[str]:
    """Every password hash, key and secret, plain and sealed."""
    users = await office.storage.select(User, {})
    companies = await office.storage.select(Company, {})
    secret = await office.served.companies.reveal_secret(office.scope(office.acme.id))
    hidden = [each.hashed_password for each in users]
    hidden += [text for each in companies for text in (each.api_key, each.api_key_encrypted)]
    return [*hidden, secret, office.acme.api_key, office.globex.api_key]


def assert_without(marks: Iterable[str], answer: httpx.Response) -> None:
    found = [each for each in marks if each in answer.text]
    assert not found, answer.text
