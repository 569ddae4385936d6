"""Prometheus Alertmanager's webhook, version 4.

Source: Alertmanager's `notify/webhook` Message and `template` Data; fields in prometheus.io, "Alertmanager
configuration", `<webhook_config>`. Each alert carries its own status; the envelope's is that of the group.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import tolerant
from alertwhisperer.sources import parsed
from alertwhisperer.sources.parsed import Parsed, Rejected

TOOL: Final = "Alertmanager"
_ASSET_LABELS: Final = (
    "exported_instance",
    "instance",
    "node",
    "host",
    "hostname",
    "pod",
    "service",
    "job",
    "namespace",
)


class Item(Struct, frozen=True):
    """One alert of a group. `endsAt` is the zero time while it fires."""

    status: str = "firing"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    startsAt: object = None  # noqa: N815  # Alertmanager's own spelling
    endsAt: object = None  # noqa: N815
    generatorURL: str = ""  # noqa: N815
    fingerprint: str = ""


class Message(Struct, frozen=True):
    """One notification: a group of alerts from one Alertmanager, which `externalURL` names."""

    alerts: list[msgspec.Raw]
    version: str = ""
    groupKey: str = ""  # noqa: N815
    truncatedAlerts: int = 0  # noqa: N815
    externalURL: str = ""  # noqa: N815
    receiver: str = ""


_MESSAGE: Final = msgspec.json.Decoder(Message)
_ITEM: Final = msgspec.json.Decoder(Item)


def parse(body: bytes) -> Parsed:
    """The alerts of one notification; Invalid when it is not one."""
    try:
        message = _MESSAGE.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(f"is not an Alertmanager notification: {error}", "body") from error
    except msgspec.DecodeError as error:
        raise Invalid(f"is not valid JSON: {error}", "body") from error
    if message.version not in ("", "4"):
        raise Invalid(f"version {message.version!r} of Alertmanager's webhook is not known; 4 is", "version")
    if len(message.alerts) > parsed.ALERTS_AT_MOST:
        raise Invalid(f"must hold at most {parsed.ALERTS_AT_MOST} alerts", "alerts")
    warnings = []
    if message.truncatedAlerts > 0:
        warnings.append(f"Alertmanager left out {message.truncatedAlerts} alerts (max_alerts)")
    items = [_item(bytes(raw), message.externalURL, n) for n, raw in enumerate(message.alerts)]
    return Parsed(items=items, batch=True, warnings=warnings)


def _item(raw: bytes, sender: str, number: int) -> IncomingAlert | Rejected:
    try:
        return _incoming(_ITEM.decode(raw), sender)
    except msgspec.DecodeError as error:
        return Rejected(message=str(error), field=f"alerts.{number}")
    except Invalid as error:
        return Rejected(message=str(error), field=f"alerts.{number}.{error.field}")


def _incoming(item: Item, sender: str) -> IncomingAlert:
    signature = parsed.required(item.labels.get("alertname"), "labels.alertname", parsed.NAME_AT_MOST)
    asset = next((item.labels[name] for name in _ASSET_LABELS if item.labels.get(name)), None)
    severity, warnings = parsed.severity_of(item.labels.get("severity"))
    if asset is None:
        warnings = [*warnings, "no label names where this is; the alert's name stands for it"]
    starts = tolerant(item.startsAt)
    if starts is None:
        warnings = [*warnings, "startsAt could not be read; the time of receipt stands for it"]
    key = f"{item.fingerprint or _own_fingerprint(item.labels)}@{sender}"
    summary, description = item.annotations.get("summary", ""), item.annotations.get("description", "")
    return IncomingAlert(
        asset_name=parsed.required(asset or signature, "labels.instance", parsed.NAME_AT_MOST),
        signature=signature,
        message=(summary or description or signature)[: parsed.MESSAGE_AT_MOST],
        severity=severity,
        status=_status(item.status),
        tool_source=TOOL,
        dedup_key=key,
        stable_key=key,
        occurred_at=starts,
        labels=_labels(item.labels, description if summary else ""),
        urls=parsed.safe_urls(item.annotations.get("runbook_url"), item.generatorURL),
        warnings=warnings,
    )


def _status(word: str) -> Literal["firing", "resolved"]:
    if word in ("firing", "resolved"):
        return "firing" if word == "firing" else "resolved"
    raise Invalid("must be firing or resolved", "status")


def _labels(labels: Mapping[str, str], description: str) -> dict[str, str]:
    """The labels, under names that every engine holds (newer Prometheus allows dots in them)."""
    held = {name.replace(".", "_").lstrip("$"): value for name, value in labels.items()}
    return parsed.labels_of({**held, "description": description} if description else held)


def _own_fingerprint(labels: Mapping[str, str]) -> str:
    """What stands for a fingerprint that a custom payload left out: the labels themselves, in order."""
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))
