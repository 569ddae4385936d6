"""What requests share: whose thing it is, and filters as queries."""

from typing import Annotated, Literal

from fastapi import Query
from msgspec import Struct

from alertwhisperer.domain.alert import Severity
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import Instant, tolerant

Text = Annotated[str, Query(max_length=200, description="Part of a text, in any case.")]
Severities = Annotated[list[Severity], Query(alias="severity", description="May repeat.")]
Since = Annotated[str | None, Query(description="From this instant on.")]
Until = Annotated[str | None, Query(description="Before this instant.")]


class InCompany(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose alert, or incident, the request is about."""

    company_id: str


def instant_in(text: str | None, field: Literal["since", "until"]) -> Instant | None:
    """An instant as people write it; Invalid if it is none."""
    if text is None:
        return None
    read = tolerant(text)
    if read is None:
        raise Invalid("must be an instant such as 2026-11-21T11:29:13Z", field)
    return read


def between(since: str | None, until: str | None) -> dict[str, object] | None:
    """The condition of a range of time; None for no bound."""
    bounds = {"$gte": instant_in(since, "since"), "$lt": instant_in(until, "until")}
    set_bounds: dict[str, object] = {name: each for name, each in bounds.items() if each is not None}
    return set_bounds or None


def any_of(values: list[str]) -> dict[str, object] | None:
    """The condition that a field has one of some values; None for no condition."""
    return {"$in": list(dict.fromkeys(values))} if values else None


def query(**conditions: object) -> dict[str, object]:
    """A query of the conditions that are there (not None or empty)."""
    return {field: condition for field, condition in conditions.items() if condition not in (None, "")}
