"""People: who they are, what they may, and where. They live in the log of the MSP itself."""

import secrets
from collections.abc import Callable, Collection
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from alertwhisperer.domain.company import Company
from alertwhisperer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from alertwhisperer.domain.scope import MSP, Role, Scope, Scopes
from alertwhisperer.domain.user import (
    PublicUser,
    User,
    canonical_email,
    check_grant,
    check_password,
    end_sessions,
    may,
    publish,
    require,
    serves,
)
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Need
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Passwords, Reader

USERS_AT_MOST: Final = 10_000
NAME_AT_MOST: Final = 200


class NewUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person to add. Without a password one is made, and shown once."""

    email: str
    name: str
    role: Role
    company_ids: list[str] = []
    password: str | None = None


class UserChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a person; absent fields stay as they are."""

    name: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    company_ids: list[str] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


def random_password() -> str:
    """A password that nobody has to like: 128 bits, typed once."""
    return secrets.token_urlsafe(16)


class Users:
    """Everything that is done to users. `scopes` is the actor and the companies in the actor's reach."""

    def __init__(
        self,
        runner: Runner,
        reader: Reader,
        passwords: Passwords,
        new_password: Callable[[], str] = random_password,
    ) -> None:
        self._runner = runner
        self._reader = reader
        self._passwords = passwords
        self._new_password = new_password

    async def visible(self, scopes: Scopes) -> list[PublicUser]:
        """The users who serve any of these companies, by name; to an msp_admin, all."""
        require(scopes.actor, "user.read")
        found = await self._reader.select(User, {}, limit=USERS_AT_MOST)
        reach = _reach(scopes)
        seen = [each for each in found if reach is None or serves(each, reach)]
        return [publish(each, reach) for each in sorted(seen, key=lambda each: each.name.lower())]

    async def assignee_name(self, scope: Scope, user_id: str) -> str:
        """The name of someone who can be given an incident of this company; Invalid, naming `user_id`, if not."""
        require(scope.actor, "incident.assign")
        user = await self._reader.get(User, (user_id,))
        able = user is not None and user.active and may(user.role, "incident.assign")
        if user is None or not able or not serves(user, [scope.company_id]):
            raise Invalid("must be an active technician, or higher, of this company", "user_id")
        return user.name

    async def create(self, scopes: Scopes, new: NewUser, once: Once | None = None) -> tuple[PublicUser, str | None]:
        """A new user, and the password if it was made here (and this is not a repeat).

        Invalid for an address that is no address or is taken; Forbidden for more than the actor has.
        """
        require(scopes.actor, "user.write")
        check_grant(scopes.actor, scopes.company_ids, new.role, new.company_ids)
        email = canonical_email(new.email)
        _check_name(new.name)
        password = new.password or self._new_password()
        check_password(password, email)
        await self._check_companies(new.company_ids)
        hashed = await self._passwords.hash(password)
        taken: list[User] = []
        made_here: list[str] = []

        async def load(state: CompanyState, loader: Loader) -> None:
            taken[:] = await loader.fetch_where(state, User, {"email": email})

        def decide(draft: Draft) -> PublicUser:
            if taken:
                raise Invalid("another user has this address", "email")
            user = User(
                id=draft.new_id(),
                email=email,
                name=new.name.strip(),
                hashed_password=hashed,
                role=new.role,
                company_ids=list(dict.fromkeys(new.company_ids)),
                created_at=draft.now,
            )
            made_here[:] = [password] if new.password is None else []
            _write(draft, user, "user.created", {"role": user.role, "company_ids": user.company_ids})
            return publish(user)

        scope = Scope(MSP, scopes.actor)
        public = await self._runner.run_once(scope, once, PublicUser, decide, load)
        return public, made_here[0] if made_here else None

    async def update(self, scopes: Scopes, user_id: str, changes: UserChanges, once: Once | None = None) -> PublicUser:
        """The user afterwards. Forbidden for more than the actor has, and for one's own role or activity."""
        require(scopes.actor, "user.write")
        if changes.company_ids is not UNSET:
            await self._check_companies(changes.company_ids)

        def decide(draft: Draft) -> PublicUser:
            before = self._managed(draft, scopes, user_id)
            after = _changed(before, changes)
            check_grant(scopes.actor, scopes.company_ids, after.role, after.company_ids)
            if after.id == scopes.actor.id and (after.role, after.active) != (before.role, True):
                raise Forbidden("somebody else must change your role or deactivate you")
            if not after.active:
                after = end_sessions(after)
            if after != before:
                _write(draft, after, "user.updated", _difference(before, after))
            return publish(after, _reach(scopes))

        scope = Scope(MSP, scopes.actor)
        return await self._runner.run_once(scope, once, PublicUser, decide, _need(user_id))

    async def reset_password(self, scopes: Scopes, user_id: str) -> str:
        """A new random password, shown once; every session of the user ends."""
        require(scopes.actor, "user.write")
        password = self._new_password()
        hashed = await self._passwords.hash(password)

        def decide(draft: Draft) -> None:
            user = self._managed(draft, scopes, user_id)
            _write(draft, _with_password(user, hashed), "user.password_reset", {})

        await self._runner.run(Scope(MSP, scopes.actor), decide, _need(user_id))
        return password

    async def change_password(self, scope: Scope, current: str, new: str) -> User:
        """The actor's own password; other sessions end. Invalid if `current` is not it."""
        user = await self._reader.get(User, (scope.actor.id,))
        if user is None:
            raise NotFound("no such user")
        check_password(new, user.email, "new_password")
        if not await self._passwords.matches(user.hashed_password, current):
            raise Invalid("is not your password", "current_password")
        hashed = await self._passwords.hash(new)

        def decide(draft: Draft) -> User:
            stored = draft.get(User, (scope.actor.id,))
            if stored is None or stored.hashed_password != user.hashed_password:
                raise Conflict("the password was changed meanwhile")
            after = _with_password(stored, hashed)
            _write(draft, after, "user.password_changed", {})
            return after

        return await self._runner.run(Scope(MSP, scope.actor), decide, _need(scope.actor.id))

    def _managed(self, draft: Draft, scopes: Scopes, user_id: str) -> User:
        """A user that the actor may change; NotFound if out of sight, Forbidden if only in sight."""
        user = draft.get(User, (user_id,))
        reach = _reach(scopes)
        if user is None or (reach is not None and not serves(user, reach)):
            raise NotFound("no such user")
        check_grant(scopes.actor, scopes.company_ids, user.role, user.company_ids)
        return user

    async def _check_companies(self, company_ids: Collection[str]) -> None:
        found = await self._reader.get_many(Company, [(each,) for each in company_ids])
        missing = set(company_ids) - {each.id for each in found}
        if missing:
            raise Invalid(f"there is no company {min(missing)}", "company_ids")


def _reach(scopes: Scopes) -> Collection[str] | None:
    """The companies that bound what the actor sees; None for who sees everything."""
    everything = scopes.actor.kind == "system" or scopes.actor.role == "msp_admin"
    return None if everything else scopes.company_ids


def _need(user_id: str) -> Need:
    async def load(state: CompanyState, loader: Loader) -> None:
        await loader.fetch(state, User, (user_id,))

    return load


def _changed(user: User, changes: UserChanges) -> User:
    if changes.name is not UNSET:
        _check_name(changes.name)
        user = replace(user, name=changes.name.strip())
    if changes.role is not UNSET:
        user = replace(user, role=changes.role)
    if changes.company_ids is not UNSET:
        user = replace(user, company_ids=list(dict.fromkeys(changes.company_ids)))
    if changes.active is not UNSET:
        user = replace(user, active=changes.active)
    return user


def _difference(before: User, after: User) -> dict[str, object]:
    fields = ("name", "role", "company_ids", "active")
    return {
        field: [getattr(before, field), getattr(after, field)]
        for field in fields
        if getattr(before, field) != getattr(after, field)
    }


def _with_password(user: User, hashed: str) -> User:
    return replace(end_sessions(user), hashed_password=hashed)


def _write(draft: Draft, user: User, action: str, details: dict[str, object]) -> None:
    draft.put(user)
    draft.tell("user_updated", publish(user))
    draft.audit(action, {"user_id": user.id, "email": user.email, **details})


def _check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= NAME_AT_MOST or not name.isprintable():
        raise Invalid(f"must have from 1 to {NAME_AT_MOST} printable characters", "name")
