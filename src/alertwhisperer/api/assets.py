"""Assets."""

from fastapi.requests import Request

from alertwhisperer.api.auth import Caller
from alertwhisperer.api.codec import Answer, Routes
from alertwhisperer.api.pages import CompanyId, CompanyIds, CursorText, Limit, id_in, live_cursor, page, search
from alertwhisperer.api.served import House
from alertwhisperer.domain.asset import Asset
from alertwhisperer.engine.assets import AssetChanges, NewAsset

routes = Routes("assets")


@routes.on("GET", "/api/assets", verb="asset.read")
async def list_assets(
    request: Request,
    house: House,
    caller: Caller,
    *,
    company_ids: CompanyIds = [],  # noqa: B006  # FastAPI copies defaults
    text: str = "",
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Answer[list[Asset]]:
    """Assets, newest first; `text` is part of a name, in any case."""
    scopes = await caller.scopes(company_ids)
    live = await live_cursor(house.storage, scopes)
    wanted = text.lower()

    async def read(step: int, before: str | None) -> list[Asset]:
        return await house.assets.newest(scopes, limit=step, before=before)

    found, last = await search(
        read,
        lambda each: each.id,
        (lambda each: wanted in each.name.lower()) if wanted else None,
        limit=limit,
        before=id_in(cursor),
    )
    return page(request, found, last, live)


@routes.on("POST", "/api/assets", verb="asset.write", status=201)
async def create_asset(house: House, caller: Caller, body: NewAsset) -> Asset:
    """Add an asset by hand; unknown ones are added when they first alert."""
    return await house.assets.create(await caller.scope(body.company_id), body, caller.once)


@routes.on("PATCH", "/api/assets/{asset_id}", verb="asset.write")
async def update_asset(house: House, caller: Caller, asset_id: str, body: AssetChanges) -> Asset:
    """Say what an asset is worth, what it needs, and how it is tagged."""
    return await house.assets.update(await caller.scope(body.company_id), asset_id, body, caller.once)


@routes.on("DELETE", "/api/assets/{asset_id}", verb="asset.write", status=204)
async def delete_asset(house: House, caller: Caller, asset_id: str, company_id: CompanyId) -> None:
    """Take an asset away; if it alerts again, it is added again."""
    await house.assets.delete(await caller.scope(company_id), asset_id, caller.once)
