"""Documents of the older product's database as ours; pure, and the same every time.

There an alert was each single message, and ids were random: here ids begin with their time (RFC 9562), made from what
they were, so that whoever points to one still does. The old id stays in `metadata`.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, get_args

from msgspec import DecodeError, json
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert, AlertStatus, IncomingAlert, clear
from alertwhisperer.domain.audit import AuditEntry
from alertwhisperer.domain.company import CONFIGS, Company, CompanyConfig, key_place, secret_place
from alertwhisperer.domain.correlation import key_reader
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.incident import Incident, IncidentStatus, add, open_for, settled
from alertwhisperer.domain.instant import Instant, moment, tolerant
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.scope import Role
from alertwhisperer.domain.user import User
from alertwhisperer.ports import Key
from alertwhisperer.sources.parsed import severity_of

Old = Mapping[str, Any]
Seal = Callable[[str, Key], str]
"""Seals a secret for its place."""

IMPORTED: Final = "import"
ROLES: Final[dict[str, Role]] = {"admin": "msp_admin", **{each: each for each in get_args(Role)}}
CONFIG_COLLECTIONS: Final = {
    "correlation_config": "correlation",
    "rate_limit_config": "rate_limit",
    "webhook_security_config": "webhook_security",
}
_HALF: Final = 0x3FFF_FFFF_FFFF_FFFF


def id_at(at: Instant, old_id: str) -> str:
    """A UUIDv7 of this instant whose other bits come from the old id."""
    milliseconds = f"{int(moment(at).timestamp() * 1000):012x}"
    digest = sha256(old_id.encode()).digest()
    tail = f"{int.from_bytes(digest[:8], 'big') & _HALF | 1 << 63:016x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7{digest[8:10].hex()[:3]}-{tail[:4]}-{tail[4:]}"


def company(old: Old, seal: Seal, now: Instant) -> Company:
    """A company with its key, hashed and sealed. Invalid without an id, a name or a key."""
    company_id, key = _text(old, "id"), _text(old, "api_key")
    window = old.get("maintenance_window") or ""
    return Company(
        id=company_id,
        name=_text(old, "name"),
        contact_email=str(old.get("contact_email") or ""),
        maintenance_window=window if isinstance(window, str) else json.encode(window).decode(),
        api_key=sha256(key.encode()).hexdigest(),
        api_key_encrypted=seal(key, key_place(company_id)),
        created_at=tolerant(old.get("created_at")) or now,
    )


def user(old: Old, now: Instant) -> User:
    """A person who has to choose a new password: ours are hashed otherwise."""
    companies = old.get("company_ids") or [each for each in (old.get("company_id"),) if each]
    return User(
        id=_text(old, "id"),
        email=_text(old, "email").lower(),
        name=str(old.get("name") or old["email"]),
        hashed_password="",
        role=ROLES.get(str(old.get("role")), "technician"),
        company_ids=[str(each) for each in companies],
        created_at=tolerant(old.get("created_at")) or now,
    )


def config(name: str, old: Old, *, seal: Seal, now: Instant) -> CompanyConfig:
    """A setting, of what ours knows of it; an HMAC secret is sealed."""
    company_id, config_type = _text(old, "company_id"), CONFIG_COLLECTIONS[name]
    known = CONFIGS[config_type].__struct_fields__
    fields = {field: value for field, value in old.items() if field in known and not field.endswith("_encrypted")}
    if config_type == "webhook_security" and old.get("hmac_secret"):
        fields["secret_encrypted"] = seal(str(old["hmac_secret"]), secret_place(company_id))
    try:
        json.decode(json.encode(fields), type=CONFIGS[config_type])
    except DecodeError as error:
        raise Invalid(str(error)) from error
    return CompanyConfig(
        company_id=company_id,
        config_type=config_type,  # type: ignore[arg-type]  # the values of CONFIG_COLLECTIONS are config types
        config_data=fields,
        updated_at=tolerant(old.get("updated_at")) or now,
    )


def audit_entry(company_id: str, old: Old, now: Instant) -> AuditEntry:
    """An entry that is not linked yet."""
    at = tolerant(old.get("timestamp")) or now
    return AuditEntry(
        company_id=company_id,
        id=id_at(at, _text(old, "id")),
        timestamp=at,
        action=str(old.get("action") or IMPORTED),
        user_id=str(old.get("user_id") or ""),
        user_name=str(old.get("user_name") or ""),
        ip_address=old.get("ip_address"),
        details={**_object(old.get("details")), "legacy_id": str(old["id"])},
    )


def alert(old: Old, incident_id: str | None, now: Instant) -> Alert:
    """One message as an episode of its own."""
    at = tolerant(old.get("timestamp")) or now
    asset, signature = _text(old, "asset_name"), _text(old, "signature")
    tool, status = str(old.get("tool_source") or "webhook"), str(old.get("status") or "active")
    stable = f"{tool}|{asset}|{signature}"
    made = Alert(
        id=id_at(at, _text(old, "id")),
        company_id=_text(old, "company_id"),
        asset_name=asset,
        signature=signature,
        severity=severity_of(old.get("severity"))[0],
        message=str(old.get("message") or ""),
        tool_source=tool,
        timestamp=at,
        received_at=at,
        last_received_at=at,
        status=status if status in get_args(AlertStatus) else "active",  # type: ignore[arg-type]  # it is one of them
        priority_score=int(old.get("priority_score") or 0),
        correlated_incident_id=incident_id,
        delivery_id=str(old.get("delivery_id") or ""),
        delivery_attempts=int(old.get("delivery_attempts") or 1),
        dedup_key=stable,
        stable_key=stable,
        metadata={**_object(old.get("metadata")), "legacy_id": str(old["id"])},
    )
    return clear(made, at=at, by=IMPORTED) if status == "resolved" else made


def one_episode_each(alerts: Sequence[Alert]) -> list[Alert]:
    """Of several open alerts of one condition the newest goes on; the others keep to themselves."""
    newest = {each.dedup_key: each.id for each in sorted(alerts, key=lambda one: one.id) if each.status != "resolved"}
    return [
        each
        if each.status == "resolved" or newest[each.dedup_key] == each.id
        else replace(each, dedup_key=f"{each.dedup_key}|{each.id}")
        for each in alerts
    ]


def incident(old: Old, alerts: Sequence[Alert], now: Instant) -> Incident:
    """An incident of these alerts. Invalid if it has none: nothing would say what it is about."""
    if not alerts:
        raise Invalid("has no alert", "alert_ids")
    first = alerts[0]
    key, fields = key_reader("asset|signature")(_incoming(first))
    reason = Reason(kind="manual", sentence="It was imported from an older database.", fields=fields)
    created = tolerant(old.get("created_at")) or first.received_at
    made = open_for(
        first,
        incident_id=incident_id(old, now),
        company_id=first.company_id,
        key=key,
        reason=reason,
        now=created,
    )
    updated = tolerant(old.get("updated_at")) or created
    for each in alerts:
        made = add(made, each, critical_asset=False, now=updated)
        made = settled(made, updated) if each.status == "resolved" else made
    return _with_work(made, old, updated)


def _with_work(made: Incident, old: Old, updated: Instant) -> Incident:
    status = str(old.get("status") or "new")
    resolved = status == "resolved"
    return replace(
        made,
        title=str(old.get("title") or made.title),
        description=str(old.get("description") or made.description),
        status=status if status in get_args(IncidentStatus) else "new",
        severity=severity_of(old.get("severity") or made.severity)[0],
        priority_score=int(old.get("priority_score") or 0),
        assigned_to=old.get("assigned_to"),
        assigned_at=tolerant(old.get("assigned_at")),
        resolved_at=(tolerant(old.get("resolved_at")) or updated) if resolved else None,
        resolved_by=str(old.get("resolved_by") or IMPORTED) if resolved else None,
        resolution_notes=str(old.get("resolution_notes") or ""),
        escalated=bool(old.get("escalated")),
        escalation_level=int(old.get("escalation_level") or 0),
        metadata={**_object(old.get("metadata")), "legacy_id": str(old["id"])},
        updated_at=updated,
    )


def incident_id(old: Old, now: Instant) -> str:
    """The id that an incident gets."""
    return id_at(tolerant(old.get("created_at")) or now, _text(old, "id"))


def _incoming(of: Alert) -> IncomingAlert:
    return IncomingAlert(
        asset_name=of.asset_name,
        signature=of.signature,
        message=of.message,
        severity=of.severity,
        tool_source=of.tool_source,
        dedup_key=of.dedup_key,
        stable_key=of.stable_key,
    )


def _text(old: Old, field: str) -> str:
    value = old.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("is missing", field)
    return value.strip()


def _object(value: object) -> dict[str, object]:
    """An object, also where it was kept as JSON in a text."""
    if isinstance(value, str) and value:
        try:
            value = json.decode(value)
        except DecodeError:
            return {"text": value}
    return {str(name).replace(".", "_"): each for name, each in value.items()} if isinstance(value, Mapping) else {}
