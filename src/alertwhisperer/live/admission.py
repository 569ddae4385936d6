"""Who may open a socket, from where, and what they ask for."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Final, Literal, Protocol, cast
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from alertwhisperer.domain.errors import Forbidden, Unauthenticated
from alertwhisperer.domain.event import Cursor, read_cursor
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor, Scopes

SESSION_COOKIE: Final = "aw_session"

AsgiMessage = MutableMapping[str, object]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]


class Credential(Struct, frozen=True):
    """What a handshake proves its sender by."""

    kind: Literal["ticket", "bearer", "cookie"]
    value: str


class Admission(Struct, frozen=True, kw_only=True):
    """Who was let in, to which companies, and until when; `session` is the authenticator's own mark."""

    actor: Actor
    company_ids: tuple[str, ...]
    expires_at: Instant
    session: str = ""


class Authenticator(Protocol):
    """Knows people by their credentials."""

    async def authenticate(self, credential: Credential) -> Admission:
        """Whom the credential proves; Unauthenticated if nobody. A cookie's origin has been checked."""
        ...

    async def renew(self, admission: Admission) -> Admission | None:
        """The same person's admission as things stand now; None if it holds no longer."""
        ...


class Wish(Struct, frozen=True, kw_only=True):
    """What a handshake asks for. `company_ids` empty: every company in reach, also those that come later."""

    company_ids: tuple[str, ...]
    after: tuple[Cursor, ...]
    batch: bool
    ticket: str | None
    bearer: str | None
    cookie: str | None
    origin: str | None
    asked: str
    """The origin that the handshake was sent to."""

    def credential(self, public_url: str | None) -> Credential:
        """The credential that counts: the ticket, then the bearer token, then the cookie if its page is ours.

        Raises Unauthenticated where there is none, and Forbidden for another site's page: browsers send cookies
        from any page (RFC 6455 §10.2).
        """
        if self.ticket:
            return Credential("ticket", self.ticket)
        if self.bearer:
            return Credential("bearer", self.bearer)
        if not self.cookie:
            raise Unauthenticated("sign in first")
        ours = {_origin(self.asked), _origin(public_url or self.asked)}
        if not self.origin or _origin(self.origin) not in ours:
            raise Forbidden("this page may not use the session")
        return Credential("cookie", self.cookie)

    def scopes(self, admission: Admission) -> Scopes:
        """The companies asked for; Forbidden if one is not in reach."""
        for company_id in self.company_ids:
            if company_id not in admission.company_ids:
                raise Forbidden(f"company {company_id} is not yours to see")
        return Scopes(self.company_ids or admission.company_ids, admission.actor)


def read_wish(scope: AsgiMessage) -> Wish:
    """The wish in an ASGI websocket scope. Cursors that cannot be read are left out, as if not sent."""
    query = parse_qs(cast("bytes", scope.get("query_string", b"")).decode("latin-1"))
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in cast("list[tuple[bytes, bytes]]", scope.get("headers", []))
    }
    kind, _, token = headers.get("authorization", "").partition(" ")
    return Wish(
        company_ids=tuple(query.get("company", ())),
        after=tuple(cursor for text in query.get("after", ()) if (cursor := read_cursor(text))),
        batch=query.get("batch") == ["1"],
        ticket=query.get("ticket", [""])[0],
        bearer=token.strip() if kind.lower() == "bearer" else None,
        cookie=_cookie(headers.get("cookie", "")),
        origin=headers.get("origin"),
        asked=f"{'https' if scope.get('scheme') == 'wss' else 'http'}://{headers.get('host', '')}",
    )


def _cookie(header: str) -> str | None:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of a URL (RFC 6454); None, which equals no origin of ours, if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
