"""The audit chain of a company (or of `_msp`): reading it, proving it, and letting its oldest part go.

The head of the chain travels in the log. Before entries are deleted, a signed anchor takes their place: it names the
hash from which the rest follows.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from alertwhisperer.domain import audit
from alertwhisperer.domain.audit import GENESIS, AuditEntry
from alertwhisperer.domain.change import ABSENT, Delete, Put, Write
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.domain.user import require
from alertwhisperer.ports import Clock, Storage

AUDIT_LOGS: Final = "audit_logs"
ANCHOR_ID: Final = "00000000-0000-7000-8000-000000000000"
"""Sorts before every id that is made from a clock."""
ANCHOR: Final = "audit.anchor"

_PAGE: Final = 500


class Verification(Struct, frozen=True, kw_only=True):
    """Whether a chain holds.

    `first_bad` is the id of the first entry that does not follow, or `head` if the newest entries that the log knows
    of are missing. `head` is the hash to keep elsewhere and to compare next time.
    """

    ok: bool
    checked: int
    first_bad: str | None = None
    head: str = ""


class Audit:
    """Reads and proves audit chains. `key` is the HMAC key, kept outside the database."""

    def __init__(self, storage: Storage, clock: Clock, key: bytes) -> None:
        self._storage = storage
        self._clock = clock
        self._key = key

    async def entries(self, scope: Scope, *, limit: int = 100, before: str | None = None) -> list[AuditEntry]:
        """Entries, newest first; `before` is the id of the last one of the page before."""
        require(scope.actor, "audit.read")
        key = None if before is None else (scope.company_id, before)
        return await self._storage.select(AuditEntry, {"company_id": scope.company_id}, limit=limit, before=key)

    async def verify(self, scope: Scope) -> Verification:
        """Follow the whole chain from its anchor (or its beginning) to the head that the log holds."""
        require(scope.actor, "audit.read")
        # The head is read first: what is committed meanwhile comes behind it.
        _, head = await self._storage.head(scope.company_id)
        anchor = await self._anchor(scope.company_id)
        if anchor is not None and not _signed(anchor, self._key):
            return Verification(ok=False, checked=0, first_bad=anchor.id)
        return await self._follow(scope.company_id, head, _start(anchor))

    async def forget(self, scope: Scope, before: Instant, *, at_most: int = _PAGE) -> int:
        """Delete the oldest entries, older than `before`, behind a signed anchor; returns how many.

        Raises Stale if another process does the same at this moment: what it left, a later call finds.
        """
        require(scope.actor, "audit.forget")
        anchor = await self._anchor(scope.company_id)
        oldest = await self._page(scope.company_id, ANCHOR_ID, at_most)
        going = _expired(_chained(oldest, _start(anchor)), before)
        if going:
            await self._storage.store(self._behind_anchor(scope.company_id, anchor, going))
        return len(going)

    async def _anchor(self, company_id: str) -> AuditEntry | None:
        return await self._storage.get(AuditEntry, (company_id, ANCHOR_ID))

    async def _page(self, company_id: str, after: str, limit: int = _PAGE) -> list[AuditEntry]:
        query = {"company_id": company_id, "id": {"$gt": after}}
        return await self._storage.select(AuditEntry, query, sort=[("id", 1)], limit=limit)

    async def _follow(self, company_id: str, head: str, start: str) -> Verification:
        walk = _Walk(start, head)
        after = ANCHOR_ID
        while page := await self._page(company_id, after):
            after = page[-1].id
            bad = walk.take(page, self._key)
            if bad is not None:
                return Verification(ok=False, checked=walk.checked, first_bad=bad.id)
        return walk.end()

    def _behind_anchor(self, company_id: str, old: AuditEntry | None, going: list[AuditEntry]) -> list[Write]:
        removed = _removed(old) + len(going)
        details: dict[str, object] = {"hash": going[-1].hash, "through": going[-1].timestamp, "removed": removed}
        unlinked = audit.entry(company_id, ANCHOR_ID, self._clock.now(), SYSTEM, ANCHOR, details)
        expect = ABSENT if old is None else {"hash": old.hash}
        return [
            Put(AUDIT_LOGS, audit.link(unlinked, GENESIS, self._key), expect),
            *(Delete(AUDIT_LOGS, (company_id, each.id)) for each in going),
        ]


class _Walk:
    """Along a chain, page by page in order of ids.

    Ids of two processes may stand a little out of the chain's order: what does not follow yet waits.
    """

    def __init__(self, start: str, head: str) -> None:
        self.checked = 0
        self._previous = start
        self._head = head
        self._head_seen = head in (start, "")
        self._waiting: list[AuditEntry] = []

    def take(self, page: list[AuditEntry], key: bytes) -> AuditEntry | None:
        """Go on; returns the first entry that was tampered with."""
        run = _chained([*self._waiting, *page], self._previous)
        bad = audit.first_broken(run, key, self._previous)
        if bad is not None:
            return bad
        followed = {each.id for each in run}
        self._waiting = [each for each in [*self._waiting, *page] if each.id not in followed]
        self.checked += len(run)
        self._previous = run[-1].hash if run else self._previous
        self._head_seen = self._head_seen or any(each.hash == self._head for each in run)
        return None

    def end(self) -> Verification:
        """What was found once there is no further page."""
        first_bad = min((each.id for each in self._waiting), default=None if self._head_seen else "head")
        return Verification(ok=first_bad is None, checked=self.checked, first_bad=first_bad, head=self._previous)


def _signed(anchor: AuditEntry, key: bytes) -> bool:
    return audit.first_broken([anchor], key) is None


def _start(anchor: AuditEntry | None) -> str:
    return GENESIS if anchor is None else str(anchor.details.get("hash", ""))


def _removed(anchor: AuditEntry | None) -> int:
    removed = anchor.details.get("removed", 0) if anchor else 0
    return removed if isinstance(removed, int) else 0


def _chained(entries: Iterable[AuditEntry], start: str) -> list[AuditEntry]:
    """Those of the entries that follow one another from the hash `start`, in that order."""
    by_previous = {each.previous_hash: each for each in entries if each.id != ANCHOR_ID}
    run: list[AuditEntry] = []
    while (following := by_previous.pop(start, None)) is not None:
        run.append(following)
        start = following.hash
    return run


def _expired(entries: list[AuditEntry], before: Instant) -> list[AuditEntry]:
    """The beginning of the chain that is older than `before`."""
    for place, each in enumerate(entries):
        if each.timestamp >= before:
            return entries[:place]
    return entries
