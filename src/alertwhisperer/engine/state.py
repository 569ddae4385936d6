"""A company's state in memory, at one place of its log.

The state is a bounded cache that remembers the keys it has let go: a key that is neither here nor among those is new,
and ingest reads nothing for it. Decisions change the state in place and keep a journal, so that a lost commit is
undone exactly.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar, cast

from msgspec import Struct, convert

from alertwhisperer.domain.alert import Alert, IncomingAlert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.company import (
    CONFIGS,
    Company,
    CompanyConfig,
    Config,
    CorrelationConfig,
)
from alertwhisperer.domain.correlation import key_reader
from alertwhisperer.domain.incident import Incident, is_open
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_DOCUMENT, key_of

C = TypeVar("C", bound=Config)
Table = dict[Any, Any]
"""Any mapping of the state: the journal must be able to put back whatever stood in it."""

CACHE_AT_MOST: Final = 4_000
"""Open alerts, and incidents, that one company keeps in memory; beyond, the oldest go and are looked up again."""

REMEMBERED_AT_MOST: Final = 200_000
"""Keys of those that went, as hashes (70 bytes each): a key that is neither here nor there is new, without a look."""

_MISSING: Final = object()


class Gone:
    """Keys that the cache has let go. While `complete`, no other key can be in the database but not in the cache."""

    __slots__ = ("_hashes", "complete")

    def __init__(self) -> None:
        self.complete = True
        self._hashes: set[int] = set()

    def add(self, key: str) -> None:
        """Remember a key; when there are too many, every unknown key has to be looked up from now on."""
        if len(self._hashes) >= REMEMBERED_AT_MOST:
            self.complete = False
            self._hashes.clear()
        if self.complete:
            self._hashes.add(hash(key))

    def may_hold(self, key: str) -> bool:
        """Whether a key that is not in the cache must be looked up (two keys may share a hash: then for nothing)."""
        return not self.complete or hash(key) in self._hashes


class CompanyState:
    """What one company's next decision needs, as of `seq`."""

    def __init__(self, company_id: str) -> None:
        self.company_id = company_id
        self.seq = 0
        self.audit_head = ""
        self.company: Company | None = None
        self._settings: dict[type[Struct], tuple[Config, int]] = {}
        self.open_alerts: dict[str, Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.by_key: dict[str, str] = {}
        self.bound: dict[str, str] = {}
        self.pending: dict[str, list[str]] = {}
        self.assets: dict[str, Asset] = {}
        self.scratch: dict[tuple[type[Struct], Key], Struct] = {}
        self.gone_alerts = Gone()
        self.gone_incidents = Gone()
        self.gone_assets = Gone()
        self._readers: dict[int, Callable[[IncomingAlert], tuple[str, dict[str, str]]]] = {}
        self._journal: list[tuple[Table, object, object]] = []

    def config(self, kind: type[C]) -> tuple[C, int]:
        """A setting and its version; the defaults, version 0, where nothing is stored."""
        found = self._settings.get(kind)
        return cast("tuple[C, int]", found) if found else (kind(), 0)

    def correlation_key(self, incoming: IncomingAlert | Alert) -> tuple[str, dict[str, str]]:
        """The correlation key of an alert under the present setting, and the values that make it."""
        config, version = self.config(CorrelationConfig)
        read = self._readers.get(version)
        if read is None:
            read = self._readers[version] = key_reader(config.aggregation_key)
        return read(cast("IncomingAlert", incoming))

    def incident_of(self, incident_id: str | None) -> Incident | None:
        """An incident that is here, merges followed."""
        incident = self.incidents.get(incident_id) if incident_id else None
        while incident is not None and incident.merged_into:
            incident = self.incidents.get(incident.merged_into)
        return incident

    def candidate(self, stable_key: str, correlation_key: str) -> tuple[Incident | None, bool]:
        """The incident that a new episode might belong to, and whether a split bound its key there."""
        bound = self.incident_of(self.bound.get(stable_key))
        if bound is not None and is_open(bound):
            return bound, True
        return self.incident_of(self.by_key.get(correlation_key)), False

    def hold(self, document: Struct) -> None:
        """Install a document that was fetched for this batch: an alert that has ended is kept for it too."""
        self.install(document)
        if isinstance(document, Alert):
            self.set(self.scratch, (Alert, (document.company_id, document.id)), document)

    def install(self, document: Struct) -> None:
        """Take a document as it now stands, and what follows from it."""
        if isinstance(document, Alert):
            self._install_alert(document)
        elif isinstance(document, Incident):
            self._install_incident(document)
        elif isinstance(document, Asset):
            self.set(self.assets, document.name, document)
        elif isinstance(document, Company):
            self.set(self.__dict__, "company", document)
        elif isinstance(document, CompanyConfig):
            self._install_config(document)
        else:
            self.set(
                self.scratch,
                (type(document), key_of(BY_DOCUMENT[type(document)], document)),
                document,
            )

    def _install_config(self, document: CompanyConfig) -> None:
        config = convert(document.config_data, CONFIGS[document.config_type])
        self.set(self._settings, type(config), (config, document.version))
        if isinstance(config, CorrelationConfig):
            self.set(self.__dict__, "pending", {})
            for alert in self.open_alerts.values():
                if alert.correlated_incident_id is None:
                    self._mark_pending(alert, waiting=True)

    def _install_alert(self, alert: Alert) -> None:
        if self.scratch and (Alert, (alert.company_id, alert.id)) in self.scratch:
            self.set(self.scratch, (Alert, (alert.company_id, alert.id)), alert)
        before = self.open_alerts.get(alert.dedup_key)
        waiting = alert.correlated_incident_id is None and alert.status != "resolved"
        if waiting or (before is not None and before.correlated_incident_id is None):
            self._mark_pending(alert, waiting=waiting)
        if alert.status != "resolved":
            self.set(self.open_alerts, alert.dedup_key, alert)
        elif before is not None and before.id == alert.id:
            self.unset(self.open_alerts, alert.dedup_key)

    def _mark_pending(self, alert: Alert, *, waiting: bool) -> None:
        key, _ = self.correlation_key(alert)
        others = [each for each in self.pending.get(key, []) if each != alert.dedup_key]
        now = [*others, alert.dedup_key] if waiting else others
        if now:
            self.set(self.pending, key, now)
        else:
            self.unset(self.pending, key)

    def _install_incident(self, incident: Incident) -> None:
        before = self.incidents.get(incident.id)
        self.set(self.incidents, incident.id, incident)
        if before is None or incident.bound_keys is not before.bound_keys:
            for key in incident.bound_keys:
                self.set(self.bound, key, incident.id)
        latest = self.by_key.get(incident.correlation_key)
        if not incident.bound_keys and (latest is None or latest < incident.id):
            self.set(self.by_key, incident.correlation_key, incident.id)

    def set(self, table: Table, name: object, value: object) -> None:
        """Change one entry and remember what was there."""
        self._journal.append((table, name, table.get(name, _MISSING)))
        table[name] = value

    def unset(self, table: Table, name: object) -> None:
        """Take one entry away and remember it."""
        if name in table:
            self._journal.append((table, name, table.pop(name)))

    def mark(self) -> int:
        """A place in the journal to come back to."""
        return len(self._journal)

    def undo(self, mark: int = 0) -> None:
        """Back to a mark: the state as if nothing since had been decided."""
        while len(self._journal) > mark:
            mapping, name, before = self._journal.pop()
            if before is _MISSING:
                mapping.pop(name, None)
            else:
                mapping[name] = before

    def settle(self) -> None:
        """What was decided is durable: forget the way back, drop what only one batch needed, keep within bounds."""
        self._journal.clear()
        self.scratch.clear()
        self._trim()

    def _trim(self) -> None:
        few = CACHE_AT_MOST // 10
        if len(self.open_alerts) > CACHE_AT_MOST:
            placed = (key for key, alert in self.open_alerts.items() if alert.correlated_incident_id)
            for key in _some(placed, few):
                del self.open_alerts[key]
                self.gone_alerts.add(key)
        if len(self.incidents) > CACHE_AT_MOST:
            free = (each.id for each in self.incidents.values() if not (each.bound_keys or each.merged_from))
            for incident_id in _some(free, few):
                gone = self.incidents.pop(incident_id)
                if self.by_key.get(gone.correlation_key) == incident_id:
                    del self.by_key[gone.correlation_key]
                self.gone_incidents.add(gone.correlation_key)
        if len(self.assets) > CACHE_AT_MOST:
            for name in _some(iter(self.assets), few):
                del self.assets[name]
                self.gone_assets.add(name)


def _some(items: Iterator[str], count: int) -> list[str]:
    return list(islice(items, count))
