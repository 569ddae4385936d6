"""Companies, their API keys and their settings. A company's document and settings live in its own log."""

import secrets
from collections.abc import Callable
from hashlib import sha256
from types import NoneType
from typing import Final, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, Struct, UnsetType, convert, to_builtins
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import (
    CONFIGS,
    Company,
    CompanyConfig,
    Config,
    ConfigType,
    CorrelationConfig,
    PublicCompany,
    PublicWebhookSecurity,
    WebhookSecurityConfig,
    WebhookSecurityInput,
    check_config,
    key_place,
    publish,
    publish_security,
    secret_place,
)
from alertwhisperer.domain.correlation import key_fields_of
from alertwhisperer.domain.errors import Invalid, NotFound
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.scope import MSP, Scope, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.ports import Reader, Vault

C = TypeVar("C", bound=Config)

OVERLAP_AT_MOST: Final = 7 * 24 * 60
NAME_AT_MOST: Final = 200
EMAIL_AT_MOST: Final = 254


class NewCompany(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client of the MSP to add. `time_zone` is a name of the IANA database."""

    name: str
    contact_email: str = ""
    time_zone: str = "UTC"
    maintenance_window: str = ""


class CompanyChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a company; absent fields stay as they are."""

    name: str | UnsetType = UNSET
    contact_email: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    maintenance_window: str | UnsetType = UNSET


class CompanySummary(Struct, frozen=True, kw_only=True):
    """How a company stands now. `alerts_last_hour` counts fires, `last_alert_at` is the newest alert's receipt."""

    company_id: str
    open_incidents: int
    open_critical: int
    unacknowledged: int
    active_alerts: int
    alerts_last_hour: int
    last_alert_at: Instant | None


def random_key() -> str:
    """An API key: 256 bits behind a prefix by which secret scanners know it."""
    return f"aw_{secrets.token_urlsafe(32)}"


def random_secret() -> str:
    """An HMAC secret of 256 bits."""
    return secrets.token_hex(32)


def key_digest(api_key: str) -> str:
    """The form in which a key is stored and looked up: SHA-256, hex. It has 256 bits, so it needs no salt."""
    return sha256(api_key.encode()).hexdigest()


class Companies:
    """Everything that is done to a company and its settings."""

    def __init__(
        self,
        runner: Runner,
        reader: Reader,
        vault: Vault,
        counters: Counters,
        *,
        new_key: Callable[[], str] = random_key,
        new_secret: Callable[[], str] = random_secret,
    ) -> None:
        self._runner = runner
        self._reader = reader
        self._vault = vault
        self._counters = counters
        self._new_key = new_key
        self._new_secret = new_secret

    async def visible(self, scopes: Scopes) -> list[PublicCompany]:
        """These companies, by name."""
        require(scopes.actor, "company.read")
        found = await self._reader.get_many(Company, [(each,) for each in scopes.company_ids])
        return [publish(each) for each in sorted(found, key=lambda each: each.name.lower())]

    async def get(self, scope: Scope) -> PublicCompany:
        """The company of the scope."""
        require(scope.actor, "company.read")
        return publish(await self._stored(scope.company_id))

    async def create(
        self, scope: Scope, new: NewCompany, once: Once | None = None, *, demo: bool = False
    ) -> tuple[PublicCompany, str]:
        """A new company and its API key. `scope` is the MSP's: the company's own log begins here."""
        require(scope.actor, "company.create")
        fields = _checked(new.name, new.contact_email, new.time_zone)
        # Drawn once under the idempotency key, so that a repeat comes to the same company.
        company_id = await self._runner.run_once(Scope(MSP, scope.actor), once, str, lambda draft: draft.new_id())
        api_key = self._new_key()

        def decide(draft: Draft) -> PublicCompany:
            company = Company(
                id=company_id,
                name=fields[0],
                contact_email=fields[1],
                time_zone=fields[2],
                maintenance_window=new.maintenance_window,
                api_key=key_digest(api_key),
                api_key_encrypted=self._vault.seal(api_key, place=key_place(company_id)),
                created_at=draft.now,
                demo=demo,
            )
            _write(draft, company, "company.created", {"name": company.name})
            return publish(company)

        here = Scope(company_id, scope.actor)
        company = await self._runner.run_once(here, once, PublicCompany, decide)
        return company, await self._key(company_id)

    async def update(self, scope: Scope, changes: CompanyChanges, once: Once | None = None) -> PublicCompany:
        """The company afterwards."""
        require(scope.actor, "company.update")

        def decide(draft: Draft) -> PublicCompany:
            before = _of(draft)
            after = _changed(before, changes)
            if after != before:
                names = [name for name in changes.__struct_fields__ if getattr(changes, name) is not UNSET]
                details: dict[str, object] = {name: [getattr(before, name), getattr(after, name)] for name in names}
                _write(draft, after, "company.updated", details)
            return publish(after)

        return await self._runner.run_once(scope, once, PublicCompany, decide)

    async def reveal_key(self, scope: Scope) -> str:
        """The API key in plain; audited before it is shown."""
        require(scope.actor, "company.reveal_key")
        await self._runner.run(scope, lambda draft: draft.audit("company.key_revealed", {}))
        return await self._key(scope.company_id)

    async def rotate_key(self, scope: Scope, once: Once | None = None) -> str:
        """A new API key; the old one is refused from now on. A repeat shows the present key."""
        require(scope.actor, "company.rotate_key")
        api_key = self._new_key()
        sealed = self._vault.seal(api_key, place=key_place(scope.company_id))

        def decide(draft: Draft) -> None:
            after = replace(_of(draft), api_key=key_digest(api_key), api_key_encrypted=sealed)
            _write(draft, after, "company.key_rotated", {})

        await self._runner.run_once(scope, once, NoneType, decide)
        return await self._key(scope.company_id)

    async def config(self, scope: Scope, kind: type[C]) -> C:
        """A setting of the company; the defaults where nothing is stored."""
        require(scope.actor, "config.read")
        await self._stored(scope.company_id)
        stored = await self._reader.get(CompanyConfig, (scope.company_id, _config_type(kind)))
        return convert(stored.config_data, kind) if stored else kind()

    async def set_config(self, scope: Scope, config: C, once: Once | None = None) -> C:
        """Replace a setting that holds no secret. Invalid, naming the field, for what cannot be honoured."""
        require(scope.actor, "config.write")
        _check(config)

        def decide(draft: Draft) -> C:
            _put_config(draft, config)
            return config

        return await self._runner.run_once(scope, once, type(config), decide)

    async def security(self, scope: Scope) -> PublicWebhookSecurity:
        """Whether deliveries must be signed, and how; never with what."""
        return publish_security(await self.config(scope, WebhookSecurityConfig))

    async def set_security(
        self, scope: Scope, wanted: WebhookSecurityInput, once: Once | None = None
    ) -> PublicWebhookSecurity:
        """Change what a person may set of it; the secrets stay."""
        require(scope.actor, "config.write")

        def decide(draft: Draft) -> PublicWebhookSecurity:
            before, _ = draft.config(WebhookSecurityConfig)
            given = {
                name: getattr(wanted, name) for name in wanted.__struct_fields__ if getattr(wanted, name) is not UNSET
            }
            after = replace(before, **given)
            _check(after)
            _put_config(draft, after)
            return publish_security(after)

        return await self._runner.run_once(scope, once, PublicWebhookSecurity, decide)

    async def rotate_secret(self, scope: Scope, *, overlap_minutes: int = 60, once: Once | None = None) -> str:
        """A new HMAC secret; the old one is accepted for `overlap_minutes` more. The first call makes one."""
        require(scope.actor, "config.reveal_secret")
        if not 0 <= overlap_minutes <= OVERLAP_AT_MOST:
            raise Invalid(f"must be from 0 to {OVERLAP_AT_MOST}", "overlap_minutes")
        sealed = self._vault.seal(self._new_secret(), place=secret_place(scope.company_id))

        def decide(draft: Draft) -> str:
            before, _ = draft.config(WebhookSecurityConfig)
            keep = before.secret_encrypted if overlap_minutes else None
            after = replace(
                before,
                secret_encrypted=sealed,
                previous_encrypted=keep,
                previous_valid_until=plus(draft.now, overlap_minutes * 60) if keep else None,
            )
            _put_config(draft, after, "config.secret_rotated", {"overlap_minutes": overlap_minutes})
            return sealed

        # A repeat is answered with the first one's secret: the receipt keeps it sealed.
        made = await self._runner.run_once(scope, once, str, decide)
        return self._vault.unseal(made, place=secret_place(scope.company_id))

    async def reveal_secret(self, scope: Scope) -> str:
        """The HMAC secret in plain; audited before it is shown. NotFound if none was made."""
        require(scope.actor, "config.reveal_secret")

        def decide(draft: Draft) -> str:
            sealed = draft.config(WebhookSecurityConfig)[0].secret_encrypted
            if sealed is None:
                raise NotFound("no secret has been made yet (rotate makes the first)")
            draft.audit("config.secret_revealed", {})
            return sealed

        sealed = await self._runner.run(scope, decide)
        return self._vault.unseal(sealed, place=secret_place(scope.company_id))

    async def summary(self, scope: Scope) -> CompanySummary:
        """How the company stands now."""
        require(scope.actor, "company.read")
        company_id, reader = scope.company_id, self._reader
        await self._stored(company_id)
        still_open = {"company_id": company_id, "status": {"$ne": "resolved"}}
        newest = await reader.select(Alert, {"company_id": company_id}, limit=1)
        now = self._runner.clock.now()
        minutes = await self._counters.counts(scope, "minute", plus(now, -59 * 60), now)
        return CompanySummary(
            company_id=company_id,
            open_incidents=await reader.count(Incident, still_open),
            open_critical=await reader.count(Incident, {**still_open, "severity": "critical"}),
            unacknowledged=await reader.count(Incident, {**still_open, "acknowledged_at": None}),
            active_alerts=await reader.count(Alert, still_open),
            alerts_last_hour=sum(counts.get("alerts.fires", 0) for counts in minutes.values()),
            last_alert_at=newest[0].received_at if newest else None,
        )

    async def _stored(self, company_id: str) -> Company:
        company = await self._reader.get(Company, (company_id,))
        if company is None:
            raise NotFound("no such company")
        return company

    async def _key(self, company_id: str) -> str:
        company = await self._stored(company_id)
        return self._vault.unseal(company.api_key_encrypted, place=key_place(company_id))


def _of(draft: Draft) -> Company:
    if draft.company is None:
        raise NotFound("no such company")
    return draft.company


def _write(draft: Draft, company: Company, action: str, details: dict[str, object]) -> None:
    draft.put(company)
    draft.tell("company_updated", publish(company))
    draft.audit(action, details)


def _put_config(
    draft: Draft,
    config: Config,
    action: str = "config.updated",
    details: dict[str, object] | None = None,
) -> None:
    _of(draft)
    before, version = draft.config(type(config))
    config_type = _config_type(type(config))
    if config == before and version:
        return
    draft.put(
        CompanyConfig(
            company_id=draft.company_id,
            config_type=config_type,
            config_data=to_builtins(config),
            version=version + 1,
            updated_at=draft.now,
        )
    )
    draft.tell("company_updated", publish(_of(draft)))
    draft.audit(action, {"config_type": config_type, "version": version + 1, **(details or _shown(config))})


def _config_type(kind: type[Struct]) -> ConfigType:
    return cast("ConfigType", next(name for name, each in CONFIGS.items() if each is kind))


def _shown(config: Config) -> dict[str, object]:
    """A setting as the audit keeps it: without secrets."""
    fields: dict[str, object] = to_builtins(
        publish_security(config) if isinstance(config, WebhookSecurityConfig) else config
    )
    return fields


def _check(config: Config) -> None:
    if isinstance(config, CorrelationConfig):
        try:
            key_fields_of(config.aggregation_key)
        except KeyError as error:
            raise Invalid(f"{error.args[0]} is not a field of an alert", "aggregation_key") from error
    check_config(config)


def _checked(name: str, contact_email: str, time_zone: str) -> tuple[str, str, str]:
    """Name, address and zone as they are kept; Invalid, naming the field."""
    name, contact_email = name.strip(), contact_email.strip()
    if not 1 <= len(name) <= NAME_AT_MOST or not name.isprintable():
        raise Invalid(f"must have from 1 to {NAME_AT_MOST} printable characters", "name")
    if contact_email and ("@" not in contact_email or len(contact_email) > EMAIL_AT_MOST):
        raise Invalid("must be an e-mail address", "contact_email")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if time_zone != "UTC":
            raise Invalid("must be a zone of the IANA database, such as Europe/Vienna", "time_zone") from error
    return name, contact_email, time_zone


def _changed(company: Company, changes: CompanyChanges) -> Company:
    given = {name: getattr(changes, name) for name in changes.__struct_fields__ if getattr(changes, name) is not UNSET}
    after = replace(company, **given)
    name, contact_email, time_zone = _checked(after.name, after.contact_email, after.time_zone)
    return replace(after, name=name, contact_email=contact_email, time_zone=time_zone)
