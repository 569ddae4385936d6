"""Incidents and alerts over HTTP: pages, filters, conflicts, repeats, and what a client is shown."""

from typing import Any

import httpx
import pytest

from alertwhisperer.domain.user import VERBS, may
from tests.support.office import Office


async def get_all(caller: httpx.AsyncClient, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list, by its links."""
    answer = await caller.get(path, params=params)
    pages = [answer.json()]
    while "next" in answer.links:
        answer = await caller.get(answer.links["next"]["url"])
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
    return pages


async def act(caller: httpx.AsyncClient, office: Office, incident_id: str, verb: str, **body: Any) -> httpx.Response:
    path = f"/api/incidents/{incident_id}/{verb}"
    return await caller.post(path, json={"company_id": office.acme.id, **body})


async def storm(office: Office, count: int) -> list[str]:
    """Alerts on different assets, each of which opens an incident; their incidents, newest first."""
    opened = [(await office.fire(office.acme, f"web-{n:02}"))["incident_id"] for n in range(count)]
    return opened[::-1]


@pytest.mark.parametrize("path", ["/api/incidents", "/api/alerts", "/api/assets"])
async def test_pages_follow_one_another_without_gap_or_repeat(office: Office, path: str) -> None:
    await storm(office, 7)
    async with office.client("Rio") as rio:
        pages = await get_all(rio, path, limit=3)
        whole = (await rio.get(path)).json()
    assert [len(page) for page in pages][:3] == [3, 3, 1]
    assert [each for page in pages for each in page] == whole
    assert [each["id"] for each in whole] == sorted((each["id"] for each in whole), reverse=True)


async def test_pages_of_several_companies_are_one_list(office: Office) -> None:
    for n in range(3):
        await office.fire(office.acme, f"a-{n}")
        await office.fire(office.globex, f"g-{n}")
    async with office.client("Ada") as ada:
        pages = await get_all(ada, "/api/alerts", limit=4)
        of_acme = (await ada.get("/api/alerts", params={"company_id": office.acme.id})).json()
    assert [each["asset_name"] for page in pages for each in page] == ["g-2", "a-2", "g-1", "a-1", "g-0", "a-0"]
    assert {each["company_id"] for each in of_acme} == {office.acme.id}


@pytest.mark.parametrize(
    ("path", "cursor"),
    [("/api/incidents", "x"), ("/api/incidents?sort=priority", "WyJpZCIsImEiXQ"), ("/api/alerts", "é")],
)
async def test_a_cursor_that_is_none_is_refused(office: Office, path: str, cursor: str) -> None:
    async with office.client("Rio") as rio:
        refused = await rio.get(path, params={"cursor": cursor} if "?" not in path else None)
        if "?" in path:
            refused = await rio.get(f"{path}&cursor={cursor}")
    assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


async def test_the_live_cursor_stands_where_the_list_was_read(office: Office) -> None:
    await storm(office, 2)
    async with office.client("Ada") as ada:
        listed = await ada.get("/api/alerts")
        heads = dict(each.rsplit(":", 1) for each in listed.headers["x-live-cursor"].split(","))
        assert heads[office.acme.id] == str((await office.storage.head(office.acme.id))[0])
        await office.fire(office.acme, "later")
        after = [f"{company}:{seq}:999999" for company, seq in heads.items()]
        events = (await ada.get("/api/events", params={"after": after})).json()
    told = [each["data"]["asset_name"] for each in events["frames"] if each["type"] == "alert_received"]
    assert told == ["later"]
    assert events["resync"] is False


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"status": "open"}, {"a", "b"}),
        ({"status": ["new", "in_progress"]}, {"a", "b"}),
        ({"status": "in_progress"}, {"b"}),
        ({"status": "resolved"}, {"c"}),
        ({"severity": ["critical", "low"]}, {"a", "c"}),
        ({"asset": "b"}, {"b"}),
        ({"text": "ON B"}, {"b"}),
        ({"assigned_to": "me"}, {"b"}),
        ({"assigned_to": "nobody"}, {"a", "c"}),
        ({"since": "2026-01-05T09:01:00Z"}, {"b", "c"}),
        ({"until": "2026-01-05T09:01:00Z"}, {"a"}),
        ({}, {"a", "b", "c"}),
    ],
)
async def test_incidents_are_found_by(office: Office, params: dict[str, Any], expected: set[str]) -> None:
    await office.fire(office.acme, "a", severity="critical")
    office.clock.advance(60)
    of_b = await office.fire(office.acme, "b")
    of_c = await office.fire(office.acme, "c", severity="low")
    async with office.client("Rio") as rio:
        assigned = await act(rio, office, of_b["incident_id"], "assign", user_id=office.people["Rio"].id)
        assert assigned.json()["assigned_name"] == "Rio"
        await act(rio, office, of_c["incident_id"], "resolve")
        found = (await rio.get("/api/incidents", params=params)).json()
    assert {each["asset_names"][0] for each in found} == expected


async def test_alerts_are_found_and_counted_by_value(office: Office) -> None:
    await office.fire(office.acme, "db-01", severity="critical", tool_source="Zabbix")
    fired = await office.fire(office.acme, "db-02", message="Needle in a stack")
    async with office.client("Rio") as rio:
        for params in ({"severity": "critical"}, {"tool": "Zabbix"}, {"asset": "db-01"}):
            assert [each["asset_name"] for each in (await rio.get("/api/alerts", params=params)).json()] == ["db-01"]
        for wanted in ({"text": "needle"}, {"incident_id": fired["incident_id"]}):
            assert [each["asset_name"] for each in (await rio.get("/api/alerts", params=wanted)).json()] == ["db-02"]
        facets = (await rio.get("/api/alerts/facets")).json()
        await rio.post(f"/api/alerts/{fired['alert_id']}/resolve", json={"company_id": office.acme.id})
        alert = (await rio.get(f"/api/alerts/{fired['alert_id']}")).json()
    assert facets["severity"] == {"critical": 1, "high": 1}
    assert facets["sampled"] == 2
    assert (alert["status"], alert["resolved_by"]) == ("resolved", office.people["Rio"].id)


async def test_the_gravest_come_first_page_by_page(office: Office) -> None:
    for severity in ("low", "critical", "medium", "high"):
        await office.fire(office.acme, severity, severity=severity)
    async with office.client("Rio") as rio:
        pages = await get_all(rio, "/api/incidents", sort="priority", limit=3)
    assert [[each["severity"] for each in page] for page in pages] == [["critical", "high", "medium"], ["low"]]


async def test_a_stale_edit_is_told_how_things_stand(office: Office) -> None:
    (incident_id,) = await storm(office, 1)
    async with office.client("Rio") as rio:
        seen = await rio.get(f"/api/incidents/{incident_id}")
        tag = seen.headers["etag"]
        assert tag == f'"{seen.json()["revision"]}"'
        renamed = await act(rio, office, incident_id, "title", title="Disk of web-00")
        rio.headers["If-Match"] = tag
        stale = await act(rio, office, incident_id, "resolve")
        assert stale.status_code == 409
        assert stale.json()["current"]["title"] == "Disk of web-00"
        rio.headers["If-Match"] = renamed.headers["etag"]
        assert (await act(rio, office, incident_id, "resolve")).status_code == 200
        rio.headers["If-Match"] = "soon"
        refused = await act(rio, office, incident_id, "reopen")
    assert (refused.status_code, refused.json()["field"]) == (422, "If-Match")


async def test_a_repeat_under_one_key_is_done_once(office: Office) -> None:
    (incident_id,) = await storm(office, 1)
    async with office.client("Rio", {"Idempotency-Key": "one"}) as rio:
        first = await act(rio, office, incident_id, "escalate")
        second = await act(rio, office, incident_id, "escalate")
        other = await act(rio, office, incident_id, "escalate", reason="more")
        rio.headers["Idempotency-Key"] = "two"
        third = await act(rio, office, incident_id, "escalate")
    assert first.json() == second.json()
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert third.json()["escalation_level"] == 2


@pytest.mark.parametrize("someone", ["Vic", "Eve", "nobody"])
async def test_work_is_given_only_to_those_who_can_do_it(office: Office, someone: str) -> None:
    (incident_id,) = await storm(office, 1)
    user_id = office.people[someone].id if someone in office.people else someone
    async with office.client("Rio") as rio:
        refused = await act(rio, office, incident_id, "assign", user_id=user_id)
    assert (refused.status_code, refused.json()["field"]) == (422, "user_id")


async def test_merged_ones_are_left_out_and_still_answer(office: Office) -> None:
    one, two = await storm(office, 2)
    async with office.client("Rio") as rio:
        assert (await act(rio, office, one, "merge", into=two)).json()["id"] == two
        assert [each["id"] for each in (await rio.get("/api/incidents")).json()] == [two]
        every = (await rio.get("/api/incidents", params={"merged": 1})).json()
        assert {each["id"] for each in every} == {one, two}
        assert (await rio.get(f"/api/incidents/{one}")).json()["merged_into"] == two
        alerts = (await rio.get(f"/api/incidents/{two}/alerts")).json()
        assert {each["asset_name"] for each in alerts} == {"web-00", "web-01"}
        undone = await act(rio, office, two, "undo")
    assert undone.json()["merged_from"] == []


async def worked_on(office: Office) -> str:
    """An incident with a note, an assignment, an escalation, a split and a resolve by Rio; its id."""
    fired = await office.fire(office.acme, "db-01")
    second = await office.fire(office.acme, "db-01", dedup_key="second")
    incident_id: str = fired["incident_id"]
    async with office.client("Rio") as rio:
        await act(rio, office, incident_id, "note", text="Vic is a fool")
        await act(rio, office, incident_id, "assign", user_id=office.people["Rio"].id)
        await act(rio, office, incident_id, "escalate", reason="Rio is tired")
        await act(rio, office, incident_id, "undo")
        await act(rio, office, incident_id, "split", alert_ids=[second["alert_id"]])
        await act(rio, office, incident_id, "resolve", notes="Freed the disk")
    return incident_id


async def test_a_client_sees_their_incident_without_notes_and_names(office: Office) -> None:
    incident_id = await worked_on(office)
    rio = office.people["Rio"].id
    async with office.client("Vic") as vic:
        incidents = await vic.get("/api/incidents")
        assert len(incidents.json()) == 2
        answers = [incidents, await vic.get("/api/alerts")]
        paths = [
            f"{each['id']}{what}" for each in incidents.json() for what in ("", "/timeline", "/alerts", "/related")
        ]
        answers += [await vic.get(f"/api/incidents/{path}") for path in paths]
        events = await vic.get("/api/events", params={"after": f"{office.acme.id}:1:0"})
    assert len(events.json()["frames"]) > 8
    for answer in [*answers, events]:
        assert answer.status_code == 200
        for hidden in ("Rio", rio, "fool", "tired"):
            assert hidden not in answer.text, answer.text
    async with office.client("Vic") as vic:
        incident = (await vic.get(f"/api/incidents/{incident_id}")).json()
        timeline = (await vic.get(f"/api/incidents/{incident_id}/timeline")).json()
    assert (incident["assigned_name"], incident["resolution_notes"]) == ("Support", "Freed the disk")
    assert [each["verb"] for each in timeline] == ["", "assign", "escalate", "undo", "split", "resolve"]
    assert {each["actor"]["name"] for each in timeline[1:]} == {"Support"}


async def test_staff_see_notes_and_names(office: Office) -> None:
    incident_id = await worked_on(office)
    async with office.client("Rio") as rio:
        timeline = (await rio.get(f"/api/incidents/{incident_id}/timeline")).json()
    assert [each["verb"] for each in timeline] == ["", "note", "assign", "escalate", "undo", "split", "resolve"]
    assert timeline[1]["text"] == "Vic is a fool"
    assert {each["actor"]["name"] for each in timeline[1:]} == {"Rio"}


async def test_a_client_cannot_ask_who_works_on_what(office: Office) -> None:
    async with office.client("Vic") as vic:
        assert (await vic.get("/api/incidents", params={"assigned_to": "me"})).status_code == 403
        assert (await vic.get("/api/users")).status_code == 403


async def test_what_one_may_do_is_the_table(office: Office) -> None:
    for name, person in office.people.items():
        async with office.client(name) as caller:
            verbs = (await caller.get("/api/auth/me")).json()["verbs"]
        assert verbs == [verb for verb in VERBS if may(person.role, verb)]
