"""Brings a company's state up to its log, and fetches into it what a decision will look for."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from alertwhisperer.domain.alert import Alert, IncomingAlert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.company import Company, CompanyConfig
from alertwhisperer.domain.delivery import Receipt
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.transfer import FENCE_KEY, Fence, is_fence
from alertwhisperer.engine.state import ALERTS_AT_MOST, CACHE_AT_MOST, CompanyState, stays
from alertwhisperer.ports import Key, Log, Query, Reader

T = TypeVar("T", bound=Struct)


class Loader:
    """Reads for states: whole ones, what others have committed since, and what one batch needs."""

    def __init__(self, reader: Reader, log: Log) -> None:
        self._reader = reader
        self._log = log

    async def open(self, company_id: str) -> CompanyState:
        """A company's state from its documents. The head is read first: what is newer is folded again, harmlessly."""
        state = CompanyState(company_id)
        state.seq, state.audit_head = await self._log.head(company_id)
        state.fenced = await self.fence() is not None
        if state.seq == 0:
            return state
        await self._settings(state)
        of_company: Query = {"company_id": company_id}
        still_open: Query = {"company_id": company_id, "status": {"$ne": "resolved"}}
        incidents = await self._reader.select(Incident, still_open, limit=CACHE_AT_MOST + 1)
        alerts = await self._reader.select(Alert, still_open, limit=ALERTS_AT_MOST + 1)
        assets = await self._reader.select(Asset, of_company, limit=CACHE_AT_MOST + 1)
        closed = await self._reader.select(Incident, {"company_id": company_id, "status": "resolved"}, limit=1)
        state.gone_incidents.complete = not closed and len(incidents) <= CACHE_AT_MOST
        state.gone_alerts.complete = len(alerts) <= ALERTS_AT_MOST
        state.gone_assets.complete = len(assets) <= CACHE_AT_MOST
        if len(incidents) > CACHE_AT_MOST:
            incidents += await self._older_that_stay(incidents[-1])
        for document in reversed([*alerts, *incidents, *assets]):
            state.install(document, is_read=True)
        state.settle()
        return state

    async def _older_that_stay(self, last: Incident) -> list[Incident]:
        """Open incidents behind `last` that no key of theirs leads to: a split or a merge does."""
        found: list[Incident] = []
        query: Query = {"company_id": last.company_id, "status": {"$ne": "resolved"}}
        while True:
            before: Key = (last.company_id, last.id)
            page = await self._reader.select(Incident, query, limit=CACHE_AT_MOST, before=before)
            found += [each for each in page if stays(each)]
            if len(page) < CACHE_AT_MOST:
                return found
            last = page[-1]

    async def fence(self) -> Fence | None:
        """What stops all writers of this database, if anything does (DESIGN §8).

        Asked after the log was read: a fence is set before its records are, so none is passed unseen.
        """
        return await self._reader.get(Fence, FENCE_KEY)

    async def _settings(self, state: CompanyState) -> None:
        company = await self._reader.get(Company, (state.company_id,))
        if company is not None:
            state.install(company)
        for config in await self._reader.select(CompanyConfig, {"company_id": state.company_id}):
            state.install(config)

    async def catch_up(self, state: CompanyState) -> CompanyState:
        """The state with what others have committed since; a new one where their records have expired."""
        records = await self._log.records(state.company_id, state.seq, told=False)
        if not records or records[0].seq != state.seq + 1:
            return await self.open(state.company_id)
        if any(is_fence(record) for record in records):
            state.fenced = await self.fence() is not None
        touched: dict[str, list[Key]] = {}
        for record in records:
            for collection, key in record.touched:
                touched.setdefault(collection, []).append((state.company_id, key))
        if "company_configs" in touched or "companies" in touched:
            await self._settings(state)
        for kind, name in (
            (Incident, "incidents"),
            (Alert, "alerts"),
            (Asset, "assets"),
        ):
            await self._refresh(state, kind, touched.get(name, []))
        state.seq = records[-1].seq
        state.audit_head = next(
            (each.audit_head for each in reversed(records) if each.audit_head),
            state.audit_head,
        )
        state.settle()
        return state

    async def _refresh(self, state: CompanyState, kind: type[T], keys: list[Key]) -> None:
        for start in range(0, len(keys), 500):
            for document in await self._reader.get_many(kind, list(dict.fromkeys(keys[start : start + 500]))):
                state.install(document, is_read=True)
        if kind is Asset:
            await self._drop_deleted(state, keys)

    async def _drop_deleted(self, state: CompanyState, keys: list[Key]) -> None:
        """Assets are what people delete: those touched that are not there any more go from memory too."""
        there = {each.id for each in await self._reader.get_many(Asset, keys)}
        gone = {key[1] for key in keys} - there
        for asset in [each for each in state.assets.values() if each.id in gone]:
            del state.assets[asset.name]

    async def fetch(self, state: CompanyState, kind: type[T], *keys: Key) -> None:
        """Documents by key, for this batch."""
        for document in await self._reader.get_many(kind, keys):
            state.hold(document)

    async def fetch_where(self, state: CompanyState, kind: type[T], query: Query, limit: int | None = None) -> list[T]:
        """Documents by query, for this batch; returned too."""
        found = await self._reader.select(kind, query, limit=limit)
        for document in found:
            state.hold(document)
        return found

    async def fetch_incidents(self, state: CompanyState, ids: Iterable[str | None]) -> None:
        """Incidents by id that are not here, and those they were merged into."""
        wanted = {each for each in ids if each and each not in state.incidents}
        while wanted:
            found = await self._reader.get_many(Incident, [(state.company_id, each) for each in wanted])
            for incident in found:
                state.hold(incident)
            wanted = {
                each.merged_into for each in found if each.merged_into and each.merged_into not in state.incidents
            }

    async def fetch_for(
        self, state: CompanyState, incoming: Sequence[IncomingAlert], receipt_ids: Sequence[str]
    ) -> None:
        """All that deciding on these deliveries can ask for; of what the state is sure of, nothing is read."""
        if receipt_ids:
            await self._fetch_receipts(state, receipt_ids)
        if state.gone_alerts.may_hold_any:
            await self.fetch_open(state, (each.dedup_key for each in incoming))
        if state.gone_incidents.may_hold_any:
            await self._fetch_by_key(state, {state.correlation_key(each)[0] for each in incoming})
        active = (state.open_alerts.get(each.dedup_key) for each in incoming)
        await self.fetch_incidents(state, [each.correlated_incident_id for each in active if each])
        assets, gone = state.assets, state.gone_assets
        names = {
            each.asset_name for each in incoming if each.asset_name not in assets and gone.may_hold(each.asset_name)
        }
        if names:
            await self.fetch_where(state, Asset, {"company_id": state.company_id, "name": {"$in": sorted(names)}})

    async def _fetch_receipts(self, state: CompanyState, receipt_ids: Sequence[str]) -> None:
        """Receipts of earlier deliveries under these ids, and the alerts of small ones, whose attempts are counted."""
        receipts = await self._reader.get_many(Receipt, [(state.company_id, each) for each in receipt_ids])
        for receipt in receipts:
            state.hold(receipt)
        await self.fetch(state, Alert, *[(state.company_id, each) for found in receipts for each in found.alert_ids])

    async def fetch_open(self, state: CompanyState, dedup_keys: Iterable[str]) -> None:
        """Open alerts by dedup key that may be in the database and are not here."""
        here, gone = state.open_alerts, state.gone_alerts
        missing = sorted({key for key in dedup_keys if key not in here and gone.may_hold(key)})
        if missing:
            query: Query = {
                "company_id": state.company_id,
                "dedup_key": {"$in": missing},
                "status": {"$ne": "resolved"},
            }
            await self.fetch_where(state, Alert, query)

    async def _fetch_by_key(self, state: CompanyState, keys: set[str]) -> None:
        here, gone = state.by_key, state.gone_incidents
        missing = sorted(key for key in keys if here.get(key) not in state.incidents and gone.may_hold(key))
        if not missing:
            return
        wanted: Query = {"company_id": state.company_id, "correlation_key": {"$in": missing}}
        found = await self.fetch_where(state, Incident, {**wanted, "status": {"$ne": "resolved"}})
        found += await self.fetch_where(state, Incident, {**wanted, "status": "resolved"})
        for incident in found:
            state.lead(incident)
        await self.fetch_incidents(state, [each.merged_into for each in found])
