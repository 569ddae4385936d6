"""A company's state in memory, at one place of its log.

The state is a bounded cache that remembers the keys it has let go: a key that is neither here nor among those is new,
and ingest reads nothing for it. Decisions change the state in place, and each batch keeps a journal of that, so that a
lost commit is undone exactly. What a batch in flight has touched is not yet in the database: until it is, the state
neither lets it go nor believes what is read of it.
"""

from collections.abc import Callable, Iterator, Sequence
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
K = TypeVar("K")
V = TypeVar("V")

ALERTS_AT_MOST: Final = 12_000
CACHE_AT_MOST: Final = 4_000
"""Open alerts, and incidents and assets, that one company keeps in memory; beyond, the oldest go and are looked up
again. An alert takes some 2.5 KB."""

GONE_BITS: Final = 1 << 25
"""What remembers the keys that went, 4 MB, two bits a key (a Bloom filter): of other keys one in 280 is looked up for
nothing when a million went, one in 20 when it were four."""

_MISSING: Final = object()


class Table(dict[K, V]):
    """Entries of a state. `journal` has what stood in the place of each that the batch under way has changed."""

    __slots__ = ("journal",)

    def __init__(self) -> None:
        super().__init__()
        self.journal: dict[K, V | object] = {}

    def put(self, name: K, value: V) -> None:
        """Change one entry."""
        journal = self.journal
        if name not in journal:
            journal[name] = self.get(name, _MISSING)
        self[name] = value

    def drop(self, name: K) -> None:
        """Take one entry away."""
        if name in self:
            self.journal.setdefault(name, self.pop(name))

    def undo(self, journal: dict[K, V | object]) -> None:
        """Put back what stood there before a batch."""
        for name, before in journal.items():
            if before is _MISSING:
                self.pop(name, None)
            else:
                self[name] = cast("V", before)


Journal = list[dict[Any, Any]]
"""What one batch has changed: the journal of each table, in the order of `CompanyState.tables`."""


class Gone:
    """Keys that the cache has let go. While `complete`, no other key can be in the database but not in the cache."""

    __slots__ = ("_bits", "complete")

    def __init__(self) -> None:
        self.complete = True
        self._bits = bytearray()

    def add(self, key: str) -> None:
        """Remember a key."""
        if not self._bits:
            self._bits = bytearray(GONE_BITS // 8)
        bits = self._bits
        one, other = _places(key)
        bits[one >> 3] |= 1 << (one & 7)
        bits[other >> 3] |= 1 << (other & 7)

    @property
    def may_hold_any(self) -> bool:
        """Whether any key at all must be looked up."""
        return not self.complete or bool(self._bits)

    def may_hold(self, key: str) -> bool:
        """Whether a key that is not in the cache must be looked up (now and then one for nothing)."""
        if not self.complete or not self._bits:
            return not self.complete
        bits = self._bits
        one, other = _places(key)
        return bool(bits[one >> 3] >> (one & 7) & bits[other >> 3] >> (other & 7) & 1)


def _places(key: str) -> tuple[int, int]:
    mixed = hash(key)
    return mixed & (GONE_BITS - 1), mixed >> 32 & (GONE_BITS - 1)


def stays(incident: Incident) -> bool:
    """Whether an incident is kept as long as it is open: what a split or merge made is found by no key of its own."""
    return is_open(incident) and bool(incident.bound_keys or incident.merged_from)


class Correlating(Struct, frozen=True):
    """A correlation setting, its version, and the function from an alert to its correlation key and named values."""

    config: CorrelationConfig
    version: int
    key_of: Callable[[IncomingAlert], tuple[str, dict[str, str]]]


class CompanyState:
    """What one company's next decision needs, as of `seq`. While `fenced`, nothing may be decided on it."""

    def __init__(self, company_id: str) -> None:
        self.company_id = company_id
        self.seq = 0
        self.audit_head = ""
        self.fenced = False
        self.open_alerts: Table[str, Alert] = Table()
        self.incidents: Table[str, Incident] = Table()
        self.by_key: Table[str, str] = Table()
        self.bound: Table[str, str] = Table()
        self.pending: Table[str, list[str]] = Table()
        self.assets: Table[str, Asset] = Table()
        self.companies: Table[str, Company] = Table()
        self.settings: Table[type[Struct], tuple[Config, int]] = Table()
        self.scratch: Table[tuple[type[Struct], Key], Struct] = Table()
        self.tables: Final[tuple[Table[Any, Any], ...]] = (
            self.open_alerts,
            self.incidents,
            self.by_key,
            self.bound,
            self.pending,
            self.assets,
            self.companies,
            self.settings,
            self.scratch,
        )
        self.gone_alerts = Gone()
        self.gone_incidents = Gone()
        self.gone_assets = Gone()
        self._correlating = Correlating(CorrelationConfig(), 0, key_reader(CorrelationConfig().aggregation_key))
        self._in_flight: Sequence[Journal] = ()

    @property
    def size(self) -> int:
        """How many documents it holds, about."""
        return len(self.open_alerts) + len(self.incidents) + len(self.assets)

    @property
    def company(self) -> Company | None:
        """The company itself."""
        return self.companies.get(self.company_id)

    def config(self, kind: type[C]) -> tuple[C, int]:
        """A setting and its version; the defaults, version 0, where nothing is stored."""
        found = self.settings.get(kind)
        return cast("tuple[C, int]", found) if found else (kind(), 0)

    @property
    def correlating(self) -> "Correlating":
        """The present correlation setting, ready to be used."""
        found = self.settings.get(CorrelationConfig)
        known = self._correlating
        if found is None or found[0] is known.config:
            return known if found is not None or known.version == 0 else self._correlate(CorrelationConfig(), 0)
        return self._correlate(cast("CorrelationConfig", found[0]), found[1])

    def _correlate(self, config: CorrelationConfig, version: int) -> "Correlating":
        self._correlating = Correlating(config, version, key_reader(config.aggregation_key))
        return self._correlating

    def correlation_key(self, incoming: IncomingAlert | Alert) -> tuple[str, dict[str, str]]:
        """The correlation key of an alert under the present setting, and the values that make it."""
        return self.correlating.key_of(cast("IncomingAlert", incoming))

    def incident_of(self, incident_id: str | None) -> Incident | None:
        """An incident that is here, merges followed."""
        incident = self.incidents.get(incident_id) if incident_id else None
        while incident is not None and incident.merged_into:
            incident = self.incidents.get(incident.merged_into)
        return incident

    def candidate(self, stable_key: str, correlation_key: str) -> tuple[Incident | None, bool]:
        """The incident that a new episode might belong to, and whether a split bound its key there."""
        if self.bound:
            bound = self.incident_of(self.bound.get(stable_key))
            if bound is not None and is_open(bound):
                return bound, True
        return self.incident_of(self.by_key.get(correlation_key)), False

    def hold(self, document: Struct) -> None:
        """Install a document that was read for this batch, unless a batch in flight knows better.

        An alert that has ended is kept for this batch too.
        """
        if self._in_flight and any(self._is_in_flight(table, name) for table, name in self._entries_of(document)):
            return
        self.install(document, is_read=True)
        if isinstance(document, Alert):
            self.scratch.put((Alert, (document.company_id, document.id)), document)

    def _entries_of(self, document: Struct) -> list[tuple[Table[Any, Any], object]]:
        """Where the state may hold a document."""
        if isinstance(document, Alert):
            scratched = (Alert, (document.company_id, document.id))
            return [(self.open_alerts, document.dedup_key), (self.scratch, scratched)]
        if isinstance(document, Incident):
            return [(self.incidents, document.id)]
        if isinstance(document, Asset):
            return [(self.assets, document.name)]
        return [(self.scratch, (type(document), key_of(BY_DOCUMENT[type(document)], document)))]

    def _is_in_flight(self, table: Table[Any, Any], name: object) -> bool:
        place = next(at for at, each in enumerate(self.tables) if each is table)
        return any(name in journal[place] for journal in self._in_flight)

    def install(self, document: Struct, *, is_read: bool = False) -> None:
        """Take a document as it now stands, and what follows from it. `is_read`: it was not decided here."""
        kind = type(document)
        if kind is Alert:
            self._install_alert(cast("Alert", document))
        elif kind is Incident:
            self._install_incident(cast("Incident", document), is_read=is_read)
        elif isinstance(document, Asset):
            self.assets.put(document.name, document)
        elif isinstance(document, Company):
            self.companies.put(document.id, document)
        elif isinstance(document, CompanyConfig):
            self._install_config(document)
        else:
            self.scratch.put((kind, key_of(BY_DOCUMENT[kind], document)), document)

    def _install_config(self, document: CompanyConfig) -> None:
        config = convert(document.config_data, CONFIGS[document.config_type])
        self.settings.put(type(config), (config, document.version))
        if isinstance(config, CorrelationConfig):
            for key in list(self.pending):
                self.pending.drop(key)
            for alert in self.open_alerts.values():
                if alert.correlated_incident_id is None:
                    self._mark_pending(alert, waiting=True)

    def _install_alert(self, alert: Alert) -> None:
        ended = alert.status == "resolved"
        if ended or (self.scratch and (Alert, (alert.company_id, alert.id)) in self.scratch):
            self.scratch.put((Alert, (alert.company_id, alert.id)), alert)
        before = self.open_alerts.get(alert.dedup_key)
        if ended and (before is None or before.id != alert.id):
            return
        if before is not None and before.correlated_incident_id is None:
            self._mark_pending(before, waiting=False)
        if ended:
            self.open_alerts.drop(alert.dedup_key)
            return
        if alert.correlated_incident_id is None:
            self._mark_pending(alert, waiting=True)
        self.open_alerts.put(alert.dedup_key, alert)

    def _mark_pending(self, alert: Alert, *, waiting: bool) -> None:
        key, _ = self.correlation_key(alert)
        others = [each for each in self.pending.get(key, []) if each != alert.dedup_key]
        now = [*others, alert.dedup_key] if waiting else others
        if now:
            self.pending.put(key, now)
        else:
            self.pending.drop(key)

    def _install_incident(self, incident: Incident, *, is_read: bool) -> None:
        before = self.incidents.get(incident.id)
        self.incidents.put(incident.id, incident)
        bound_before = before.bound_keys if before is not None else []
        if incident.bound_keys != bound_before:
            self._rebind({*bound_before, *incident.bound_keys})
        # One that was read may have a newer one of its key behind it, which is to be looked for.
        if before is None and not (is_read and self.gone_incidents.may_hold(incident.correlation_key)):
            self.lead(incident)

    def _rebind(self, keys: set[str]) -> None:
        """The latest split that has moved a key decides where it goes."""
        for key in keys:
            holders = [each.id for each in self.incidents.values() if key in each.bound_keys]
            if holders:
                self.bound.put(key, max(holders))
            else:
                self.bound.drop(key)

    def lead(self, incident: Incident) -> None:
        """This is the latest incident of its key, unless a later one is known."""
        latest = self.by_key.get(incident.correlation_key)
        if not incident.bound_keys and (latest is None or latest < incident.id):
            self.by_key.put(incident.correlation_key, incident.id)

    def begin(self, in_flight: Sequence[Journal] = ()) -> Journal:
        """A new batch begins, on top of those in flight: what is changed from now on goes into its journal."""
        self._in_flight = in_flight
        journal: Journal = []
        for table in self.tables:
            table.journal = {}
            journal.append(table.journal)
        return journal

    def undo(self, journal: Journal) -> None:
        """The state as if a batch had not been decided; the last one goes first."""
        for table, changed in zip(self.tables, journal, strict=True):
            table.undo(changed)

    def settle(self, in_flight: Sequence[Journal] = ()) -> None:
        """What was decided first is durable: drop what it alone needed, and keep within bounds."""
        self._in_flight = in_flight
        for document in [each for each in self.scratch if not self._is_in_flight(self.scratch, each)]:
            del self.scratch[document]
        if len(self.open_alerts) > ALERTS_AT_MOST:
            placed = (key for key, alert in self.open_alerts.items() if alert.correlated_incident_id)
            for key in self._oldest(self.open_alerts, placed, ALERTS_AT_MOST):
                del self.open_alerts[key]
                self.gone_alerts.add(key)
        if len(self.assets) > CACHE_AT_MOST:
            for name in self._oldest(self.assets, iter(self.assets), CACHE_AT_MOST):
                del self.assets[name]
                self.gone_assets.add(name)
        if len(self.incidents) > CACHE_AT_MOST:
            self._let_incidents_go()

    def _let_incidents_go(self) -> None:
        free = (each.id for each in self.incidents.values() if not stays(each))
        for incident_id in self._oldest(self.incidents, free, CACHE_AT_MOST):
            gone = self.incidents.pop(incident_id)
            if self.by_key.get(gone.correlation_key) == incident_id:
                del self.by_key[gone.correlation_key]
            self.gone_incidents.add(gone.correlation_key)

    def _oldest(self, table: Table[str, Any], free: Iterator[str], at_most: int) -> list[str]:
        """The oldest of those free to go, so many that a tenth of the table becomes free; none that is in flight."""
        place = next(at for at, each in enumerate(self.tables) if each is table)
        kept: set[str] = set().union(*[journal[place] for journal in self._in_flight])
        going = (name for name in free if name not in kept)
        return list(islice(going, len(table) - at_most * 9 // 10))
