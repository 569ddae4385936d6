"""Where a company's log stood, kept so that its records may expire."""

from msgspec import Struct

from alertwhisperer.domain.instant import Instant


class Snapshot(Struct, frozen=True, kw_only=True):
    """The head of a company's log: a quiet company's next commit starts here once its records are gone."""

    company_id: str
    id: str = "head"
    seq: int
    audit_head: str
    at: Instant
