"""Everything that one process is made of: made and wired here, the only place that knows all of it."""

from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

import structlog
from msgspec import Struct

from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.domain import client_view
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.scope import MSP, SYSTEM, Scopes
from alertwhisperer.domain.user import User
from alertwhisperer.engine.alerts import Alerts
from alertwhisperer.engine.assets import Assets
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.companies import Companies
from alertwhisperer.engine.counters import AT_ONCE, THRIFTY, Counters
from alertwhisperer.engine.door import Door
from alertwhisperer.engine.incidents import Incidents
from alertwhisperer.engine.ingest import Ingest
from alertwhisperer.engine.meters import Histogram, IngestTally
from alertwhisperer.engine.reports import Reports
from alertwhisperer.engine.retention import Retention, defaults
from alertwhisperer.engine.rounds import Round, Rounds
from alertwhisperer.engine.runner import Runner
from alertwhisperer.engine.scheduler import Scheduler
from alertwhisperer.engine.sessions import Sessions, TokenRules
from alertwhisperer.engine.users import NewUser, Users
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import Hub
from alertwhisperer.live.tickets import Tickets
from alertwhisperer.ports import Clock, Ids, Storage
from alertwhisperer.settings import Settings
from alertwhisperer.storage import get_database_adapter
from alertwhisperer.storage.passwords import Argon2Passwords
from alertwhisperer.storage.vault import AesVault

FIRST_EMAIL: Final = "admin@alertwhisperer.com"
RETENTION_SECONDS: Final = 3600.0
TIMERS_SECONDS: Final = 1.0
TIMERS_SECONDS_IF_BILLED: Final = 5.0
"""On an engine that is paid by the read: a look for what is due is a read of each shard, even if nothing is."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that one process is made of, wired but not yet at work."""

    settings: Settings
    clock: Clock
    ids: Ids
    storage: Storage
    passwords: Argon2Passwords
    runner: Runner
    door: Door
    ingest: Ingest
    incidents: Incidents
    alerts: Alerts
    companies: Companies
    users: Users
    assets: Assets
    sessions: Sessions
    counters: Counters
    reports: Reports
    audit: Audit
    scheduler: Scheduler
    retention: Retention
    feed: Feed
    hub: Hub
    tickets: Tickets
    rounds: Rounds
    ingested: IngestTally = field(default_factory=IngestTally)
    commit_seconds: Histogram = field(default_factory=Histogram)

    async def open(self) -> None:
        """Open the database; nothing runs by itself yet."""
        await self.storage.open()

    async def close(self) -> None:
        """Finish what was taken, and close the database."""
        await self.runner.close()
        await self.feed.close()
        self.passwords.close()
        await self.storage.close()


def build(
    settings: Settings, clock: Clock | None = None, ids: Ids | None = None, storage: Storage | None = None
) -> House:
    """Wire a house for these settings; opens nothing. Raises SettingsError if the keys cannot be had.

    storage: a handle to use instead of one made here.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    secrets = settings.secrets()
    storage = storage or storage_of(settings, clock)
    runner = Runner(storage, clock, ids, audit_key=secrets.audit_key, queued_at_most=settings.ingest_queue_alerts)
    vault = AesVault(secrets.encryption_keys)
    passwords = Argon2Passwords()
    door = Door(runner, vault)
    incidents = Incidents(runner)
    billed = settings.database_type == "dynamodb"
    counters = Counters(storage, THRIFTY if billed else AT_ONCE)
    audit = Audit(storage, clock, secrets.audit_key)
    scheduler = Scheduler(
        storage,
        clock,
        ids,
        {"incident.wake": incidents.wake, "incident.quiet": incidents.settle_quiet},
    )
    retention = Retention(storage, clock, counters, audit, keep_days(settings))
    feed = Feed(storage)
    rules = TokenRules(secret=secrets.jwt_secret, algorithm=settings.jwt_algorithm, hours=settings.jwt_expiration_hours)
    sessions = Sessions(runner, storage, passwords, clock, rules)
    house = House(
        settings=settings,
        clock=clock,
        ids=ids,
        storage=storage,
        passwords=passwords,
        runner=runner,
        door=door,
        ingest=Ingest(runner, door),
        incidents=incidents,
        alerts=Alerts(runner),
        companies=Companies(runner, storage, vault, counters),
        users=Users(runner, storage, passwords),
        assets=Assets(runner, storage),
        sessions=sessions,
        counters=counters,
        reports=Reports(storage, clock, counters),
        audit=audit,
        scheduler=scheduler,
        retention=retention,
        feed=feed,
        hub=Hub(storage, feed, clock, client_view=client_view.event),
        tickets=Tickets(secrets.jwt_secret, storage, clock, ids),
        rounds=_rounds(counters, scheduler, retention, door, sessions, billed=billed),
    )
    storage.on_commit(counters.note)
    storage.on_commit(house.ingested.note)
    runner.tally.commit_seconds = house.commit_seconds.observe
    return house


def storage_of(settings: Settings, clock: Clock) -> Storage:
    """The configured database, not yet open."""
    if settings.database_type == "dynamodb":
        return get_database_adapter(
            "dynamodb",
            region=settings.aws_region,
            table_prefix=settings.dynamodb_table_prefix,
            endpoint_url=settings.dynamodb_endpoint_url or None,
            clock=clock,
            keep_days=keep_days(settings),
        )
    if settings.database_type == "mongodb":
        url = settings.mongo_url.get_secret_value() if settings.mongo_url else ""
        return get_database_adapter("mongodb", url=url, keep_days=keep_days(settings))
    return get_database_adapter("sqlite", path=settings.sqlite_path)


def _rounds(
    counters: Counters, scheduler: Scheduler, retention: Retention, door: Door, sessions: Sessions, *, billed: bool
) -> Rounds:
    chance = SystemRandom().random
    timers_seconds = TIMERS_SECONDS_IF_BILLED if billed else TIMERS_SECONDS

    async def let_go() -> None:
        await retention.sweep_all()
        await sessions.sweep(Scopes((MSP,), SYSTEM).one(MSP))

    return Rounds(
        [
            Round("counters", counters.fold_due, every_seconds=1, chance=chance),
            Round("timers", scheduler.tick_now, every_seconds=timers_seconds, chance=chance),
            Round("refusals", door.flush, every_seconds=1, chance=chance),
            # Not at once: a start is busy enough, and processes that start together sweep apart.
            Round(
                "retention",
                let_go,
                every_seconds=RETENTION_SECONDS,
                delay_seconds=RETENTION_SECONDS / 10,
                chance=chance,
            ),
        ]
    )


def keep_days(settings: Settings) -> dict[str, int]:
    """Collection → days that it is kept."""
    return {
        **defaults(),
        "alerts": settings.retention_resolved_alerts_days,
        "incidents": settings.retention_incidents_days,
        "audit_logs": settings.retention_audit_days,
        "deliveries": settings.retention_deliveries_days,
        "events": settings.retention_log_days,
    }


class FirstSignIn(Struct, frozen=True):
    """The one user that a new database gets; the password is shown once."""

    email: str
    password: str

    def __repr__(self) -> str:
        return "FirstSignIn(…)"


async def first_sign_in(house: House) -> FirstSignIn | None:
    """Make the first user if there is none yet; None if there is."""
    if await house.storage.select(User, {}, limit=1):
        return None
    new = NewUser(email=FIRST_EMAIL, name="Administrator", role="msp_admin")
    try:
        _, password = await house.users.create(Scopes((), SYSTEM), new)
    except Invalid as error:
        if error.field != "email":
            raise
        return None  # Another process was first, and has shown the password.
    return FirstSignIn(FIRST_EMAIL, password or "")
