"""People who sign in, their roles, and the one table of what each role may do."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.errors import Forbidden, Invalid
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
    ended_sessions: dict[str, int] = {}
    """Sessions that ended by themselves: the id of each and when it would have expired (Unix seconds)."""


class PublicUser(Struct, frozen=True, kw_only=True):
    """A user as answers show it: no password in any form."""

    id: str
    email: str
    name: str
    role: Role
    company_ids: list[str]
    active: bool
    created_at: Instant


def publish(user: User, reach: Collection[str] | None = None) -> PublicUser:
    """The user without the password; `reach` bounds which companies of theirs the reader may know of."""
    return PublicUser(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        company_ids=[each for each in user.company_ids if reach is None or each in reach],
        active=user.active,
        created_at=user.created_at,
    )


ENDED_AT_MOST: Final = 500
"""Sessions of one user that have ended but would not have expired yet; one more ends all that there are."""


def end_session(user: User, session_id: str, expires: int, now: float) -> User:
    """The user with one session less; `expires` and `now` are in Unix seconds."""
    ended = forget_expired(user, now).ended_sessions | {session_id: expires}
    return end_sessions(user) if len(ended) > ENDED_AT_MOST else replace(user, ended_sessions=ended)


def forget_expired(user: User, now: float) -> User:
    """The user without ended sessions whose tokens have expired by `now`; the same one if there are none."""
    kept = {each: until for each, until in user.ended_sessions.items() if until > now}
    return user if len(kept) == len(user.ended_sessions) else replace(user, ended_sessions=kept)


def end_sessions(user: User) -> User:
    """The user with no session at all."""
    return replace(user, session_epoch=user.session_epoch + 1, ended_sessions={})


def serves(user: User, reach: Collection[str]) -> bool:
    """Whether a user works for, or belongs to, any of these companies; an msp_admin serves all."""
    return user.role == "msp_admin" or any(each in reach for each in user.company_ids)


def check_grant(actor: Actor, reach: Collection[str], role: Role, company_ids: Collection[str]) -> None:
    """Forbidden if the actor would grant, or touch, more than the actor has: a higher role, or another company."""
    if actor.kind == "system" or actor.role == "msp_admin":
        return
    if actor.role is None or ROLES.index(role) > ROLES.index(actor.role):
        raise Forbidden(f"only a user with the role {role} or higher manages that role")
    if not company_ids or any(each not in reach for each in company_ids):
        raise Forbidden("you manage only users whose companies are all yours")


EMAIL_AT_MOST: Final = 254
PASSWORD_AT_LEAST: Final = 10
PASSWORD_AT_MOST: Final = 256


def check_password(password: str, email: str, field: str = "password") -> None:
    """Invalid unless it is long enough and not the person's own address (NIST SP 800-63B: length, no recipes)."""
    if not PASSWORD_AT_LEAST <= len(password) <= PASSWORD_AT_MOST:
        raise Invalid(f"must have from {PASSWORD_AT_LEAST} to {PASSWORD_AT_MOST} characters", field)
    if password.lower() in (email, email.partition("@")[0]):
        raise Invalid("must not be the e-mail address", field)


def canonical_email(text: str) -> str:
    """The one form in which an address is kept and compared; Invalid if it is none."""
    email = text.strip().lower()
    local, at, host = email.rpartition("@")
    if not (local and at and host) or len(email) > EMAIL_AT_MOST or not email.isprintable() or " " in email:
        raise Invalid("must be an e-mail address", "email")
    return email


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
