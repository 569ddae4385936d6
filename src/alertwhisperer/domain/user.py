"""People who sign in, their roles, and the one table of what each role may do."""

from typing import Final

from msgspec import Struct

from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor, Role

ROLES: Final[tuple[Role, ...]] = ("client", "technician", "company_admin", "msp_admin")
"""From the least to the most; each may do all that those before it may."""

VERBS: Final[dict[str, Role]] = {
    "alert.read": "client",
    "alert.acknowledge": "technician",
    "alert.resolve": "technician",
    "incident.read": "client",
    "incident.read_internal": "technician",
    "incident.acknowledge": "technician",
    "incident.assign": "technician",
    "incident.escalate": "technician",
    "incident.resolve": "technician",
    "incident.reopen": "technician",
    "incident.merge": "technician",
    "incident.split": "technician",
    "incident.snooze": "technician",
    "incident.note": "technician",
    "incident.title": "technician",
    "incident.undo": "technician",
    "asset.read": "client",
    "asset.write": "technician",
    "company.read": "client",
    "company.create": "msp_admin",
    "company.update": "company_admin",
    "company.reveal_key": "company_admin",
    "company.rotate_key": "company_admin",
    "company.test_alert": "company_admin",
    "config.read": "technician",
    "config.write": "company_admin",
    "config.reveal_secret": "company_admin",
    "user.read": "technician",
    "user.write": "company_admin",
    "audit.read": "company_admin",
    "ledger.read": "technician",
    "ledger.read_global": "msp_admin",
    "metrics.read": "client",
    "live.read": "client",
}
"""Verb → the least role that may. A verb that is not here is nobody's."""


class User(Struct, frozen=True, kw_only=True):
    """A person. `company_ids` bounds what every role but msp_admin sees."""

    id: str
    email: str
    name: str
    hashed_password: str
    role: Role
    permissions: list[str] = []
    company_ids: list[str] = []
    created_at: Instant
    active: bool = True
    session_epoch: int = 0
    """Raised to end every session of this user at once."""


def may(role: Role | None, verb: str) -> bool:
    """Whether a role may do a verb."""
    least = VERBS.get(verb)
    return role is not None and least is not None and ROLES.index(role) >= ROLES.index(least)


def verbs_of(role: Role) -> list[str]:
    """All that a role may do, in the order of the table."""
    return [verb for verb in VERBS if may(role, verb)]


def require(actor: Actor, verb: str) -> None:
    """Forbidden, with who can grant it, unless the actor's role may do the verb.

    The product itself (`system`) may do everything: what it does was decided by a person's setting.
    """
    if actor.kind == "system" or may(actor.role, verb):
        return
    least = VERBS.get(verb)
    raise Forbidden(f"{verb} needs the role {least}" if least else f"{verb} is granted to nobody")
