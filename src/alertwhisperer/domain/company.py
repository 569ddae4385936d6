"""A company: a client of the MSP, the tenant; and its settings."""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import Instant

ConfigType = Literal["correlation", "rate_limit", "webhook_security"]


class Company(Struct, frozen=True, kw_only=True):
    """A client of the MSP. `api_key` is the SHA-256 (hex) of the key; the key itself is only kept encrypted."""

    id: str
    name: str
    contact_email: str = ""
    time_zone: str = "UTC"
    maintenance_window: str = ""
    api_key: str
    api_key_encrypted: str
    created_at: Instant
    demo: bool = False


class PublicCompany(Struct, frozen=True, kw_only=True):
    """A company as answers show it: no key in any form."""

    id: str
    name: str
    contact_email: str
    time_zone: str
    maintenance_window: str
    created_at: Instant
    demo: bool


class Weights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the priority score is made of (SPEC §5), in points."""

    critical: int = 90
    high: int = 60
    medium: int = 30
    low: int = 10
    info: int = 0
    unknown: int = 30
    critical_asset: int = 20
    per_alert: int = 2
    alerts_at_most: int = 20
    tools_agree: int = 10
    age_per_hour: int = 1
    age_at_most: int = 10


class CorrelationConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How alerts of one company become incidents. `aggregation_key`: see `domain.correlation.KEYS`, or fields."""

    time_window_minutes: int = 15
    aggregation_key: str | list[str] = "asset|signature"
    min_alerts_for_incident: int = 1
    auto_correlate: bool = True
    resolve_with_alerts: bool = True
    resolve_quiet_minutes: int = 0
    reopen_hours: int = 24
    weights: Weights = Weights()


class RateLimitConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Token bucket of one company: alerts a minute, and how many may come at once."""

    requests_per_minute: int = 6_000
    burst_size: int = 10_000
    enabled: bool = True


class WebhookSecurityConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether deliveries must be signed, and with what. Secrets are AES-GCM ciphertext, never plain."""

    hmac_enabled: bool = False
    signature_header: str = "X-Signature"
    timestamp_header: str = "X-Timestamp"
    max_skew_seconds: int = 300
    secret_encrypted: str | None = None
    previous_encrypted: str | None = None
    previous_valid_until: Instant | None = None


class PublicWebhookSecurity(Struct, frozen=True, kw_only=True):
    """`WebhookSecurityConfig` as answers show it."""

    hmac_enabled: bool
    signature_header: str
    timestamp_header: str
    max_skew_seconds: int
    has_secret: bool
    previous_valid_until: Instant | None


class WebhookSecurityInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may set of it; secrets are made here, never typed in. Absent fields stay as they are."""

    hmac_enabled: bool | UnsetType = UNSET
    signature_header: str | UnsetType = UNSET
    timestamp_header: str | UnsetType = UNSET
    max_skew_seconds: int | UnsetType = UNSET


Config = CorrelationConfig | RateLimitConfig | WebhookSecurityConfig

CONFIGS: Final[dict[str, type[Config]]] = {
    "correlation": CorrelationConfig,
    "rate_limit": RateLimitConfig,
    "webhook_security": WebhookSecurityConfig,
}


class CompanyConfig(Struct, frozen=True, kw_only=True):
    """One stored setting of a company; `config_data` has the shape that `CONFIGS` names. `version` counts edits."""

    company_id: str
    config_type: ConfigType
    config_data: dict[str, object]
    version: int = 1
    updated_at: Instant


def check_config(config: Config) -> None:
    """Invalid, naming the field, where a value is outside what the product can honour."""
    match config:
        case CorrelationConfig():
            _within(config.time_window_minutes, 1, 1440, "time_window_minutes")
            _within(config.min_alerts_for_incident, 1, 100, "min_alerts_for_incident")
            _within(config.resolve_quiet_minutes, 0, 1440, "resolve_quiet_minutes")
            _within(config.reopen_hours, 0, 24 * 30, "reopen_hours")
            if isinstance(config.aggregation_key, list) and not config.aggregation_key:
                raise Invalid("name at least one field", "aggregation_key")
        case RateLimitConfig():
            _within(config.requests_per_minute, 1, 100_000_000, "requests_per_minute")
            _within(config.burst_size, 1, 100_000_000, "burst_size")
        case WebhookSecurityConfig():
            _within(config.max_skew_seconds, 1, 86_400, "max_skew_seconds")
            if config.hmac_enabled and not config.secret_encrypted:
                raise Invalid("make a secret first (rotate)", "hmac_enabled")
            for field in ("signature_header", "timestamp_header"):
                header = getattr(config, field)
                if not header or not header.replace("-", "").isalnum() or not header.isascii():
                    raise Invalid("must be a header name: letters, digits, hyphens", field)


def _within(value: int, least: int, most: int, field: str) -> None:
    if not least <= value <= most:
        raise Invalid(f"must be from {least} to {most}", field)


def publish(company: Company) -> PublicCompany:
    """The company without its key."""
    return PublicCompany(
        id=company.id,
        name=company.name,
        contact_email=company.contact_email,
        time_zone=company.time_zone,
        maintenance_window=company.maintenance_window,
        created_at=company.created_at,
        demo=company.demo,
    )


def publish_security(config: WebhookSecurityConfig) -> PublicWebhookSecurity:
    """The setting without its secrets."""
    return PublicWebhookSecurity(
        hmac_enabled=config.hmac_enabled,
        signature_header=config.signature_header,
        timestamp_header=config.timestamp_header,
        max_skew_seconds=config.max_skew_seconds,
        has_secret=config.secret_encrypted is not None,
        previous_valid_until=config.previous_valid_until,
    )


def key_place(company_id: str) -> tuple[str, str, str, str]:
    """Where a company's sealed API key is kept."""
    return (company_id, "companies", company_id, "api_key_encrypted")


def secret_place(company_id: str) -> tuple[str, str, str, str]:
    """Where a company's sealed HMAC secrets, present and previous, are kept."""
    return (company_id, "company_configs", "webhook_security", "hmac_secret")
