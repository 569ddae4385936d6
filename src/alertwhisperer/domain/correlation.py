"""Which alerts are one incident, and why: layer 0, the repeat key of `aggregation_key` and its window."""

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, seconds_between
from alertwhisperer.domain.reason import Reason, ReasonKind


class Placement(Struct, frozen=True, gc=False):
    """What to do with a new episode: `open` an incident, `join` or `reopen` this one, or leave it alone."""

    action: Literal["open", "join", "reopen", "leave"]
    incident: Incident | None
    reason: Reason


KEYS: Final[dict[str, tuple[str, ...]]] = {
    "asset|signature": ("asset_name", "signature"),
    "asset|signature|tool": ("asset_name", "signature", "tool_source"),
    "signature": ("signature",),
    "asset": ("asset_name",),
}
"""The named aggregation keys and the fields of an incoming alert that they are made of."""

KEYS_KEPT: Final = 4_096
"""Keys that a reader need not make again."""

_ALIASES: Final = {"asset": "asset_name", "tool": "tool_source"}
_NAMES: Final = {field: alias for alias, field in _ALIASES.items()}
_FIELDS: Final = ("asset_name", "signature", "tool_source", "severity", "message")


def key_fields_of(aggregation_key: str | list[str]) -> tuple[str, ...]:
    """The fields that a setting names; a list may hold field names, their short forms, and `labels.<name>`.

    Raises KeyError with the name that is not known.
    """
    if isinstance(aggregation_key, str):
        return KEYS[aggregation_key]
    fields = tuple(_ALIASES.get(name, name) for name in aggregation_key)
    for field in fields:
        if field not in _FIELDS and not (field.startswith("labels.") and len(field) > len("labels.")):
            raise KeyError(field)
    return fields


def key_reader(
    aggregation_key: str | list[str],
) -> Callable[[IncomingAlert], tuple[str, dict[str, str]]]:
    """A function from an incoming alert to its correlation key and the named values that make it.

    Alerts of one key share the values' dict: it is not to be changed.
    """
    fields = key_fields_of(aggregation_key)
    values_of = _fields_reader(fields)

    @lru_cache(KEYS_KEPT)
    def keyed(values: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        return "|".join([_escape(value) for value in values]), dict(zip(fields, values, strict=True))

    return lambda incoming: keyed(values_of(incoming))


def _fields_reader(fields: tuple[str, ...]) -> Callable[[IncomingAlert], tuple[str, ...]]:
    if len(fields) > 1 and not any(field.startswith("labels.") for field in fields):
        return attrgetter(*fields)
    value_of = [_field_reader(field) for field in fields]
    return lambda incoming: tuple([each(incoming) for each in value_of])


def _field_reader(field: str) -> Callable[[IncomingAlert], str]:
    if field.startswith("labels."):
        label = field.removeprefix("labels.")
        return lambda incoming: incoming.labels.get(label, "")
    return attrgetter(field)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|") if "|" in value or "\\" in value else value


def describe(fields: dict[str, str]) -> str:
    """`asset db-01 and signature disk_full`: the shared values, for a sentence."""
    return " and ".join([f"{_NAMES.get(field, field)} {value or '(empty)'}" for field, value in fields.items()])


def place(
    config: CorrelationConfig,
    *,
    config_version: int,
    fields: dict[str, str],
    candidate: Incident | None,
    pending: int,
    now: Instant,
) -> Placement:
    """Where a new episode belongs.

    candidate: the latest incident of its key, open or resolved, merges already followed; None if there is none.
    pending: how many alerts of this key are waiting for the minimum, this one not counted.
    """
    window = config.time_window_minutes
    gap = None if candidate is None else seconds_between(candidate.resolved_at or candidate.last_alert_at, now)
    if candidate is not None and gap is not None and gap <= window * 60 and config.auto_correlate:
        return _continue(candidate, fields, gap, window, config_version)
    blank = Reason(kind="opened", sentence="", fields=fields, window_minutes=window, config_version=config_version)
    if not config.auto_correlate:
        return _leave(blank, "off", "Correlation is switched off for this company.")
    shared = describe(fields)
    least = config.min_alerts_for_incident
    if pending + 1 < least:
        return _leave(blank, "minimum", f"{pending + 1} of the {least} alerts with {shared} that an incident needs.")
    if candidate is None or gap is None:
        return Placement("open", None, replace(blank, sentence=f"Opened by the first alert with {shared}."))
    sentence = f"Opened: the last alert with {shared} came {_span(gap)} before, outside the window of {window} min."
    reason = replace(blank, sentence=sentence, gap_seconds=gap, linked_incident_id=candidate.id)
    return Placement("open", None, reason)


def _leave(blank: Reason, kind: ReasonKind, sentence: str) -> Placement:
    return Placement("leave", None, replace(blank, kind=kind, sentence=sentence, score=0.0))


def _continue(candidate: Incident, fields: dict[str, str], gap: float, window: int, config_version: int) -> Placement:
    """Within the window: an open incident is joined, a resolved one comes back."""
    closed = candidate.resolved_at is not None
    since = "this incident was resolved" if closed else "its last alert"
    reason = Reason(
        kind="reopened" if closed else "same_key",
        sentence=f"Same {describe(fields)}, {_span(gap)} after {since} (window {window} min).",
        fields=fields,
        window_minutes=window,
        gap_seconds=gap,
        peer_alert_id=candidate.last_alert_id,
        config_version=config_version,
    )
    return Placement("reopen" if closed else "join", candidate, reason)


def bound(candidate: Incident, fields: dict[str, str], config_version: int) -> Placement:
    """A split moved this condition's earlier alert: its next episodes go where a person put it."""
    sentence = f"A person moved this alert's earlier episode into “{candidate.title}”."
    reason = Reason(
        kind="bound",
        sentence=sentence,
        fields=fields,
        peer_alert_id=candidate.last_alert_id,
        config_version=config_version,
    )
    return Placement("join", candidate, reason)


_MINUTES_FROM: Final = 120
_HOURS_FROM: Final = 7200


def _span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 1:
        return "under a second"
    if seconds < _MINUTES_FROM:
        return f"{seconds:.0f} s"
    if seconds < _HOURS_FROM:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
