"""Who may make and change whom."""

from typing import Any

import pytest

from tests.support.office import PASSWORD, Office

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")


async def test_ada_adds_a_technician_whose_password_is_shown_once(office: Office) -> None:
    new = {"email": " Tess@Example.com ", "name": "Tess", "role": "technician", "company_ids": [office.acme.id]}
    async with office.client("Ada") as ada:
        made = await ada.post("/api/users", json=new)
        assert made.status_code == 201
        assert made.json()["user"]["email"] == "tess@example.com"
        login = {"email": "tess@example.com", "password": made.json()["password"]}
        assert (await ada.post("/api/auth/login", json=login)).status_code == 200
        again = await ada.post("/api/users", json=new)
    assert (again.status_code, again.json()["field"]) == (422, "email")


async def test_a_given_password_is_not_told_back(office: Office) -> None:
    new = {"email": "tess@example.com", "name": "Tess", "role": "client", "password": PASSWORD}
    async with office.client("Ada") as ada:
        made = await ada.post("/api/users", json=new)
    assert made.status_code == 201
    assert "password" not in made.json()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"name": "  "}, "name"),
        ({"role": "king"}, "role"),
        ({"company_ids": ["nowhere"]}, "company_ids"),
        ({"password": "short"}, "password"),
        ({"hashed_password": "x"}, "hashed_password"),
    ],
)
async def test_a_user_that_cannot_be_is_refused_by_field(office: Office, changed: dict[str, Any], field: str) -> None:
    new = {"email": "t@example.com", "name": "T", "role": "technician", "company_ids": [office.acme.id], **changed}
    async with office.client("Ada") as ada:
        refused = await ada.post("/api/users", json=new)
    assert (refused.status_code, refused.json().get("field")) == (422, field)


@pytest.mark.parametrize(
    ("role", "companies"),
    [("msp_admin", ["acme"]), ("technician", ["globex"]), ("technician", ["acme", "globex"]), ("technician", [])],
)
async def test_carl_cannot_grant_more_than_he_has(office: Office, role: str, companies: list[str]) -> None:
    ids = [{"acme": office.acme.id, "globex": office.globex.id}[each] for each in companies]
    new = {"email": "t@example.com", "name": "T", "role": role, "company_ids": ids}
    async with office.client("Carl") as carl:
        assert (await carl.post("/api/users", json=new)).status_code == 403
        changes = {"role": role, "company_ids": ids}
        refused = await carl.patch(f"/api/users/{office.people['Rio'].id}", json=changes)
    assert refused.status_code == 403


async def test_carl_manages_his_own_people_and_nobody_else(office: Office) -> None:
    rio, ada, eve = (office.people[each].id for each in ("Rio", "Ada", "Eve"))
    async with office.client("Carl") as carl:
        promoted = await carl.patch(f"/api/users/{rio}", json={"role": "company_admin"})
        assert promoted.json()["role"] == "company_admin"
        assert (await carl.patch(f"/api/users/{ada}", json={"name": "x"})).status_code == 403
        assert (await carl.post(f"/api/users/{ada}/reset-password")).status_code == 403
        assert (await carl.patch(f"/api/users/{eve}", json={"name": "x"})).status_code == 404
        assert (await carl.post(f"/api/users/{eve}/reset-password")).status_code == 404


async def test_someone_who_also_works_elsewhere_is_not_carls_to_change(office: Office) -> None:
    rio = office.people["Rio"].id
    async with office.client("Ada") as ada, office.client("Carl") as carl:
        both = {"company_ids": [office.acme.id, office.globex.id]}
        assert (await ada.patch(f"/api/users/{rio}", json=both)).status_code == 200
        assert (await carl.patch(f"/api/users/{rio}", json={"active": False})).status_code == 403
        seen = next(each for each in (await carl.get("/api/users")).json() if each["id"] == rio)
    assert seen["company_ids"] == [office.acme.id]


async def test_a_deactivated_user_is_out_at_once(office: Office) -> None:
    rio = office.people["Rio"].id
    async with office.client("Carl") as carl, office.client("Rio") as caller:
        assert (await caller.get("/api/incidents")).status_code == 200
        assert (await carl.patch(f"/api/users/{rio}", json={"active": False})).json()["active"] is False
        assert (await caller.get("/api/incidents")).status_code == 401
        login = {"email": "rio@example.com", "password": PASSWORD}
        assert (await caller.post("/api/auth/login", json=login)).status_code == 401
        await carl.patch(f"/api/users/{rio}", json={"active": True})
        assert (await caller.get("/api/incidents")).status_code == 401
        assert (await caller.post("/api/auth/login", json=login)).status_code == 200


async def test_a_changed_role_counts_from_the_next_request(office: Office) -> None:
    rio = office.people["Rio"].id
    new = {"company_id": office.acme.id, "name": "fw-01"}
    async with office.client("Carl") as carl, office.client("Rio") as caller:
        await carl.patch(f"/api/users/{rio}", json={"role": "client"})
        assert (await caller.post("/api/assets", json=new)).status_code == 403


@pytest.mark.parametrize("changes", [{"role": "client"}, {"active": False}])
async def test_nobody_locks_themselves_out(office: Office, changes: dict[str, Any]) -> None:
    async with office.client("Ada") as ada:
        assert (await ada.patch(f"/api/users/{office.people['Ada'].id}", json=changes)).status_code == 403


async def test_a_reset_password_replaces_the_old_one_and_ends_sessions(office: Office) -> None:
    rio = office.people["Rio"].id
    async with office.client("Carl") as carl, office.client("Rio") as caller:
        password = (await carl.post(f"/api/users/{rio}/reset-password")).json()["password"]
        assert (await caller.get("/api/auth/me")).status_code == 401
        for tried, status in ((PASSWORD, 401), (password, 200)):
            login = {"email": "rio@example.com", "password": tried}
            assert (await caller.post("/api/auth/login", json=login)).status_code == status


async def test_a_repeated_creation_under_one_key_makes_one_user(office: Office) -> None:
    new = {"email": "tess@example.com", "name": "Tess", "role": "client"}
    async with office.client("Ada", {"Idempotency-Key": "tess-1"}) as ada:
        first, second = await ada.post("/api/users", json=new), await ada.post("/api/users", json=new)
        other = await ada.post("/api/users", json={**new, "email": "other@example.com"})
    assert first.json()["user"] == second.json()["user"]
    assert "password" in first.json()
    assert "password" not in second.json()
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
