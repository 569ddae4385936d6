"""The draft in which a batch of decisions changes a company's state and gathers what is to be committed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, cast

from msgspec import Struct

from alertwhisperer.domain import audit, priority
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.change import Change, Delete, Event, Put, Storm, Write
from alertwhisperer.domain.company import Company, Config, CorrelationConfig
from alertwhisperer.domain.delivery import Delivery, Intake, may_ride
from alertwhisperer.domain.event import STORM_AT, EventType
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor, Scope
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Ids, Key
from alertwhisperer.schema import BY_DOCUMENT, key_of

T = TypeVar("T", bound=Struct)
C = TypeVar("C", bound=Config)

STILL_TOLD: Final = ("timeline", "company_updated", "user_updated")
"""What a storm does not keep from being told."""


_BY_ID: Final = frozenset(kind for kind, collection in BY_DOCUMENT.items() if collection.key == ("company_id", "id"))
"""Documents that their id alone names within a company."""


class Draft:
    """What a decision sees and changes: the state, with what this batch has decided so far.

    `touched` counts what was written: a decision that fails after it has written spoils the draft.
    """

    __slots__ = (
        "_audits",
        "_counts",
        "_deletes",
        "_deliveries",
        "_expected",
        "_ids",
        "_puts",
        "_told",
        "now",
        "scope",
        "state",
        "touched",
    )

    def __init__(self, state: CompanyState, *, scope: Scope, now: Instant, ids: Ids) -> None:
        self.state = state
        self.scope = scope
        self.now = now
        self.touched = 0
        self._ids = ids
        self._puts: dict[type[Struct], dict[object, Struct]] = {}
        self._deletes: dict[tuple[type[Struct], object], Delete] = {}
        self._expected: dict[tuple[type[Struct], object], Mapping[str, object]] = {}
        self._told: dict[object, tuple[EventType, Struct, bool]] = {}
        self._counts: dict[str, int] = {}
        self._audits: list[audit.AuditEntry] = []
        self._deliveries: list[Delivery] = []

    @property
    def company_id(self) -> str:
        """The company whose log this goes into."""
        return self.state.company_id

    @property
    def company(self) -> Company | None:
        """The company itself; None in `_msp` and before it is created."""
        return self.state.company

    @property
    def actor(self) -> Actor:
        """Who asks for what is being decided."""
        return self.scope.actor

    def new_id(self) -> str:
        """A new time-ordered id."""
        return self._ids.new_id()

    def config(self, kind: type[C]) -> tuple[C, int]:
        """A setting of the company and its version."""
        return self.state.config(kind)

    def get(self, kind: type[T], key: Key) -> T | None:
        """A document as it stands in this draft; it must be one that the state holds or `load` has fetched."""
        name = key[-1] if kind in _BY_ID else key
        put = self._puts[kind].get(name) if kind in self._puts else None
        if put is not None:
            return cast("T", put)
        if self._deletes and (kind, name) in self._deletes:
            return None
        return cast("T | None", self._held(kind, key))

    def _held(self, kind: type[Struct], key: Key) -> Struct | None:
        if kind is Incident:
            return self.state.incidents.get(str(key[1]))
        if kind is Company:
            return self.state.companies.get(str(key[0]))
        if kind is Asset:
            return next((each for each in self.state.assets.values() if each.id == key[1]), None)
        if kind is Alert:
            return self.alert(str(key[1]))
        return self.state.scratch.get((kind, key))

    def alert(self, alert_id: str) -> Alert | None:
        """An open alert by id, or one that `load` has fetched."""
        fetched = self.state.scratch.get((Alert, (self.company_id, alert_id)))
        if isinstance(fetched, Alert):
            return fetched
        return next((each for each in self.state.open_alerts.values() if each.id == alert_id), None)

    def put(self, document: Struct, expect: Mapping[str, object] | None = None) -> None:
        """Write a whole document. The last word for a key counts; the first one's expectation stays."""
        kind = type(document)
        puts = self._puts.get(kind)
        if puts is None:
            puts = self._puts[kind] = {}
        name: object = document.id if kind in _BY_ID else key_of(BY_DOCUMENT[kind], document)  # type: ignore[attr-defined]  # each of _BY_ID has an id
        if self._deletes and (kind, name) in self._deletes:
            expect = self._deletes.pop((kind, name)).expect
        if expect is not None and name not in puts:
            self._expected.setdefault((kind, name), expect)
        puts[name] = document
        self.touched += 1
        self.state.install(document)

    def delete(self, kind: type[Struct], key: Key, expect: Mapping[str, object] | None = None) -> None:
        """Delete a document by its key."""
        gone = self.get(kind, key)
        name = key[-1] if kind in _BY_ID else key
        self._puts.get(kind, {}).pop(name, None)
        self._deletes[kind, name] = Delete(BY_DOCUMENT[kind].name, key, expect)
        self.touched += 1
        if isinstance(gone, Asset):
            self.state.assets.drop(gone.name)
        else:
            self.state.scratch.drop((kind, key))

    def tell(self, event_type: EventType, document: Struct, *, internal: bool = False) -> None:
        """A fact for the readers of the log. Of one document the last state is told, as first named."""
        kind = type(document)
        if kind in _BY_ID:
            name: object = (kind, document.id)  # type: ignore[attr-defined]  # each of _BY_ID has an id
        else:
            name = key_of(BY_DOCUMENT[kind], document) if kind in BY_DOCUMENT else len(self._told)
        before = self._told.get(name)
        self._told[name] = (before[0] if before else event_type, document, internal)
        self.touched += 1

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter of this company."""
        self._counts[name] = self._counts.get(name, 0) + by
        self.touched += 1

    def audit(self, action: str, details: dict[str, object]) -> None:
        """Add to the company's audit chain."""
        self._audits.append(audit.entry(self.company_id, self.new_id(), self.now, self.actor, action, details))
        self.touched += 1

    def keep(self, delivery: Delivery) -> None:
        """Store a delivery as it came: with those of its batch in the record, or if they are large in a document."""
        self._deliveries.append(delivery)
        self.touched += 1

    def seal(self, audit_key: bytes) -> Change:
        """The change as it is to be committed: incidents scored, audit linked, a storm told as one."""
        self._score()
        head = self.state.audit_head or audit.GENESIS
        writes: list[Write] = [*self._deletes.values(), *self._documents()]
        riding = may_ride(self._deliveries)
        if not riding:
            writes.append(Put("deliveries", self._intake()))
        for unlinked in self._audits:
            linked = audit.link(unlinked, head, audit_key)
            head = linked.hash
            writes.append(Put("audit_logs", linked))
        return Change(
            writes=tuple(writes),
            events=self._events(),
            counts=self._counts,
            audit_head=head if self._audits else self.state.audit_head,
            deliveries=tuple(self._deliveries) if riding else (),
        )

    def _documents(self) -> Iterator[Put]:
        expected = self._expected
        for kind, puts in self._puts.items():
            collection = BY_DOCUMENT[kind].name
            for name, document in puts.items():
                yield Put(collection, document, expected.get((kind, name)) if expected else None)

    def _intake(self) -> Intake:
        return Intake(
            company_id=self.company_id,
            id=self.new_id(),
            received_at=self._deliveries[0].received_at,
            deliveries=self._deliveries,
            records=[(self.state.seq + 1, len(self._deliveries))],
        )

    def _score(self) -> None:
        """Priority follows from the final state of the batch, so that batch borders change nothing."""
        incidents = self._puts.get(Incident)
        if not incidents:
            return
        weights = self.state.config(CorrelationConfig)[0].weights
        for name, incident in incidents.items():
            scored = priority.scored(cast("Incident", incident), weights)
            if scored is not incident:
                incidents[name] = self.state.incidents[scored.id] = scored

    def _events(self) -> tuple[Event, ...]:
        told = self._told.values()
        if len(told) > STORM_AT:
            return self._storm()
        incidents = self._puts.get(Incident, {})
        return tuple(
            Event(
                event_type, incidents.get(document.id, document) if type(document) is Incident else document, internal
            )
            for event_type, document, internal in told
        )

    def _storm(self) -> tuple[Event, ...]:
        """Too much to tell one by one: how much there was, and what stays worth telling."""
        types = Counter(event_type for event_type, _, _ in self._told.values())
        storm = Storm(
            alerts=types["alert_received"] + types["alert_updated"],
            incidents=types["incident_created"] + types["incident_updated"],
            reason=f"{types.total()} changes at once",
        )
        rest = [Event(*each) for each in self._told.values() if each[0] in STILL_TOLD]
        return (Event("storm", storm), *rest[:STORM_AT])
