"""Takes the older product's documents over, by commits like any other change."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.audit import GENESIS, link
from alertwhisperer.domain.change import ABSENT, Change, Put, Write
from alertwhisperer.domain.company import CompanyConfig
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope
from alertwhisperer.domain.transfer import Failure
from alertwhisperer.ports import Clock, Ids, Storage, Vault
from alertwhisperer.storage import legacy
from alertwhisperer.storage.transfer_state import is_empty

T = TypeVar("T")
Olds = Mapping[str, list[dict[str, Any]]]
"""Collection → documents."""

BATCH: Final = 50
TAKEN: Final = frozenset({"companies", "users", "alerts", "incidents", "audit_logs", *legacy.CONFIG_COLLECTIONS})


class Imported(Struct):
    """What came over, by collection, what did not and why, and which collections have no place here."""

    counts: dict[str, int]
    failures: list[Failure]
    left: dict[str, int]


class Importer:
    """One import into an empty database."""

    def __init__(self, storage: Storage, vault: Vault, clock: Clock, ids: Ids, audit_key: bytes) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._ids = ids
        self._audit_key = audit_key
        self._failures: list[Failure] = []
        self._counts: Counter[str] = Counter()

    async def take(self, old: Olds) -> Imported:
        """All of it. Conflict if something is in the database already."""
        if not await is_empty(self._storage):
            raise Conflict("an import needs an empty database")
        now = self._clock.now()
        for company in self._each("companies", old, lambda each: legacy.company(each, self._seal, now)):
            theirs = {
                name: [each for each in olds if each.get("company_id") == company.id] for name, olds in old.items()
            }
            await self._commit(company.id, [Put("companies", company, ABSENT), *self._configs(theirs)])
            await self._commit(company.id, self._work(theirs))
            await self._audit(company.id, theirs)
        users = self._each("users", old, lambda each: legacy.user(each, now))
        await self._commit(MSP, [Put("users", each, ABSENT) for each in users])
        left = {name: len(olds) for name, olds in old.items() if name not in TAKEN and olds}
        return Imported(dict(self._counts), self._failures, left)

    def _configs(self, theirs: Olds) -> list[Write]:
        now = self._clock.now()
        made: list[CompanyConfig] = []
        for name in legacy.CONFIG_COLLECTIONS:
            made += self._each(name, theirs, partial(legacy.config, name, seal=self._seal, now=now))
        return [Put("company_configs", each, ABSENT) for each in made]

    def _work(self, theirs: Olds) -> list[Write]:
        """Incidents and their alerts, each pointing to the other as before."""
        now = self._clock.now()
        ids = {each["id"]: legacy.incident_id(each, now) for each in theirs.get("incidents", []) if each.get("id")}

        def alert_of(old: dict[str, Any]) -> Alert:
            return legacy.alert(old, ids.get(old.get("correlated_incident_id")), now)

        alerts = legacy.one_episode_each(self._each("alerts", theirs, alert_of))
        of: dict[str | None, list[Alert]] = {}
        for each in sorted(alerts, key=lambda one: one.id):
            of.setdefault(each.correlated_incident_id, []).append(each)

        def incident_of(old: dict[str, Any]) -> Incident:
            return legacy.incident(old, of.get(ids[old["id"]], []), now)

        incidents = self._each("incidents", theirs, incident_of)
        writes: list[Write] = [Put("incidents", each, ABSENT) for each in incidents]
        return [*writes, *(Put("alerts", each, ABSENT) for each in alerts)]

    async def _audit(self, company_id: str, theirs: Olds) -> None:
        """The old entries become the beginning of the chain."""
        now = self._clock.now()
        made = self._each("audit_logs", theirs, lambda each: legacy.audit_entry(company_id, each, now))
        head, chain = GENESIS, []
        for each in sorted(made, key=lambda one: one.id):
            chain.append(link(each, head, self._audit_key))
            head = chain[-1].hash
        if chain:
            await self._commit(company_id, [Put("audit_logs", each, ABSENT) for each in chain], head)

    async def _commit(self, company_id: str, writes: Sequence[Write], audit_head: str = "") -> None:
        size = self._storage.limits.batch(BATCH)
        for start in range(0, len(writes), size):
            seq, before = await self._storage.head(company_id)
            last = start + size >= len(writes)
            change = Change(writes=tuple(writes[start : start + size]), audit_head=audit_head if last else before)
            scope, commit_id = Scope(company_id, SYSTEM), self._ids.new_id()
            await self._storage.commit(scope, seq, change, commit_id=commit_id, at=self._clock.now())

    def _each(self, name: str, olds: Olds, make: Callable[[dict[str, Any]], T]) -> list[T]:
        """What can be made of a collection; what cannot is noted."""
        made: list[T] = []
        for each in olds.get(name, []):
            try:
                made.append(make(each))
            except (Invalid, TypeError, ValueError, KeyError) as error:
                field = f"{error.field} " if isinstance(error, Invalid) and error.field else ""
                self._failures.append(Failure(name, (str(each.get("id", "?")),), f"{field}{error}"))
        self._counts[name] += len(made)
        return made

    def _seal(self, plain: str, place: tuple[str | int, ...]) -> str:
        return self._vault.seal(plain, place=place)
