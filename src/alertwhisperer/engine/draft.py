"""The draft in which a batch of decisions changes a company's state and gathers what is to be committed."""

from collections.abc import Mapping
from typing import TypeVar, cast

from msgspec import Struct

from alertwhisperer.domain import audit, priority
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.change import Change, Delete, Event, Put, Storm, Write
from alertwhisperer.domain.company import Company, Config, CorrelationConfig
from alertwhisperer.domain.delivery import Delivery, Intake
from alertwhisperer.domain.event import STORM_AT, EventType
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor, Scope
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Ids, Key
from alertwhisperer.schema import BY_DOCUMENT, key_of

T = TypeVar("T", bound=Struct)
C = TypeVar("C", bound=Config)


class Mark(Struct, frozen=True, gc=False):
    """A point of a draft to which it can go back."""

    journal: int
    counts: dict[str, int]
    audits: int
    deliveries: int


class Draft:
    """What a decision sees and changes: the state, with what this batch has decided so far."""

    def __init__(self, state: CompanyState, *, scope: Scope, now: Instant, ids: Ids) -> None:
        self.state = state
        self.scope = scope
        self.now = now
        self._ids = ids
        self._writes: dict[tuple[str, Key], Write] = {}
        self._events: dict[object, Event] = {}
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
        name = BY_DOCUMENT[kind].name
        write = self._writes.get((name, key))
        if write is not None:
            return cast("T", write.document) if isinstance(write, Put) else None
        if kind is Incident:
            return cast("T | None", self.state.incidents.get(str(key[1])))
        if kind is Company:
            return cast("T | None", self.state.company)
        if kind is Asset:
            return cast(
                "T | None",
                next((a for a in self.state.assets.values() if a.id == key[1]), None),
            )
        if kind is Alert:
            return cast("T | None", self.alert(str(key[1])))
        return cast("T | None", self.state.scratch.get((kind, key)))

    def alert(self, alert_id: str) -> Alert | None:
        """An open alert by id, or one that `load` has fetched."""
        fetched = self.state.scratch.get((Alert, (self.company_id, alert_id)))
        if isinstance(fetched, Alert):
            return fetched
        return next(
            (each for each in self.state.open_alerts.values() if each.id == alert_id),
            None,
        )

    def put(self, document: Struct, expect: Mapping[str, object] | None = None) -> None:
        """Write a whole document. The last word for a key counts; the first one's expectation stays."""
        collection = BY_DOCUMENT[type(document)]
        key = key_of(collection, document)
        name = (collection.name, key)
        before = self._writes.get(name)
        self.state.set(
            self._writes,
            name,
            Put(collection.name, document, before.expect if before else expect),
        )
        self.state.install(document)

    def delete(self, kind: type[Struct], key: Key, expect: Mapping[str, object] | None = None) -> None:
        """Delete a document by its key."""
        name = BY_DOCUMENT[kind].name
        gone = self.get(kind, key)
        self.state.set(self._writes, (name, key), Delete(name, key, expect))
        if isinstance(gone, Asset):
            self.state.unset(self.state.assets, gone.name)
        else:
            self.state.unset(self.state.scratch, (kind, key))

    def tell(self, event_type: EventType, document: Struct, *, internal: bool = False) -> None:
        """A fact for the readers of the log. Of one document the last state is told, as first named."""
        collection = BY_DOCUMENT.get(type(document))
        name: object = (collection.name, key_of(collection, document)) if collection else len(self._events)
        before = self._events.get(name)
        self.state.set(
            self._events,
            name,
            Event(before.type if before else event_type, document, internal),
        )

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter of this company."""
        self._counts[name] = self._counts.get(name, 0) + by

    def audit(self, action: str, details: dict[str, object]) -> None:
        """Add to the company's audit chain."""
        self._audits.append(audit.entry(self.company_id, self.new_id(), self.now, self.actor, action, details))

    def keep(self, delivery: Delivery) -> None:
        """Store a delivery as it came; all of a batch share one document."""
        self._deliveries.append(delivery)

    def mark(self) -> Mark:
        """This point, to come back to if the next decision fails."""
        return Mark(self.state.mark(), dict(self._counts), len(self._audits), len(self._deliveries))

    def restore(self, mark: Mark) -> None:
        """Back to a mark, as if nothing since had been decided."""
        self.state.restore(mark.journal)
        self._counts = dict(mark.counts)
        del self._audits[mark.audits :]
        del self._deliveries[mark.deliveries :]

    def is_empty(self) -> bool:
        """Whether nothing is to be committed."""
        return not (self._writes or self._events or self._counts or self._audits or self._deliveries)

    def seal(self, audit_key: bytes) -> Change:
        """The change as it is to be committed: incidents scored, audit linked, a storm told as one."""
        self._score()
        head = self.state.audit_head or audit.GENESIS
        writes: list[Write] = list(self._writes.values())
        if self._deliveries:
            writes.append(Put("deliveries", self._intake()))
        for unlinked in self._audits:
            linked = audit.link(unlinked, head, audit_key)
            head = linked.hash
            writes.append(Put("audit_logs", linked))
        return Change(
            writes=tuple(writes),
            events=self._told(),
            counts=self._counts,
            audit_head=head if self._audits else self.state.audit_head,
        )

    def _intake(self) -> Intake:
        first = self._deliveries[0].received_at
        return Intake(company_id=self.company_id, id=self.new_id(), received_at=first, deliveries=self._deliveries)

    def _score(self) -> None:
        """Priority follows from the final state of the batch, so that batch borders change nothing."""
        weights = self.state.config(CorrelationConfig)[0].weights
        for name, write in self._writes.items():
            if isinstance(write, Put) and isinstance(write.document, Incident):
                scored = priority.scored(write.document, weights)
                self._writes[name] = Put(write.collection, scored, write.expect)
                self.state.set(self.state.incidents, scored.id, scored)
                event = self._events.get(name)
                if event is not None:
                    self._events[name] = Event(event.type, scored, event.internal)

    def _told(self) -> tuple[Event, ...]:
        events = tuple(self._events.values())
        if len(events) <= STORM_AT:
            return events
        alerts = sum(each.type in ("alert_received", "alert_updated") for each in events)
        incidents = sum(each.type in ("incident_created", "incident_updated") for each in events)
        rest = tuple(each for each in events if each.type in ("timeline", "company_updated", "user_updated"))
        reason = f"{len(events)} changes at once"
        return (
            Event("storm", Storm(alerts=alerts, incidents=incidents, reason=reason)),
            *rest[:STORM_AT],
        )
