"""Live events for who cannot hold a socket."""

from typing import Annotated

from fastapi import Query

from alertwhisperer.api.auth import Caller
from alertwhisperer.api.codec import Routes
from alertwhisperer.api.pages import CompanyIds
from alertwhisperer.api.served import House
from alertwhisperer.domain import client_view
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.event import Cursor, read_cursor
from alertwhisperer.live.polling import Events, events_after

routes = Routes("live")


@routes.on("GET", "/api/events", verb="live.read")
async def list_events(
    house: House,
    caller: Caller,
    *,
    company_ids: CompanyIds = [],  # noqa: B006  # FastAPI copies defaults
    after: Annotated[list[str], Query(description="`company:seq:n`; may repeat, once a company.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Events:
    """What came after some cursors; a company without one starts at its head."""
    scopes = await caller.scopes(company_ids)
    cursors = [_cursor(each) for each in after]
    known = [each for each in cursors if each.company_id in scopes.company_ids]
    return await events_after(house.storage, scopes, known, limit, client_view=client_view.event)


def _cursor(text: str) -> Cursor:
    cursor = read_cursor(text)
    if cursor is None:
        raise Invalid("must be company:seq:n", "after")
    return cursor
