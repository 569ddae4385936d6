"""Signing in and staying signed in."""

from tests.support.office import ORIGIN, PASSWORD, Office


async def test_rio_signs_in_and_is_told_who_he_is(office: Office) -> None:
    async with office.client() as caller:
        answer = await caller.post("/api/auth/login", json={"email": " RIO@example.com", "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "bearer"
        assert answer.json()["user"]["role"] == "technician"
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        me = (await caller.get("/api/auth/me", headers=headers)).json()
    assert me["user"]["name"] == "Rio"
    assert me["companies"] == [{"id": office.acme.id, "name": "Acme"}]
    assert "incident.acknowledge" in me["verbs"]
    assert "company.create" not in me["verbs"]
