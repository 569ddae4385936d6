"""Where a new episode goes, and that it says why."""

from typing import Any

import pytest
from msgspec.structs import replace

from alertwhisperer.domain import correlation, incident, priority
from alertwhisperer.domain.alert import IncomingAlert, begin
from alertwhisperer.domain.company import CorrelationConfig, Weights
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.reason import Reason
from tests.support.cast import ACME, RIO

NOW = "2026-11-21T11:00:00.000000Z"
FIELDS = {"asset_name": "db-01", "signature": "disk_full"}


def incoming(**fields: Any) -> Any:
    known: dict[str, Any] = {
        "asset_name": "db-01",
        "signature": "disk_full",
        "message": "97 %",
        "tool_source": "Datadog",
    }
    known |= fields
    return IncomingAlert(dedup_key="k", stable_key="k", **known)


def an_alert(**fields: Any) -> Any:
    return begin(incoming(**fields), alert_id="a1", company_id=ACME, received_at=NOW, delivery_id="")


def an_incident(*alerts: Any) -> Any:
    first = alerts[0] if alerts else an_alert()
    reason = Reason(kind="opened", sentence="first", fields=FIELDS)
    opened = incident.open_for(
        first, incident_id="i1", company_id="acme", key="db-01|disk_full", reason=reason, now=NOW
    )
    for each in alerts or (first,):
        opened = incident.add(opened, each, critical_asset=False, now=NOW)
    return opened


def place(config: Any = None, *, candidate: Any = None, pending: Any = 0, now: Any = NOW) -> Any:
    return correlation.place(
        config or CorrelationConfig(),
        config_version=3,
        fields=FIELDS,
        candidate=candidate,
        pending=pending,
        now=now,
    )


def test_the_first_alert_of_a_key_opens_an_incident() -> None:
    placed = place()
    assert placed.action == "open"
    assert placed.reason.kind == "opened"
    assert "asset db-01 and signature disk_full" in placed.reason.sentence
    assert placed.reason.config_version == 3


@pytest.mark.parametrize(("seconds", "action"), [(0, "join"), (15 * 60, "join"), (15 * 60 + 1, "open")])
def test_a_new_episode_joins_within_the_window_of_the_last_alert_and_not_after(seconds: Any, action: Any) -> None:
    assert place(candidate=an_incident(), now=plus(NOW, seconds)).action == action


def test_a_later_incident_links_the_old_one() -> None:
    placed = place(candidate=an_incident(), now=plus(NOW, 3600))
    assert placed.reason.linked_incident_id == "i1"


def test_joining_names_the_peer_the_gap_and_the_window() -> None:
    reason = place(candidate=an_incident(), now=plus(NOW, 90)).reason
    assert (reason.kind, reason.peer_alert_id, reason.gap_seconds, reason.window_minutes) == ("same_key", "a1", 90, 15)


@pytest.mark.parametrize(("seconds", "action"), [(15 * 60, "reopen"), (15 * 60 + 1, "open")])
def test_an_episode_soon_after_the_end_reopens_and_a_later_one_does_not(seconds: Any, action: Any) -> None:
    ended = incident.resolved_by_alerts(an_incident(), NOW)
    assert place(candidate=ended, now=plus(NOW, seconds)).action == action


def test_below_the_minimum_an_alert_waits_and_the_last_one_missing_opens() -> None:
    config = CorrelationConfig(min_alerts_for_incident=3)
    assert place(config, pending=1).action == "leave"
    assert place(config, pending=1).reason.kind == "minimum"
    assert place(config, pending=2).action == "open"


def test_with_correlation_off_nothing_is_grouped() -> None:
    assert place(CorrelationConfig(auto_correlate=False), candidate=an_incident()).reason.kind == "off"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("asset|signature", "db-01|disk_full"),
        ("asset|signature|tool", "db-01|disk_full|Datadog"),
        ("signature", "disk_full"),
        ("asset", "db-01"),
        (["signature", "labels.cluster"], "disk_full|eu-1"),
    ],
)
def test_each_aggregation_key_reads_its_fields(setting: Any, key: Any) -> None:
    assert correlation.key_reader(setting)(incoming(labels={"cluster": "eu-1"}))[0] == key


def test_a_bar_inside_a_value_does_not_make_two_keys_one() -> None:
    read = correlation.key_reader("asset|signature")
    assert read(incoming(asset_name="a|b", signature="c"))[0] != read(incoming(asset_name="a", signature="b|c"))[0]


def test_an_unknown_field_of_a_key_is_named() -> None:
    with pytest.raises(KeyError, match="colour"):
        correlation.key_fields_of(["colour"])


def test_severity_of_an_incident_only_rises_while_it_is_open() -> None:
    opened = an_incident(an_alert(severity="high"))
    milder = incident.add(opened, an_alert(severity="low"), critical_asset=False, now=NOW)
    graver = incident.add(milder, an_alert(severity="critical"), critical_asset=False, now=NOW)
    assert [each.severity for each in (opened, milder, graver)] == ["high", "high", "critical"]


def test_priority_is_the_sum_of_its_stated_factors() -> None:
    two_tools = an_incident(an_alert(severity="critical"), an_alert(severity="low", tool_source="Zabbix"))
    scored = priority.scored(replace(two_tools, critical_asset=True), Weights())
    assert {each.name: each.points for each in scored.factors} == {
        "severity": 90,
        "critical_asset": 20,
        "alerts": 4,
        "tools_agree": 10,
    }
    assert scored.priority_score == 124


@pytest.mark.parametrize(("hours", "points"), [(0, 0), (0.9, 0), (3, 3), (10, 10), (500, 10)])
def test_age_takes_a_point_an_hour_up_to_ten_when_read(hours: Any, points: Any) -> None:
    scored = priority.scored(an_incident(an_alert(severity="high")), Weights())
    read = priority.aged(scored, plus(NOW, hours * 3600), Weights())
    assert scored.priority_score - read.priority_score == points


def test_merging_and_taking_it_back_leaves_both_as_they_were() -> None:
    target = an_incident(an_alert(severity="low"))
    other = replace(an_incident(an_alert(severity="critical", asset_name="db-02")), id="i2")
    merged, gone = incident.merge(target, other, RIO, NOW)
    assert (merged.alert_count, merged.severity, gone.merged_into) == (2, "critical", "i1")
    kept, back = incident.unmerge(merged, gone, NOW)
    assert (kept.alert_count, kept.merged_from, kept.severity_counts) == (1, [], {"low": 1})
    assert (back.status, back.merged_into) == ("new", None)
