"""Who is calling: the session behind a bearer token or the cookie, and what it reaches."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import Depends
from fastapi.requests import Request

from alertwhisperer.api.served import House
from alertwhisperer.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.scope import MSP, Actor, Scope, Scopes
from alertwhisperer.domain.user import User, may
from alertwhisperer.engine.runner import Once
from alertwhisperer.engine.sessions import Claims, Sessions, visitor
from alertwhisperer.live.admission import Admission, Credential
from alertwhisperer.live.tickets import Tickets

COOKIE: Final = "aw_session"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_AT_MOST: Final = 200
UNIX_EPOCH: Final[Instant] = "1970-01-01T00:00:00.000000Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody who has signed in, and what this one request of theirs says about itself."""

    user: User
    actor: Actor
    claims: Claims
    sessions: Sessions
    by_cookie: bool = False
    once: Once | None = None
    if_revision: int | None = None

    @property
    def msp(self) -> Scope:
        """The scope of what belongs to no one company."""
        return Scope(MSP, self.actor)

    @property
    def is_client(self) -> bool:
        """Whether answers must hide internal notes and names of staff."""
        return not may(self.actor.role, "incident.read_internal")

    async def reach(self) -> Scopes:
        """Every company that the caller sees."""
        return await self.sessions.reach(self.msp, self.user)

    async def scope(self, company_id: str) -> Scope:
        """The scope of one company: Forbidden if it is out of reach, NotFound if there is none."""
        scope = Scope(company_id, self.actor)
        if self.user.role != "msp_admin":
            return Scopes(tuple(self.user.company_ids), self.actor).one(company_id)
        if not await self.sessions.exists(scope):
            raise NotFound("no such company")
        return scope

    async def scopes(self, company_ids: list[str]) -> Scopes:
        """The scopes of the companies asked for; of all in reach if none is named."""
        if not company_ids:
            return await self.reach()
        for each in dict.fromkeys(company_ids):
            await self.scope(each)
        return Scopes(tuple(dict.fromkeys(company_ids)), self.actor)


async def signed_in(request: Request, house: House) -> Session:
    """The caller's session; Unauthenticated without one, Forbidden for a cookie sent by another site's page."""
    token, by_cookie = credential(request)
    if by_cookie and request.method not in SAFE and not is_same_origin(request, house.public_url):
        raise Forbidden("this page may not use the session: its origin is not ours")
    claims = house.sessions.read(token)
    user, actor = await house.sessions.identify(visitor(address_of(request)), claims)
    return Session(
        user=user,
        actor=actor,
        claims=claims,
        sessions=house.sessions,
        by_cookie=by_cookie,
        once=await _once(request),
        if_revision=_if_revision(request),
    )


Caller = Annotated[Session, Depends(signed_in)]
"""What a handler of a signed-in route asks for by annotation."""


def credential(request: Request) -> tuple[str, bool]:
    """(token, whether it came by cookie); a bearer token counts before the cookie."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip(), False
    cookie = request.cookies.get(COOKIE)
    if cookie:
        return cookie, True
    raise Unauthenticated("sign in first")


def is_same_origin(request: Request, public_url: str) -> bool:
    """Whether the request comes from a page of ours: browsers name the page's origin in every unsafe request."""
    origin = _origin(request.headers.get("origin", ""))
    return origin is not None and origin in (_origin(str(request.base_url)), _origin(public_url))


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of a URL (RFC 6454); None if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def address_of(request: Request) -> str | None:
    """The caller's network address (the server has already believed, or not, a proxy's word for it)."""
    return request.client.host if request.client else None


async def _once(request: Request) -> Once | None:
    key = request.headers.get("idempotency-key")
    if key is None or request.method in SAFE:
        return None
    if not 1 <= len(key) <= KEY_AT_MOST or not key.isascii() or not key.isprintable():
        raise Invalid(f"must have from 1 to {KEY_AT_MOST} printable ASCII characters", "Idempotency-Key")
    what = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Once(key=key, fingerprint=sha256(what).hexdigest())


def _if_revision(request: Request) -> int | None:
    sent = request.headers.get("if-match")
    if sent is None or sent.strip() == "*":
        return None
    text = sent.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or not text.isascii():
        raise Invalid('must be a revision in quotes, such as "3"', "If-Match")
    return int(text)


class SocketAuthenticator:
    """Knows the people behind sockets (`live.admission.Authenticator`)."""

    def __init__(self, sessions: Sessions, tickets: Tickets) -> None:
        self._sessions = sessions
        self._tickets = tickets

    async def authenticate(self, credential: Credential) -> Admission:
        """Whom a ticket, a bearer token or the cookie proves; Unauthenticated if nobody."""
        if credential.kind == "ticket":
            return await self._admit(await self._tickets.redeem(credential.value))
        return await self._admit(session_mark(self._sessions.read(credential.value)))

    async def renew(self, admission: Admission) -> Admission | None:
        """The same session as it stands now; None once it has ended."""
        try:
            return await self._admit(admission.session)
        except Unauthenticated:
            return None

    async def _admit(self, mark: str) -> Admission:
        claims = msgspec.json.decode(mark, type=Claims)
        user, actor = await self._sessions.identify(visitor(None), claims)
        reach = await self._sessions.reach(Scope(MSP, actor), user)
        return Admission(
            actor=actor, company_ids=reach.company_ids, expires_at=plus(UNIX_EPOCH, claims.exp), session=mark
        )


def session_mark(claims: Claims) -> str:
    """A session's claims as text: what a ticket's subject is, and an admission's session. It proves nothing alone."""
    return msgspec.json.encode(claims).decode()
