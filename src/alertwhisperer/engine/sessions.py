"""Signing in and staying signed in: passwords against tokens (JWT, RFC 7519), each bound to its user's epoch.

A session that was signed out is remembered on its user until its token expires: every request reads its user anyway, so
asking costs nothing, and every process and open socket learns of it from the log of users.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import jwt
from jwt.types import Options
from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict, replace

from alertwhisperer.domain.company import Company
from alertwhisperer.domain.errors import Unauthenticated
from alertwhisperer.domain.instant import moment
from alertwhisperer.domain.scope import MSP, Actor, Scope, Scopes
from alertwhisperer.domain.user import User, end_session, end_sessions, forget_expired
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Need
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.engine.throttle import Throttle
from alertwhisperer.ports import Clock, Passwords, Reader

TRIES_OF_ONE: Final = 5
TRIES_OF_ADDRESS: Final = 30
WINDOW_SECONDS: Final = 300.0
REFUSED: Final = "the e-mail or the password is wrong"
COMPANIES_AT_MOST: Final = 100_000
USERS_AT_MOST: Final = 10_000


class TokenRules(Struct, frozen=True, kw_only=True):
    """How tokens are signed (an HMAC algorithm of JWA, RFC 7518) and how long they hold."""

    secret: str
    algorithm: str = "HS256"
    hours: float = 24


class Claims(Struct, frozen=True):
    """What a token says: its own id, whose it is, from when to when (Unix seconds), and in which epoch of its user."""

    jti: str
    sub: str
    epoch: int
    iat: int
    exp: int


def visitor(ip_address: str | None) -> Scope:
    """Whoever has not signed in yet, and from where."""
    return Scope(MSP, Actor(kind="user", id="", name="", ip_address=ip_address))


class Sessions:
    """Who is asking, and what they may reach."""

    def __init__(self, runner: Runner, reader: Reader, passwords: Passwords, clock: Clock, tokens: TokenRules) -> None:
        self._runner = runner
        self._reader = reader
        self._passwords = passwords
        self._clock = clock
        self._tokens = tokens
        self._by_person = Throttle(clock, limit=TRIES_OF_ONE, window_seconds=WINDOW_SECONDS)
        self._by_address = Throttle(clock, limit=TRIES_OF_ADDRESS, window_seconds=WINDOW_SECONDS)

    async def login(self, scope: Scope, email: str, password: str) -> tuple[str, User]:
        """A token and its user; `scope` is the `visitor`.

        Unauthenticated, with one sentence and one cost for a wrong password, an unknown address and a
        deactivated user; RateLimited after five tries of one address of mail from one of the network.
        """
        email, address = email.strip().lower(), scope.actor.ip_address or ""
        person = f"{address}|{email}"
        self._by_address.take(address)
        self._by_person.take(person)
        found = await self._reader.select(User, {"email": email}, limit=1)
        user = found[0] if found and found[0].active else None
        right = await self._passwords.matches(user.hashed_password if user else None, password)
        known = user if right else None
        await self._record(scope, found[0] if found else None, succeeded=known is not None)
        if known is None:
            raise Unauthenticated(REFUSED)
        self._by_person.forget(person)
        self._by_address.give_back(address)
        return self.issue(known), known

    async def _record(self, scope: Scope, user: User | None, *, succeeded: bool) -> None:
        """Into the audit chain. An address that is nobody's is not kept: it may be a mistyped password."""
        actor = scope.actor
        if user is not None:
            actor = replace(actor, id=user.id, name=user.name, role=user.role)
        action = "user.login" if succeeded else "user.login_refused"
        await self._runner.run(Scope(MSP, actor), lambda draft: draft.audit(action, {}))

    @property
    def seconds(self) -> int:
        """How long a token holds."""
        return int(self._tokens.hours * 3600)

    def issue(self, user: User) -> str:
        """A token for a user, from now."""
        now = int(self._now())
        session_id = self._runner.ids.new_id()
        claims = Claims(jti=session_id, sub=user.id, epoch=user.session_epoch, iat=now, exp=now + self.seconds)
        return jwt.encode(asdict(claims), self._tokens.secret, algorithm=self._tokens.algorithm)

    async def identify(self, scope: Scope, claims: Claims) -> tuple[User, Actor]:
        """The active user whom a token's claims are about, and the actor they are; `scope` is the `visitor`.

        Unauthenticated if they no longer hold.
        """
        user = await self._reader.get(User, (claims.sub,))
        if user is None or not user.active or self._is_over(claims) or _has_ended(claims, user):
            raise Unauthenticated("this session has ended; sign in again")
        actor = Actor(kind="user", id=user.id, name=user.name, role=user.role, ip_address=scope.actor.ip_address)
        return user, actor

    def read(self, token: str) -> Claims:
        """The claims of a token that we signed; Unauthenticated if we did not, or it has expired."""
        rules = self._tokens
        # The expiry is compared by our clock: PyJWT would read the machine's.
        options: Options = {"verify_exp": False, "verify_iat": False}
        try:
            body = jwt.decode(token, rules.secret, algorithms=[rules.algorithm], options=options)
            claims = convert(body, Claims)
        except (jwt.InvalidTokenError, ValidationError) as error:
            raise Unauthenticated("this is not a valid token") from error
        if self._is_over(claims):
            raise Unauthenticated("this session has expired; sign in again")
        return claims

    def _is_over(self, claims: Claims) -> bool:
        return claims.exp <= self._now()

    def _now(self) -> float:
        return moment(self._clock.now()).timestamp()

    async def reach(self, scope: Scope, user: User) -> Scopes:
        """The companies that a user sees: those named for them, and for an msp_admin all there are."""
        if user.role != "msp_admin":
            return Scopes(tuple(user.company_ids), scope.actor)
        companies = await self._reader.select(Company, {}, limit=COMPANIES_AT_MOST)
        return Scopes(tuple(each.id for each in companies), scope.actor)

    async def exists(self, scope: Scope) -> bool:
        """Whether there is such a company."""
        return await self._reader.get(Company, (scope.company_id,)) is not None

    async def end(self, scope: Scope, claims: Claims) -> None:
        """End one session of the actor, wherever its token is used; the others go on."""

        def change(user: User) -> User:
            return end_session(user, claims.jti, claims.exp, self._now())

        await self._sign_out(scope, "user.logout", change)

    async def end_all(self, scope: Scope) -> None:
        """End every session of the actor, this one included."""
        await self._sign_out(scope, "user.logout_everywhere", end_sessions)

    async def _sign_out(self, scope: Scope, action: str, change: Callable[[User], User]) -> None:
        def decide(draft: Draft) -> None:
            user = draft.get(User, (scope.actor.id,))
            if user is None:
                raise Unauthenticated("this user is no more")
            draft.put(change(user))
            draft.audit(action, {})

        await self._runner.run(Scope(MSP, scope.actor), decide, _need(scope.actor.id))

    async def sweep(self, scope: Scope) -> None:
        """Forget ended sessions whose tokens have expired; `scope` is the product itself in `_msp`."""
        now = self._now()
        for user in await self._reader.select(User, {}, limit=USERS_AT_MOST):
            if forget_expired(user, now) is not user:
                await self._runner.run(scope, partial(self._forget, user.id), _need(user.id))

    def _forget(self, user_id: str, draft: Draft) -> None:
        user = draft.get(User, (user_id,))
        if user is not None:
            draft.put(forget_expired(user, self._now()))


def _need(user_id: str) -> Need:
    async def load(state: CompanyState, loader: Loader) -> None:
        await loader.fetch(state, User, (user_id,))

    return load


def _has_ended(claims: Claims, user: User) -> bool:
    return claims.epoch != user.session_epoch or claims.jti in user.ended_sessions
