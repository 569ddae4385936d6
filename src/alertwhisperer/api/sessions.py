"""Signing in and out, and who one is."""

from typing import Literal

from fastapi.requests import Request
from fastapi.responses import Response
from msgspec import Struct

from alertwhisperer.api.auth import COOKIE, Caller, address_of, is_same_origin, session_mark
from alertwhisperer.api.codec import PUBLIC, SIGNED_IN, Answer, Routes
from alertwhisperer.api.served import House, Served
from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.user import PublicUser, publish, verbs_of
from alertwhisperer.engine.sessions import visitor

routes = Routes("sessions")


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An e-mail address and its password. `cookie` asks for the browser's session cookie beside the token."""

    email: str
    password: str
    cookie: bool = False


class SignedIn(Struct, frozen=True, kw_only=True):
    """A bearer token and whose it is."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # a kind, not a token
    user: PublicUser


class Logout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`everywhere` ends every session of the user; otherwise the one that asks."""

    everywhere: bool = False


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's password, and what it shall be."""

    current_password: str
    new_password: str


class CompanyName(Struct, frozen=True, kw_only=True):
    """A company by name."""

    id: str
    name: str


class Me(Struct, frozen=True, kw_only=True):
    """The caller, what they reach and may do, and what a browser needs to start."""

    user: PublicUser
    companies: list[CompanyName]
    verbs: list[str]
    server_time: Instant
    live_transport: Literal["auto", "polling"]
    version: str


class Ticket(Struct, frozen=True, kw_only=True):
    """Opens one socket, once, within 30 seconds."""

    ticket: str
    expires_at: Instant


@routes.on("POST", "/api/auth/login", verb=PUBLIC, once=False)
async def login(request: Request, house: House, body: Login) -> Answer[SignedIn]:
    """Sign in. 401 says the same for a wrong password and an unknown address; 429 after repeated tries."""
    if body.cookie and not is_same_origin(request, house.public_url):
        raise Forbidden("this page may not sign in by cookie: its origin is not ours")
    token, user = await house.sessions.login(visitor(address_of(request)), body.email, body.password)
    headers = {"Set-Cookie": _cookie(request, house, token)} if body.cookie else {}
    return Answer(SignedIn(access_token=token, user=publish(user)), headers)


@routes.on("POST", "/api/auth/logout", verb=SIGNED_IN, status=204, once=False)
async def logout(request: Request, house: House, caller: Caller, body: Logout) -> Answer[None]:
    """End this session, its token and its sockets in every process; with `everywhere`, all sessions of the caller."""
    if body.everywhere:
        await house.sessions.end_all(caller.msp)
    else:
        await house.sessions.end(caller.msp, caller.claims)
    return Answer(None, {"Set-Cookie": _cookie(request, house, None)})


@routes.on("GET", "/api/auth/me", verb=SIGNED_IN)
async def me(house: House, caller: Caller) -> Me:
    """Who the caller is, and what they reach and may do."""
    companies = await house.companies.visible(await caller.reach())
    return Me(
        user=publish(caller.user),
        companies=[CompanyName(id=each.id, name=each.name) for each in companies],
        verbs=verbs_of(caller.user.role),
        server_time=house.clock.now(),
        live_transport=house.live_transport,
        version=house.version,
    )


@routes.on("POST", "/api/auth/tickets", verb=SIGNED_IN, once=False)
async def create_ticket(house: House, caller: Caller) -> Ticket:
    """A one-time ticket for a WebSocket whose client cannot send a header."""
    ticket, expires_at = house.tickets.issue(session_mark(caller.claims))
    return Ticket(ticket=ticket, expires_at=expires_at)


@routes.on("POST", "/api/auth/password", verb=SIGNED_IN, status=204, once=False)
async def change_password(request: Request, house: House, caller: Caller, body: NewPassword) -> Answer[None]:
    """Change one's own password. Every other session ends; a browser keeps its own by a new cookie."""
    user = await house.users.change_password(caller.msp, body.current_password, body.new_password)
    if not caller.by_cookie:
        return Answer(None)
    return Answer(None, {"Set-Cookie": _cookie(request, house, house.sessions.issue(user))})


def _cookie(request: Request, house: Served, token: str | None) -> str:
    """The `Set-Cookie` for a token, or for taking it away."""
    carrier = Response()
    carrier.set_cookie(
        COOKIE,
        token or "",
        max_age=house.sessions.seconds if token else 0,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or house.public_url.startswith("https:"),
    )
    return carrier.headers["set-cookie"]
