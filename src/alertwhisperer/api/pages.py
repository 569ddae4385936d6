"""Pages of lists: opaque cursors, the link to the next page, and the cursor from which live events go on."""

import asyncio
import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import quote_from_bytes, urlencode

import msgspec
from fastapi import Query
from fastapi.requests import Request

from alertwhisperer.api.codec import Answer
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.scope import Scopes
from alertwhisperer.ports import Log

T = TypeVar("T")

LIMIT_AT_MOST: Final = 1_000
SEARCH_STEP: Final = 500
SEARCH_AT_MOST: Final = 20_000
"""Documents that one request with a text reads at most; the next page goes on from there."""

Limit = Annotated[int, Query(ge=1, le=LIMIT_AT_MOST, description="How many at most.")]
CursorText = Annotated[str | None, Query(alias="cursor", description="From the `Link` header of the page before.")]
CompanyIds = Annotated[list[str], Query(alias="company_id", description="May repeat; all in reach if left out.")]
CompanyId = Annotated[str, Query(alias="company_id")]


def cursor_text(kind: Literal["id", "offset"], place: str | int) -> str:
    """An opaque cursor: behind this id, or from this offset."""
    return urlsafe_b64encode(msgspec.json.encode([kind, place])).rstrip(b"=").decode()


def id_in(cursor: str | None) -> str | None:
    """The id behind which a cursor goes on; Invalid for one that we did not make."""
    return None if cursor is None else _read(cursor, tuple[Literal["id"], str])[1]


def offset_in(cursor: str | None) -> int:
    """The offset from which a cursor goes on; Invalid for one that we did not make."""
    return 0 if cursor is None else _read(cursor, tuple[Literal["offset"], Annotated[int, msgspec.Meta(ge=0)]])[1]


def _read(cursor: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise Invalid("is not a cursor of this list", "cursor") from error


def link(request: Request, cursor: str | None) -> dict[str, str]:
    """The `Link` header (RFC 8288) to the next page; none if there is no next."""
    if cursor is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    path = quote_from_bytes(request.url.path.encode())
    return {"Link": f'<{path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}


async def live_cursor(log: Log, scopes: Scopes) -> dict[str, str]:
    """`X-Live-Cursor`: `company:seq` of each log's head. To be read before the list, so that no change is missed."""
    heads = await asyncio.gather(*map(log.head, scopes.company_ids))
    cursors = [f"{each}:{seq}" for each, (seq, _) in zip(scopes.company_ids, heads, strict=True)]
    return {"X-Live-Cursor": ",".join(cursors)} if cursors else {}


def page(request: Request, found: Sequence[T], last_id: str | None, headers: dict[str, str]) -> Answer[list[T]]:
    """A page of a list in order of ids; `last_id` is that of the last document read if there may be more."""
    cursor = None if last_id is None else cursor_text("id", last_id)
    return Answer(list(found), {**headers, **link(request, cursor)})


async def search(
    read: Callable[[int, str | None], Awaitable[list[T]]],
    id_of: Callable[[T], str],
    matches: Callable[[T], bool] | None,
    *,
    limit: int,
    before: str | None,
) -> tuple[list[T], str | None]:
    """(a page of what matches, the id behind which to go on if there may be more).

    read: (limit, before) → newest first. There is no index over texts: without a filter one read is the page, with
    one it reads on until the page is full or `SEARCH_AT_MOST` documents have been looked at.
    """
    step = limit if matches is None else SEARCH_STEP
    found: list[T] = []
    for _ in range(max(1, SEARCH_AT_MOST // step)):
        batch = await read(step, before)
        for each in batch:
            before = id_of(each)
            if matches is None or matches(each):
                found.append(each)
            if len(found) == limit:
                return found, before
        if len(batch) < step:
            return found, None
    return found, before
