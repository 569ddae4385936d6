"""Assets: what alerts are about. Ingest adds unknown ones; people say what they are worth."""

import asyncio
from itertools import chain
from types import NoneType
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from alertwhisperer.domain.asset import Asset, DeletedAsset
from alertwhisperer.domain.errors import Invalid, NotFound
from alertwhisperer.domain.scope import Scope, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Need
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Query, Reader

NAMES_AT_MOST: Final = 100
NAME_AT_MOST: Final = 512


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

    async def newest(self, scopes: Scopes, *, limit: int, before: str | None = None) -> list[Asset]:
        """Assets of these companies, newest first; `before` is the id behind which to go on."""
        require(scopes.actor, "asset.read")
        pages = await asyncio.gather(
            *(
                self._reader.select(Asset, {"company_id": each}, limit=limit, before=(each, before) if before else None)
                for each in scopes.company_ids
            )
        )
        return sorted(chain.from_iterable(pages), key=lambda each: each.id, reverse=True)[:limit]

    async def create(self, scope: Scope, new: NewAsset, once: Once | None = None) -> Asset:
        """A new asset; Invalid if the name is taken."""
        require(scope.actor, "asset.write")
        name = new.name.strip()
        if not 1 <= len(name) <= NAME_AT_MOST or not name.isprintable():
            raise Invalid(f"must have from 1 to {NAME_AT_MOST} printable characters", "name")
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

    async def update(self, scope: Scope, asset_id: str, changes: AssetChanges, once: Once | None = None) -> Asset:
        """The asset afterwards. A changed `critical` counts from an incident's next alert on."""
        require(scope.actor, "asset.write")

        def decide(draft: Draft) -> Asset:
            before = _stored(draft, asset_id)
            after = _changed(before, changes)
            if after != before:
                _write(draft, after, "asset.updated")
            return after

        return await self._runner.run_once(scope, once, Asset, decide, _need(scope, asset_id))

    async def delete(self, scope: Scope, asset_id: str, once: Once | None = None) -> None:
        """Take an asset away; if it alerts again, it is added again."""
        require(scope.actor, "asset.write")

        def decide(draft: Draft) -> None:
            asset = _stored(draft, asset_id)
            draft.delete(Asset, (draft.company_id, asset_id))
            draft.tell("asset_deleted", DeletedAsset(id=asset_id, company_id=draft.company_id, name=asset.name))
            draft.audit("asset.deleted", {"asset_id": asset_id, "name": asset.name})

        await self._runner.run_once(scope, once, NoneType, decide, _need(scope, asset_id))


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
    if len(kept) > NAMES_AT_MOST or not all(1 <= len(name) <= NAME_AT_MOST for name in kept):
        raise Invalid(f"at most {NAMES_AT_MOST}, each of 1 to {NAME_AT_MOST} characters", field)
    return kept


def _write(draft: Draft, asset: Asset, action: str) -> None:
    draft.put(asset)
    draft.tell("asset_updated", asset)
    draft.audit(action, {"asset_id": asset.id, "name": asset.name, "critical": asset.critical, "type": asset.type})
