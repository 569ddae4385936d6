"""A company's state in memory, at one place of its log.

The state is a bounded cache that remembers the keys it has let go: a key that is neither here nor among those is new,
and ingest reads nothing for it. Decisions change the state in place, and each batch keeps a journal of that, so that a
lost commit is undone exactly. What a batch in flight has touched is not yet in the database: until it is, the state
neither lets it go nor believes what is read of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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

Journal = list[tuple[Table, object, object]]
"""What one batch has changed, in order: the table, the name of the entry, and what stood there."""

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
        self._journal: Journal = []
        self._in_flight: Sequence[Journal] = ()
        self._untold: dict[int, set[object]] = {}

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
        """Install a document that was read for this batch, unless a batch in flight knows better.

        An alert that has ended is kept for this batch too.
        """
        if self._in_flight and any(name in self._touched(table) for table, name in self._entries_of(document)):
            return
        self.install(document)
        if isinstance(document, Alert):
            self.set(self.scratch, (Alert, (document.company_id, document.id)), document)

    def _entries_of(self, document: Struct) -> list[tuple[Table, object]]:
        """Where the state may hold a document."""
        if isinstance(document, Alert):
            scratched = (Alert, (document.company_id, document.id))
            return [(self.open_alerts, document.dedup_key), (self.scratch, scratched)]
        if isinstance(document, Incident):
            return [(self.incidents, document.id)]
        if isinstance(document, Asset):
            return [(self.assets, document.name)]
        return [(self.scratch, (type(document), key_of(BY_DOCUMENT[type(document)], document)))]

    def _touched(self, table: Table) -> set[object]:
        """The names of a table's entries that batches in flight have touched."""
        names = self._untold.get(id(table))
        if names is None:
            names = self._untold[id(table)] = _names_in(self._in_flight, table)
        return names

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
        ended = alert.status == "resolved"
        if ended or (self.scratch and (Alert, (alert.company_id, alert.id)) in self.scratch):
            self.set(self.scratch, (Alert, (alert.company_id, alert.id)), alert)
        before = self.open_alerts.get(alert.dedup_key)
        waiting = alert.correlated_incident_id is None and not ended
        if waiting or (before is not None and before.correlated_incident_id is None):
            self._mark_pending(alert, waiting=waiting)
        if not ended:
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

    def begin(self, in_flight: Sequence[Journal] = ()) -> Journal:
        """A new batch begins, on top of those in flight: what is changed from now on goes into its journal."""
        self._journal = []
        self._in_flight, self._untold = in_flight, {}
        return self._journal

    def mark(self) -> int:
        """A place in the batch's journal to come back to."""
        return len(self._journal)

    def restore(self, mark: int) -> None:
        """Back to a mark: the state as if nothing since had been decided."""
        _undo(self._journal, mark)

    def undo(self, journal: Journal) -> None:
        """The state as if a batch had not been decided; the last one goes first."""
        _undo(journal, 0)

    def settle(self, journal: Journal | None = None, in_flight: Sequence[Journal] = ()) -> None:
        """What a batch has decided is durable: forget the way back, drop what it alone needed, keep within bounds."""
        (self._journal if journal is None else journal).clear()
        if self.scratch:
            needed = {name: self.scratch[name] for name in self.scratch.keys() & _names_in(in_flight, self.scratch)}
            self.scratch.clear()
            self.scratch.update(needed)
        self._trim(in_flight)

    def _trim(self, in_flight: Sequence[Journal]) -> None:
        if len(self.open_alerts) > CACHE_AT_MOST:
            placed = (key for key, alert in self.open_alerts.items() if alert.correlated_incident_id)
            for key in _some(placed, _names_in(in_flight, self.open_alerts), len(self.open_alerts)):
                del self.open_alerts[key]
                self.gone_alerts.add(key)
        if len(self.incidents) > CACHE_AT_MOST:
            free = (each.id for each in self.incidents.values() if not (each.bound_keys or each.merged_from))
            for incident_id in _some(free, _names_in(in_flight, self.incidents), len(self.incidents)):
                gone = self.incidents.pop(incident_id)
                if self.by_key.get(gone.correlation_key) == incident_id:
                    del self.by_key[gone.correlation_key]
                self.gone_incidents.add(gone.correlation_key)
        if len(self.assets) > CACHE_AT_MOST:
            for name in _some(iter(self.assets), _names_in(in_flight, self.assets), len(self.assets)):
                del self.assets[name]
                self.gone_assets.add(name)


def _undo(journal: Journal, mark: int) -> None:
    while len(journal) > mark:
        table, name, before = journal.pop()
        if before is _MISSING:
            table.pop(name, None)
        else:
            table[name] = before


def _names_in(journals: Iterable[Journal], table: Table) -> set[object]:
    """The names of a table's entries that some batches have touched."""
    return {name for journal in journals for touched, name, _ in journal if touched is table}


def _some(items: Iterator[str], kept: set[object], size: int) -> list[str]:
    """The oldest of a full cache, so many that a tenth of it becomes free, but for what must be kept."""
    return list(islice((each for each in items if each not in kept), size - CACHE_AT_MOST * 9 // 10))
