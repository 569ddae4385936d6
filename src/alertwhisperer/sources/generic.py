"""Our own webhook form: one alert, an array of alerts, or NDJSON (SPEC §3)."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import Instant, tolerant
from alertwhisperer.sources import parsed
from alertwhisperer.sources.parsed import Parsed, Rejected


class Payload(Struct, frozen=True, gc=False):
    """One alert as people write it. Fields that are not named here are passed over."""

    asset_name: object = None
    signature: object = None
    severity: object = None
    message: object = None
    tool_source: object = None
    status: object = None
    timestamp: object = None
    dedup_key: object = None
    labels: object = None
    url: object = None


Name = Annotated[str, Meta(min_length=1, max_length=parsed.NAME_AT_MOST)]
Label = Annotated[str, Meta(max_length=parsed.LABEL_AT_MOST)]


class PlainPayload(Struct, frozen=True, gc=False):
    """The same as programs write it: every field of its usual type and within bounds."""

    asset_name: Name
    signature: Name
    message: Annotated[str, Meta(min_length=1, max_length=parsed.MESSAGE_AT_MOST)]
    severity: str | None = None
    tool_source: Name | None = None
    status: Literal["firing", "resolved"] = "firing"
    timestamp: object = None
    dedup_key: Name | None = None
    labels: Annotated[dict[str, Label], Meta(max_length=parsed.LABELS_AT_MOST)] | None = None
    url: object = None


_ONE: Final = msgspec.json.Decoder(Payload)
_ONE_PLAIN: Final = msgspec.json.Decoder(PlainPayload)
_MANY: Final = msgspec.json.Decoder(list[Raw])
_FIRING: Final = ("firing", "active", "open", "problem", "triggered")
_CLEARED: Final = ("resolved", "ok", "closed", "cleared", "recovered")


def parse(body: bytes) -> Parsed:
    """The alerts of a body; Invalid when the whole cannot be read."""
    is_plain = b"\\" not in body
    start = body.lstrip()[:1]
    if start == b"[":
        try:
            raws = _MANY.decode(body)
        except msgspec.DecodeError as error:
            raise Invalid(f"is not valid JSON: {error}", "body") from error
        _not_too_many(len(raws))
        return Parsed(items=[_item(each, is_plain=is_plain) for each in raws], batch=True)
    lines = [line for line in body.splitlines() if line.strip()] if b"\n" in body.strip() else [body]
    if len(lines) > 1 and _is_ndjson(lines[0]):
        _not_too_many(len(lines))
        return Parsed(items=[_item(line, is_plain=is_plain) for line in lines], batch=True)
    return Parsed(items=[read(body, is_plain=is_plain)], batch=False)


def _is_ndjson(first_line: bytes) -> bool:
    try:
        msgspec.json.decode(first_line, type=Raw)
    except msgspec.DecodeError:
        return False
    return True


def _not_too_many(count: int) -> None:
    if count > parsed.ALERTS_AT_MOST:
        raise Invalid(f"must hold at most {parsed.ALERTS_AT_MOST} alerts, this has {count}", "body")
    if count == 0:
        raise Invalid("holds no alerts", "body")


def _item(body: bytes | Raw, *, is_plain: bool) -> IncomingAlert | Rejected:
    try:
        return read(body, is_plain=is_plain)
    except Invalid as error:
        return Rejected(message=str(error), field=error.field)


def read(body: bytes | Raw, *, is_plain: bool) -> IncomingAlert:
    """One alert; Invalid names the first field that is wrong.

    is_plain: there is no backslash in it. A JSON text without one holds no control character and no lone surrogate,
    since both can only come as escapes.
    """
    if len(body) > parsed.ALERT_BYTES_AT_MOST:
        raise Invalid(f"an alert must have at most {parsed.ALERT_BYTES_AT_MOST // 1024} KB", "body")
    return (_read_plain(body) if is_plain else None) or _read_any(bytes(body))


def _read_plain(body: bytes | Raw) -> IncomingAlert | None:
    """The alert, if nothing in it needs a closer look; None if something may."""
    try:
        payload = _ONE_PLAIN.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    asset, signature, message = payload.asset_name.strip(), payload.signature.strip(), payload.message.strip()
    tool, labels, key = payload.tool_source, payload.labels, payload.dedup_key
    tool = tool.strip() if tool else "webhook"
    key = key.strip() if key else None
    if not (asset and signature and message and tool and key != "") or (labels and not parsed.are_plain(labels)):
        return None
    severity, warnings = parsed.severity_of(payload.severity)
    occurred_at, warnings = _occurred_at(payload.timestamp, warnings)
    stable = f"{_escape(tool)}|{_escape(asset)}|{_escape(signature)}"
    return IncomingAlert(
        asset_name=asset,
        signature=signature,
        message=message,
        severity=severity,
        status=payload.status,
        tool_source=tool,
        dedup_key=key or stable,
        stable_key=stable,
        occurred_at=occurred_at,
        labels=labels or {},
        urls=parsed.safe_urls(payload.url) if payload.url is not None else [],
        warnings=warnings,
    )


def _read_any(body: bytes) -> IncomingAlert:
    try:
        payload = _ONE.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(f"must be a JSON object: {error}", _path(str(error)) or "body") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"is not valid JSON: {error}", "body") from error
    return _incoming(payload)


def _occurred_at(timestamp: object, warnings: list[str]) -> tuple[Instant | None, list[str]]:
    """When the sender says it happened, and the warnings with one more if that cannot be read."""
    if timestamp is None:
        return None, warnings
    occurred_at = tolerant(timestamp)
    if occurred_at is None:
        warnings = [*warnings, "timestamp could not be read; the time of receipt stands for it"]
    return occurred_at, warnings


def _path(message: str) -> str | None:
    found = re.search(r"at `\$\.([^`]+)`", message)
    return found.group(1) if found else None


def _incoming(payload: Payload) -> IncomingAlert:
    asset = parsed.required(payload.asset_name, "asset_name", parsed.NAME_AT_MOST)
    signature = parsed.required(payload.signature, "signature", parsed.NAME_AT_MOST)
    message = parsed.required(payload.message, "message", parsed.MESSAGE_AT_MOST)
    tool = _optional(payload.tool_source, "tool_source") or "webhook"
    severity, warnings = parsed.severity_of(payload.severity)
    occurred_at, warnings = _occurred_at(payload.timestamp, warnings)
    stable = f"{_escape(tool)}|{_escape(asset)}|{_escape(signature)}"
    return IncomingAlert(
        asset_name=asset,
        signature=signature,
        message=message,
        severity=severity,
        status=_status(payload.status),
        tool_source=tool,
        dedup_key=_optional(payload.dedup_key, "dedup_key") or stable,
        stable_key=stable,
        occurred_at=occurred_at,
        labels=parsed.labels_of(payload.labels) if payload.labels is not None else {},
        urls=parsed.safe_urls(payload.url) if payload.url is not None else [],
        warnings=warnings,
    )


def _optional(value: object, field: str) -> str | None:
    return None if value is None or value == "" else parsed.required(value, field, parsed.NAME_AT_MOST)


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|") if "|" in part or "\\" in part else part


def _status(value: object) -> Literal["firing", "resolved"]:
    word = "firing" if value is None else str(value).strip().lower()
    if word in _FIRING:
        return "firing"
    if word in _CLEARED:
        return "resolved"
    raise Invalid("must be firing or resolved", "status")
