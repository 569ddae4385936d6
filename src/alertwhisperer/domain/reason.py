"""Why an alert is where it is."""

from typing import Literal

from msgspec import Struct

ReasonKind = Literal["opened", "same_key", "repeat", "reopened", "bound", "minimum", "manual", "off"]


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """Why an alert is where it is, in words and in data. `score` is the evidence, from 0 to 1."""

    kind: ReasonKind
    sentence: str
    fields: dict[str, str] = {}
    window_minutes: int | None = None
    gap_seconds: float | None = None
    peer_alert_id: str | None = None
    linked_incident_id: str | None = None
    score: float = 1.0
    config_version: int = 0
