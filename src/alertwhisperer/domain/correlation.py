"""Which alerts are one incident, and why: layer 0, the repeat key of `aggregation_key` and its window."""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, seconds_between
from alertwhisperer.domain.reason import Reason, ReasonKind


class Placement(Struct, frozen=True):
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

_ALIASES: Final = {"asset": "asset_name", "tool": "tool_source"}
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
    """A function from an incoming alert to its correlation key and the named values that make it."""
    fields = key_fields_of(aggregation_key)

    def read(incoming: IncomingAlert) -> tuple[str, dict[str, str]]:
        values = {
            field: incoming.labels.get(field[7:], "") if field.startswith("labels.") else str(getattr(incoming, field))
            for field in fields
        }
        return "|".join(_escape(value) for value in values.values()), values

    return read


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|") if "|" in value or "\\" in value else value


def describe(fields: dict[str, str]) -> str:
    """`asset db-01 and signature disk_full`: the shared values, for a sentence."""
    names = {"asset_name": "asset", "tool_source": "tool"}
    return " and ".join(f"{names.get(field, field)} {value or '(empty)'}" for field, value in fields.items())


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
    shared = describe(fields)
    linked = candidate.id if candidate else None

    def because(
        kind: ReasonKind,
        sentence: str,
        gap: float | None = None,
        peer: str | None = None,
    ) -> Reason:
        return Reason(
            kind=kind,
            sentence=sentence,
            fields=fields,
            window_minutes=window,
            gap_seconds=gap,
            peer_alert_id=peer,
            linked_incident_id=linked if kind == "opened" else None,
            config_version=config_version,
        )

    if not config.auto_correlate:
        return Placement(
            "leave",
            None,
            because("off", "Correlation is switched off for this company."),
        )
    if candidate is not None:
        closed = candidate.resolved_at
        gap = seconds_between(closed or candidate.last_alert_at, now)
        if gap <= window * 60:
            if closed is None:
                sentence = f"Same {shared}, {_span(gap)} after the last alert (window {window} min)."
                return Placement(
                    "join",
                    candidate,
                    because("same_key", sentence, gap, candidate.last_alert_id),
                )
            sentence = f"Same {shared}, {_span(gap)} after this incident was resolved (window {window} min)."
            return Placement(
                "reopen",
                candidate,
                because("reopened", sentence, gap, candidate.last_alert_id),
            )
    if pending + 1 < config.min_alerts_for_incident:
        sentence = f"{pending + 1} of {config.min_alerts_for_incident} alerts with {shared} that an incident needs."
        return Placement("leave", None, because("minimum", sentence))
    if candidate is not None:
        sentence = f"Opened: the last alert with {shared} came {_span(gap)} before, outside the window of {window} min."
        return Placement("open", None, because("opened", sentence, gap))
    return Placement("open", None, because("opened", f"Opened by the first alert with {shared}."))


def _span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 1:
        return "under a second"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
