"""Assets: what alerts are about. Ingest adds unknown ones; people say what they are worth."""

from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.errors import Invalid, NotFound
from alertwhisperer.domain.scope import Scope, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Need, Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Query, Reader

NAMES_AT_MOST: Final = 100


class NewAsset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An asset to add. `dependencies` are names of assets that it needs."""

    company_id: str
    name: str
    type: str = ""
    critical: bool = False
    tags: list[str] = []
    dependencies: list[str] = []


class AssetChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an asset; absent fields stay as they are. Its name is what alerts call it, and stays."""

    company_id: str
    type: str | UnsetType = UNSET
    critical: bool | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    dependencies: list[str] | UnsetType = UNSET


class Assets:
    """Everything that is done to assets."""

    def __init__(self, runner: Runner, reader: Reader) -> None:
        self._runner = runner
        self._reader = reader

    async def newest(
        self, scopes: Scopes, *, text: str = "", before: str | None = None, limit: int = 100
    ) -> list[Asset]:
        """A page of the assets of these companies, newest first; `text` is part of a name, in any case."""
        require(scopes.actor, "asset.read")
        pages = [await self._page(each, text, before, limit) for each in scopes.each()]
        merged = sorted((each for page in pages for each in page), key=lambda each: each.id, reverse=True)
        return merged[:limit]

    async def _page(self, scope: Scope, text: str, before: str | None, limit: int) -> list[Asset]:
        """One company's share. Names have no text index, so a search reads on until the page is full."""
        query: Query = {"company_id": scope.company_id}
        wanted, found = text.lower(), []
        step = limit if not text else 1_000
        while True:
            key = (scope.company_id, before) if before else None
            page = await self._reader.select(Asset, query, limit=step, before=key)
            found += [each for each in page if wanted in each.name.lower()]
            if len(page) < step or len(found) >= limit:
                return found[:limit]
            before = page[-1].id

    async def create(self, scope: Scope, new: NewAsset, once: Once | None = None) -> Asset:
        """A new asset; Invalid if the name is taken."""
        require(scope.actor, "asset.write")
        name = new.name.strip()
        if not 1 <= len(name) <= 512 or not name.isprintable():
            raise Invalid("must have from 1 to 512 printable characters", "name")
        taken: list[Asset] = []

        async def load(state: CompanyState, loader: Loader) -> None:
            query: Query = {"company_id": scope.company_id, "name": name}
            taken[:] = await loader.fetch_where(state, Asset, query)

        def decide(draft: Draft) -> Asset:
            if draft.company is None:
                raise NotFound("no such company")
            if taken:
                raise Invalid("another asset has this name", "name")
            asset = Asset(
                id=draft.new_id(),
                company_id=draft.company_id,
                name=name,
                type=new.type,
                critical=new.critical,
                tags=_names(new.tags, "tags"),
                dependencies=_names(new.dependencies, "dependencies"),
            )
            _write(draft, asset, "asset.created")
            return asset

        return await self._runner.run_once(scope, once, Asset, decide, load)

    async def update(
        self, scope: Scope, asset_id: str, changes: AssetChanges, once: Once | None = None
    ) -> Asset:
        """The asset afterwards. A changed `critical` counts from an incident's next alert on."""
        require(scope.actor, "asset.write")

        def decide(draft: Draft) -> Asset:
            before = _stored(draft, asset_id)
            after = _changed(before, changes)
            if after != before:
                _write(draft, after, "asset.updated")
            return after

        return await self._runner.run_once(scope, once, Asset, decide, _need(scope, asset_id))

    async def delete(self, scope: Scope, asset_id: str) -> None:
        """Take an asset away; if it alerts again, it is added again."""
        require(scope.actor, "asset.write")

        def decide(draft: Draft) -> None:
            asset = _stored(draft, asset_id)
            draft.delete(Asset, (draft.company_id, asset_id))
            draft.audit("asset.deleted", {"asset_id": asset_id, "name": asset.name})

        await self._runner.run(scope, decide, _need(scope, asset_id))


def _need(scope: Scope, asset_id: str) -> Need:
    async def load(state: CompanyState, loader: Loader) -> None:
        await loader.fetch(state, Asset, (scope.company_id, asset_id))

    return load


def _stored(draft: Draft, asset_id: str) -> Asset:
    asset = draft.get(Asset, (draft.company_id, asset_id))
    if asset is None:
        raise NotFound("no such asset")
    return asset


def _changed(asset: Asset, changes: AssetChanges) -> Asset:
    if changes.type is not UNSET:
        asset = replace(asset, type=changes.type)
    if changes.critical is not UNSET:
        asset = replace(asset, critical=changes.critical)
    if changes.tags is not UNSET:
        asset = replace(asset, tags=_names(changes.tags, "tags"))
    if changes.dependencies is not UNSET:
        asset = replace(asset, dependencies=_names(changes.dependencies, "dependencies"))
    return asset


def _names(names: list[str], field: str) -> list[str]:
    kept = list(dict.fromkeys(name.strip() for name in names))
    if len(kept) > NAMES_AT_MOST or not all(1 <= len(name) <= 512 for name in kept):
        raise Invalid(f"at most {NAMES_AT_MOST}, each of 1 to 512 characters", field)
    return kept


def _write(draft: Draft, asset: Asset, action: str) -> None:
    draft.put(asset)
    draft.tell("asset_updated", asset)
    draft.audit(
        action, {"asset_id": asset.id, "name": asset.name, "critical": asset.critical, "type": asset.type}
    )
