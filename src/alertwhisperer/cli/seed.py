"""`alertwhisperer seed`: three sample companies, their assets, and people of every role; twice changes nothing."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Annotated, Final

import msgspec
import typer
from msgspec import Struct

from alertwhisperer.cli.houses import everything, table, with_house
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.company import Company, WebhookSecurityConfig
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.scope import MSP, SYSTEM, Role, Scope
from alertwhisperer.domain.user import User
from alertwhisperer.engine.assets import NewAsset
from alertwhisperer.engine.companies import NewCompany
from alertwhisperer.engine.users import NewUser
from alertwhisperer.house import House, first_sign_in
from alertwhisperer.settings import load_settings


class SampleAsset(Struct, frozen=True):
    """An asset to add: its name, its type, whether it is critical, and what it needs."""

    name: str
    type: str
    critical: bool = False
    dependencies: tuple[str, ...] = ()


class SampleCompany(Struct, frozen=True):
    """A company to add, with its assets."""

    name: str
    contact_email: str
    time_zone: str
    assets: tuple[SampleAsset, ...]


class SampleUser(Struct, frozen=True):
    """A person to add; `companies` by name."""

    email: str
    name: str
    role: Role
    companies: tuple[str, ...] = ()


COMPANIES: Final = (
    SampleCompany(
        "Acme Corp",
        "it@acme.example",
        "America/New_York",
        (
            SampleAsset("db-01", "database", critical=True),
            SampleAsset("web-01", "web server", dependencies=("db-01",)),
            SampleAsset("web-02", "web server", dependencies=("db-01",)),
            SampleAsset("fw-01", "firewall", critical=True),
        ),
    ),
    SampleCompany(
        "TechStart",
        "ops@techstart.example",
        "Europe/Berlin",
        (
            SampleAsset("k8s-node-1", "kubernetes node", critical=True),
            SampleAsset("k8s-node-2", "kubernetes node", critical=True),
            SampleAsset("ci-runner", "build server"),
        ),
    ),
    SampleCompany(
        "Global Systems",
        "noc@globalsystems.example",
        "Asia/Singapore",
        (
            SampleAsset("core-sw-01", "switch", critical=True),
            SampleAsset("mail-01", "mail server", dependencies=("core-sw-01",)),
            SampleAsset("backup-01", "backup server"),
        ),
    ),
)
PEOPLE: Final = (
    SampleUser("ada@alertwhisperer.example", "Ada", "msp_admin"),
    SampleUser("carl@acme.example", "Carl", "company_admin", ("Acme Corp",)),
    SampleUser("rio@alertwhisperer.example", "Rio", "technician", ("Acme Corp", "TechStart")),
    SampleUser("vic@acme.example", "Vic", "client", ("Acme Corp",)),
    SampleUser("eve@globalsystems.example", "Eve", "company_admin", ("Global Systems",)),
)


class SeededCompany(Struct, frozen=True):
    """What a script needs to send as this company."""

    id: str
    name: str
    api_key: str
    hmac_secret: str


class SeededUser(Struct, frozen=True):
    """A sign-in; `password` is null if somebody has changed it since."""

    email: str
    password: str | None
    role: Role


class Seeded(Struct, frozen=True):
    """All that is there afterwards."""

    companies: list[SeededCompany]
    users: list[SeededUser]


def seed(
    as_json: Annotated[bool, typer.Option("--json", help="Print ids, keys, secrets and sign-ins for scripts.")] = False,
) -> None:
    """Add three sample companies with assets, and people of every role. May run beside the server, and again."""
    # Seen twice, a sample password must be the same, and nobody else may be able to guess it.
    settings = load_settings()
    secret = settings.secrets().jwt_secret
    seeded = with_house(lambda house: _seed(house, secret), settings)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(seeded), indent=2).decode())
        return
    table([(each.name, each.id, each.api_key) for each in seeded.companies], ("COMPANY", "ID", "API KEY"))
    typer.echo()
    users = [(each.email, each.password or "(changed)", each.role) for each in seeded.users]
    table(users, ("SIGN-IN", "PASSWORD", "ROLE"))


async def _seed(house: House, secret: str) -> Seeded:
    first = await first_sign_in(house)
    companies = [await _company(house, each) for each in COMPANIES]
    users = [SeededUser(first.email, first.password, "msp_admin")] if first else []
    users += [await _user(house, each, companies, secret) for each in PEOPLE]
    return Seeded(companies, users)


async def _company(house: House, sample: SampleCompany) -> SeededCompany:
    stored = await house.storage.select(Company, {"name": sample.name}, limit=1)
    company_id = stored[0].id if stored else await _create(house, sample)
    scope = Scope(company_id, SYSTEM)
    known = {each.name for each in await house.storage.select(Asset, {"company_id": company_id})}
    for asset in sample.assets:
        if asset.name not in known:
            await house.assets.create(scope, _new_asset(company_id, asset))
    security = await house.companies.config(scope, WebhookSecurityConfig)
    if security.secret_encrypted is None:
        secret = await house.companies.rotate_secret(scope, overlap_minutes=0)
    else:
        secret = await house.companies.reveal_secret(scope)
    return SeededCompany(company_id, sample.name, await house.companies.reveal_key(scope), secret)


async def _create(house: House, sample: SampleCompany) -> str:
    new = NewCompany(name=sample.name, contact_email=sample.contact_email, time_zone=sample.time_zone)
    company, _ = await house.companies.create(Scope(MSP, SYSTEM), new)
    return company.id


def _new_asset(company_id: str, sample: SampleAsset) -> NewAsset:
    return NewAsset(
        company_id=company_id,
        name=sample.name,
        type=sample.type,
        critical=sample.critical,
        dependencies=list(sample.dependencies),
    )


async def _user(house: House, sample: SampleUser, companies: list[SeededCompany], secret: str) -> SeededUser:
    password = _password(sample.email, secret)
    new = NewUser(
        email=sample.email,
        name=sample.name,
        role=sample.role,
        company_ids=[each.id for each in companies if each.name in sample.companies],
        password=password,
    )
    stored = await house.storage.select(User, {"email": sample.email}, limit=1)
    if not stored:
        try:
            await house.users.create(await everything(house), new)
        except Invalid as error:
            if error.field != "email":  # Another `seed` was faster.
                raise
        return SeededUser(sample.email, password, sample.role)
    unchanged = await house.passwords.matches(stored[0].hashed_password, password)
    return SeededUser(sample.email, password if unchanged else None, stored[0].role)


def _password(email: str, secret: str) -> str:
    return urlsafe_b64encode(hmac.new(secret.encode(), f"seed|{email}".encode(), sha256).digest())[:18].decode()
