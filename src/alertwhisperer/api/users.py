"""People."""

from msgspec import UNSET, Struct, UnsetType

from alertwhisperer.api.auth import Caller
from alertwhisperer.api.codec import Routes
from alertwhisperer.api.served import House
from alertwhisperer.domain.user import PublicUser
from alertwhisperer.engine.users import NewUser, UserChanges

routes = Routes("users")


class CreatedUser(Struct, frozen=True, kw_only=True):
    """A new user, and the password if one was made: shown this once."""

    user: PublicUser
    password: str | UnsetType = UNSET


class Password(Struct, frozen=True, kw_only=True):
    """A password, shown this once."""

    password: str


@routes.on("GET", "/api/users", verb="user.read")
async def list_users(house: House, caller: Caller) -> list[PublicUser]:
    """The users who serve any company in reach, by name."""
    return await house.users.visible(await caller.reach())


@routes.on("POST", "/api/users", verb="user.write", status=201)
async def create_user(house: House, caller: Caller, body: NewUser) -> CreatedUser:
    """Add a user, with no higher role and no other companies than the caller's."""
    user, password = await house.users.create(await caller.reach(), body, caller.once)
    return CreatedUser(user=user, password=UNSET if password is None else password)


@routes.on("PATCH", "/api/users/{user_id}", verb="user.write")
async def update_user(house: House, caller: Caller, user_id: str, body: UserChanges) -> PublicUser:
    """Change a user; deactivating ends all their sessions."""
    return await house.users.update(await caller.reach(), user_id, body, caller.once)


@routes.on("POST", "/api/users/{user_id}/reset-password", verb="user.write", once=False)
async def reset_password(house: House, caller: Caller, user_id: str) -> Password:
    """Give a user a new random password; all their sessions end."""
    return Password(password=await house.users.reset_password(await caller.reach(), user_id))
