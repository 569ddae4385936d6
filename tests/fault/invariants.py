"""What must hold of a company whatever happened to its server."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import httpx

from tests.fault.senders import Promises
from tests.support.product import every_page
from tests.support.reader import Frame

Documents = list[dict[str, Any]]


def alerts_of(client: httpx.Client, company_id: str) -> Documents:
    return cast("Documents", every_page(client, "/api/alerts", {"company_id": company_id}))


def incidents_of(client: httpx.Client, company_id: str) -> Documents:
    return cast("Documents", every_page(client, "/api/incidents", {"company_id": company_id}))


def assert_promises_kept(alerts: Documents, promises: Promises, company_id: str) -> None:
    """Every acked alert is there, as often as it was acked; nothing is there that was not sent."""
    stored: Counter[str] = Counter()
    for alert in alerts:
        stored[alert["labels"]["key"]] += alert["occurrences"]
    wrong = {
        key: (stored[key], promises.bounds(company_id, key))
        for key in promises.keys(company_id) | {*stored}
        if not _within(stored[key], promises.bounds(company_id, key))
    }
    assert not wrong, f"(stored, (least, most)) by key: {dict(list(wrong.items())[:10])}"
    doubled = [key for key, n in Counter(a["labels"]["key"] for a in alerts).items() if n > 1]
    assert not doubled, f"two episodes of one unresolved condition: {doubled[:10]}"


def _within(count: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= count <= bounds[1]


def assert_incidents_whole(alerts: Documents, incidents: Documents) -> None:
    """No two open incidents share a key, and each counts exactly the alerts that point to it."""
    keys = Counter(i["correlation_key"] for i in incidents if i["status"] != "resolved")
    assert not [key for key, count in keys.items() if count > 1]
    episodes = Counter(alert["correlated_incident_id"] for alert in alerts)
    fires: Counter[str] = Counter()
    for alert in alerts:
        fires[alert["correlated_incident_id"]] += alert["occurrences"]
    assert {i["id"]: i["alert_count"] for i in incidents} == episodes
    assert {i["id"]: i["occurrences"] for i in incidents} == fires


def assert_ledger_balances(client: httpx.Client, company_id: str, alerts: Documents) -> None:
    """received = the sum of the dispositions, and the fires it counts are those that are stored."""
    params = {"company_id": company_id, "hours": "24"}
    ledger = client.get("/api/ledger", params=params).raise_for_status().json()
    assert ledger["balanced"], ledger
    totals = ledger["totals"]
    assert totals["grouped"] == len(alerts)
    assert totals["grouped"] + totals["occurrence"] == sum(a["occurrences"] for a in alerts)
    assert totals["received"] == sum(totals[each] for each in ("grouped", "occurrence", "duplicate", "resolved"))


def assert_audit_chain_whole(client: httpx.Client, company_id: str) -> None:
    answer = client.get("/api/audit/verify", params={"company_id": company_id})
    assert answer.raise_for_status().json()["ok"], answer.text


def assert_company_whole(
    client: httpx.Client, company_id: str, promises: Promises, alerts: Documents, incidents: Documents
) -> None:
    """All alerts and incidents of a company are what was promised, and agree with each other and with what is told."""
    assert_promises_kept(alerts, promises, company_id)
    assert_incidents_whole(alerts, incidents)
    assert_ledger_balances(client, company_id, alerts)
    assert_audit_chain_whole(client, company_id)


def replayed(client: httpx.Client, company_id: str, after: int) -> tuple[list[Frame], int]:
    """Every stored frame behind a seq, and the seq of the head, by the polling route."""
    frames: list[Frame] = []
    cursor = f"{company_id}:{after}:999999"
    while True:
        params = {"company_id": company_id, "after": cursor, "limit": "500"}
        page = client.get("/api/events", params=params).raise_for_status().json()
        assert not page["resync"]
        new = [Frame(f["id"], f["type"], f.get("data") or {}) for f in page["frames"]]
        if not new:
            return frames, page["cursors"][company_id]
        frames += new
        cursor = new[-1].id


def assert_no_gap(heard: list[Frame], stored: list[Frame], head: int) -> None:
    """A resumed reader heard every stored frame once and in order. (A commit of repeats alone has no frame.)"""
    assert [frame.id for frame in heard] == [frame.id for frame in stored]
    positions = [frame.position for frame in heard]
    assert positions == sorted(set(positions))
    assert positions[-1][0] <= head


def assert_reader_knows_truth(heard: list[Frame], alerts: Documents) -> None:
    """Patching by frames alone ends at what the API answers (but for a storm, which says: refetch)."""
    if any(frame.type == "storm" for frame in heard):
        return
    known = {
        frame.data["id"]: frame.data["occurrences"]
        for frame in heard
        if frame.type in {"alert_received", "alert_updated"}
    }
    assert known == {alert["id"]: alert["occurrences"] for alert in alerts}
