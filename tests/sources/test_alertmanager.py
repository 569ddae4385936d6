"""What a real Alertmanager sent (tests/support/record_alertmanager.py recorded it)."""

import json
from pathlib import Path
from typing import Any

import pytest

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.sources.alertmanager import parse
from alertwhisperer.sources.parsed import Rejected

GOLDEN = Path(__file__).parent / "golden" / "alertmanager"


def recorded(name: Any) -> Any:
    return (GOLDEN / f"{name}.json").read_bytes()


def first(body: bytes) -> IncomingAlert:
    alert = parse(body).items[0]
    assert isinstance(alert, IncomingAlert)
    return alert


def changed(name: Any, **fields: Any) -> Any:
    message = json.loads(recorded(name))
    message["alerts"][0].update(fields)
    return json.dumps(message).encode()


def test_a_firing_alert_is_read() -> None:
    alert = first(recorded("firing"))
    assert (alert.asset_name, alert.signature, alert.severity) == ("db-01", "DiskAlmostFull", "critical")
    assert alert.message == "Disk of db-01 is 97 % full"
    assert alert.occurred_at == "2026-11-21T11:43:08.155000Z"
    assert alert.labels["job"] == "node"
    assert alert.labels["description"].startswith("The root file system")
    assert alert.urls[0] == "https://runbooks.example.com/disk-almost-full"


def test_fire_repeat_and_resolve_are_one_condition() -> None:
    keys = {first(recorded(name)).dedup_key for name in ("firing", "repeated", "resolved")}
    assert len(keys) == 1
    assert first(recorded("resolved")).status == "resolved"


def test_each_alert_of_a_group_has_its_own_status_whatever_the_envelope_says() -> None:
    message = json.loads(recorded("partly_resolved"))
    statuses = [getattr(each, "status", None) for each in parse(recorded("partly_resolved")).items]
    assert statuses == [each["status"] for each in message["alerts"]]
    assert set(statuses) == {"firing", "resolved"}


def test_equal_labels_at_two_alertmanagers_are_two_conditions() -> None:
    other = recorded("firing").replace(b"http://alertmanager.example.com", b"http://other.example.com")
    assert first(other).dedup_key != first(recorded("firing")).dedup_key


def test_alerts_that_were_left_out_are_said() -> None:
    assert parse(recorded("truncated")).warnings


def test_no_severity_label_is_unknown_and_no_instance_is_said() -> None:
    alert = first(changed("firing", labels={"alertname": "Down"}))
    assert (alert.severity, alert.asset_name) == ("unknown", "Down")
    assert alert.warnings


def test_one_bad_alert_does_not_lose_the_others() -> None:
    message = json.loads(recorded("grouped"))
    message["alerts"][0]["labels"].pop("alertname")
    message["alerts"].append("not an object")
    items = parse(json.dumps(message).encode()).items
    assert isinstance(items[0], Rejected)
    assert items[0].field == "alerts.0.labels.alertname"
    assert isinstance(items[-1], Rejected)
    assert not isinstance(items[1], Rejected)


@pytest.mark.parametrize("odd", ["", "soon", None, 5, "0001-01-01T00:00:00Z"])
def test_an_odd_start_costs_a_warning_and_not_the_alert(odd: Any) -> None:
    alert = first(changed("firing", startsAt=odd))
    assert alert.warnings or alert.occurred_at


@pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b'{"alerts": 5}', b'{"version": "5", "alerts": []}'])
def test_what_is_no_notification_is_refused(body: Any) -> None:
    with pytest.raises(Invalid):
        parse(body)


def test_dots_in_label_names_are_held_as_underscores() -> None:
    alert = first(changed("firing", labels={"alertname": "A", "k8s.pod": "p"}))
    assert alert.labels["k8s_pod"] == "p"
