"""Who acts, and on whose data. The first argument of every operation of the engine."""

from typing import Literal

from msgspec import Struct

from alertwhisperer.domain.errors import Forbidden

MSP = "_msp"
"""The log of users and of what belongs to no one company."""

Role = Literal["msp_admin", "company_admin", "technician", "client"]
ActorKind = Literal["user", "source", "system"]


class Actor(Struct, frozen=True):
    """A person, a monitoring tool or the product itself."""

    kind: ActorKind
    id: str
    name: str
    role: Role | None = None
    ip_address: str | None = None


SYSTEM = Actor(kind="system", id="system", name="Alert Whisperer")


class Scope(Struct, frozen=True):
    """One company (or `_msp`) and the actor who may act there."""

    company_id: str
    actor: Actor


class Scopes(Struct, frozen=True):
    """What an actor sees across companies: an explicit set, read one company at a time and merged."""

    company_ids: tuple[str, ...]
    actor: Actor

    def one(self, company_id: str) -> Scope:
        """The scope of one of these companies; Forbidden if it is not among them."""
        if company_id not in self.company_ids:
            raise Forbidden(f"company {company_id} is not yours to see")
        return Scope(company_id, self.actor)

    def each(self) -> list[Scope]:
        """A scope for each company."""
        return [Scope(company_id, self.actor) for company_id in self.company_ids]
