"""Our own webhook form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.sources.generic import parse, read
from alertwhisperer.sources.parsed import Rejected

ALERT = {
    "asset_name": "prod-server-01",
    "signature": "high_cpu_usage",
    "severity": "critical",
    "message": "CPU usage at 95%",
    "tool_source": "Datadog",
}


def body(*alerts: Any) -> Any:
    return json.dumps(alerts[0] if len(alerts) == 1 else list(alerts)).encode()


def one(**fields: Any) -> Any:
    return parse(body({**ALERT, **fields})).items[0]


def test_the_founding_documents_alert_is_read_as_it_stands() -> None:
    alert = one()
    assert (alert.asset_name, alert.signature, alert.severity) == ("prod-server-01", "high_cpu_usage", "critical")
    assert (alert.tool_source, alert.status, alert.warnings) == ("Datadog", "firing", [])


@pytest.mark.parametrize("field", ["asset_name", "signature", "message"])
@pytest.mark.parametrize("value", [None, "", "   ", 7, ["x"], {"a": 1}, True])
def test_a_wrong_required_field_is_named(field: Any, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        one(**{field: value})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"status": "perhaps"}, "status"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": {"a.b": "1"}}, "labels"),
        ({"labels": {"$a": "1"}}, "labels"),
        ({"labels": {"a": {"b": 1}}}, "labels.a"),
        ({"dedup_key": "k" * 600}, "dedup_key"),
        ({"message": "m\x00"}, "message"),
        ({"asset_name": "a" * 600}, "asset_name"),
    ],
)
def test_what_not_every_engine_holds_is_refused_by_name(sent: Any, field: Any) -> None:
    with pytest.raises(Invalid) as caught:
        one(**sent)
    assert caught.value.field == field


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"7", b'"x"', b"[", b"[]", b"\xff\xfe", b'{"labels": NaN}'])
def test_what_is_no_alert_at_all_is_refused(text: Any) -> None:
    with pytest.raises(Invalid):
        parse(text)


@pytest.mark.parametrize(("word", "severity"), [("WARN", "medium"), ("P1", "critical"), ("error", "high")])
def test_words_of_other_tools_are_understood(word: Any, severity: Any) -> None:
    assert one(severity=word).severity == severity


@pytest.mark.parametrize("word", ["purple", 17, ["high"]])
def test_an_unknown_severity_stays_unknown_and_warns(word: Any) -> None:
    alert = one(severity=word)
    assert alert.severity == "unknown"
    assert alert.warnings


def test_an_odd_timestamp_costs_a_warning_and_not_the_alert() -> None:
    alert = one(timestamp="last tuesday")
    assert alert.occurred_at is None
    assert alert.warnings


def test_in_an_array_the_rest_is_not_lost_with_a_bad_one() -> None:
    parsed = parse(body(ALERT, {"asset_name": "x"}, ALERT))
    assert parsed.batch
    assert isinstance(parsed.items[0], IncomingAlert)
    assert isinstance(parsed.items[2], IncomingAlert)
    assert parsed.items[1] == Rejected(message="is required", field="signature")


def test_ndjson_is_an_array_by_lines() -> None:
    text = b"\n".join([body(ALERT), b"{broken", b"", body(ALERT)])
    parsed = parse(text)
    assert [type(each) for each in parsed.items] == [IncomingAlert, Rejected, IncomingAlert]


def test_one_alert_over_several_lines_is_one_alert() -> None:
    assert not parse(json.dumps(ALERT, indent=2).encode()).batch


def test_more_than_5000_alerts_are_refused() -> None:
    with pytest.raises(Invalid, match="5000"):
        parse(b"[" + b",".join([b"{}"] * 5001) + b"]")


def test_an_alert_of_more_than_64_kb_is_refused() -> None:
    with pytest.raises(Invalid, match="64 KB"):
        one(labels={"a": "x" * 70_000})


def test_only_web_links_become_links() -> None:
    assert one(url="javascript:alert(1)").urls == []
    assert one(url="https://example.com/x").urls == ["https://example.com/x"]


def test_another_order_of_fields_is_the_same_alert() -> None:
    assert one() == parse(json.dumps(dict(reversed(ALERT.items()))).encode()).items[0]


def test_parts_with_bars_do_not_collide() -> None:
    assert one(asset_name="a|b", signature="c").dedup_key != one(asset_name="a", signature="b|c").dedup_key


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


def outcome(raw: bytes) -> Any:
    """What became of a body: what was read, or the refusal."""
    try:
        return parse(raw)
    except Invalid as refusal:
        return refusal


@given(st.dictionaries(st.sampled_from([*ALERT, "status", "labels", "timestamp", "url", "dedup_key"]), json_values))
def test_any_object_is_read_or_refused_by_field_and_never_breaks(sent: dict[str, Any]) -> None:
    read = outcome(json.dumps({**ALERT, **sent}).encode())
    assert read.field if isinstance(read, Invalid) else isinstance(read.items[0], IncomingAlert)


@given(
    st.dictionaries(
        st.sampled_from([*ALERT, "status", "labels", "timestamp", "url", "dedup_key"]),
        st.text(" abc.$|é\t", max_size=6) | json_values,
    )
)
def test_what_is_read_at_a_glance_is_read_alike_at_a_closer_look(sent: dict[str, Any]) -> None:
    def look(*, is_plain: bool) -> IncomingAlert | tuple[str, str | None]:
        try:
            return read(raw, is_plain=is_plain)
        except Invalid as refusal:
            return str(refusal), refusal.field

    raw = json.dumps({**ALERT, **sent}, ensure_ascii=False).encode(errors="replace")
    if b"\\" not in raw:
        assert look(is_plain=True) == look(is_plain=False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_never_break(raw: bytes) -> None:
    read = outcome(raw)
    assert str(read) if isinstance(read, Invalid) else read.items
