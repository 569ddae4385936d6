"""The whole API over a real engine, with the cast signed in: what the API's tests talk to."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from alertwhisperer.api.ingest import PREFIX, WebhookEdge
from alertwhisperer.api.requests import Requests
from alertwhisperer.api.served import Served
from alertwhisperer.api.site import create_api
from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.scope import MSP, SYSTEM, Role, Scope, Scopes
from alertwhisperer.domain.user import User
from alertwhisperer.engine.alerts import Alerts
from alertwhisperer.engine.assets import Assets
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.companies import Companies, NewCompany
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.door import Door
from alertwhisperer.engine.incidents import Incidents
from alertwhisperer.engine.ingest import Ingest
from alertwhisperer.engine.reports import Reports
from alertwhisperer.engine.runner import Runner
from alertwhisperer.engine.sessions import Sessions, TokenRules
from alertwhisperer.engine.users import NewUser, Users
from alertwhisperer.live.tickets import Tickets
from alertwhisperer.ports import Storage
from alertwhisperer.storage.vault import AesVault

PASSWORD = "correct horse battery"
ORIGIN = "http://house.test"
AUDIT_KEY = b"a" * 32
JWT_SECRET = "s" * 40


class QuickPasswords:
    """Passwords that cost nothing, for tests that are not about them; `asked` is what they were compared with."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def hash(self, password: str) -> str:
        return sha256(password.encode()).hexdigest()

    async def matches(self, hashed: str | None, password: str) -> bool:
        self.asked.append(hashed)
        return hashed == sha256(password.encode()).hexdigest()


@dataclass(frozen=True)
class Tenant:
    """A company and its API key."""

    id: str
    api_key: str


class Office:
    """Acme (Ada, Carl, Rio, Vic) and Globex (Eve), behind HTTP."""

    def __init__(self, storage: Storage, *, clock: VirtualClock | None = None, public_url: str = "") -> None:
        self.storage = storage
        self.clock = clock or VirtualClock()
        self.ids = SystemIds()
        self.passwords = QuickPasswords()
        self.runner = Runner(storage, self.clock, self.ids, audit_key=AUDIT_KEY)
        self.vault = AesVault({"k1": b"v" * 32})
        self.door = Door(self.runner, self.vault)
        self.counters = Counters(storage)
        storage.on_commit(self.counters.note)
        self.sessions = Sessions(self.runner, storage, self.passwords, self.clock, TokenRules(secret=JWT_SECRET))
        self.tickets = Tickets(JWT_SECRET, storage, self.clock, self.ids)
        self.served = self._served(public_url)
        self.app = Requests(create_api(self.served), self.clock, self.ids)
        self.edge = WebhookEdge(self.served.ingest, self.clock, self.ids)
        self.people: dict[str, User] = {}

    def _served(self, public_url: str) -> Served:
        return Served(
            sessions=self.sessions,
            users=Users(self.runner, self.storage, self.passwords),
            companies=Companies(self.runner, self.storage, self.vault, self.counters),
            assets=Assets(self.runner, self.storage),
            incidents=Incidents(self.runner),
            alerts=Alerts(self.runner),
            ingest=Ingest(self.runner, self.door),
            audit=Audit(self.storage, self.clock, AUDIT_KEY),
            reports=Reports(self.storage, self.clock, self.counters),
            tickets=self.tickets,
            storage=self.storage,
            clock=self.clock,
            ids=self.ids,
            version="1.2.3",
            public_url=public_url,
        )

    async def open(self) -> None:
        """Found both companies and let everybody in."""
        self.acme = await self._company("Acme")
        self.globex = await self._company("Globex")
        await self._person("Ada", "msp_admin")
        await self._person("Carl", "company_admin", self.acme.id)
        await self._person("Rio", "technician", self.acme.id)
        await self._person("Vic", "client", self.acme.id)
        await self._person("Eve", "company_admin", self.globex.id)

    async def close(self) -> None:
        """End what runs."""
        await self.runner.close()

    async def _company(self, name: str) -> Tenant:
        company, key = await self.served.companies.create(Scope(MSP, SYSTEM), NewCompany(name=name))
        return Tenant(company.id, key)

    async def _person(self, name: str, role: Role, *companies: str) -> None:
        new = NewUser(
            email=f"{name.lower()}@example.com",
            name=name,
            role=role,
            company_ids=list(companies),
            password=PASSWORD,
        )
        user, _ = await self.served.users.create(Scopes((), SYSTEM), new)
        stored = await self.storage.get(User, (user.id,))
        assert stored is not None
        self.people[name] = stored

    def scope(self, company_id: str) -> Scope:
        """The product itself in a company."""
        return Scope(company_id, SYSTEM)

    def reach(self, *company_ids: str) -> Scopes:
        """The product itself in some companies."""
        return Scopes(company_ids, SYSTEM)

    def client(self, name: str | None = None, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """A caller: one of the cast by name, with a bearer token, or nobody."""
        sent = dict(headers or {})
        if name is not None:
            sent["Authorization"] = f"Bearer {self.sessions.issue(self.people[name])}"
        transport = httpx.ASGITransport(app=self, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=sent)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Webhooks to their edge, all else to the API, as the composed product does it."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.edge(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def fire(self, company: Tenant, asset: str = "db-01", **fields: Any) -> dict[str, Any]:
        """An alert comes in by webhook; the answer."""
        sent = {"asset_name": asset, "signature": "disk_full", "message": "it broke", "severity": "high", **fields}
        async with self.client() as caller:
            answer = await caller.post("/api/webhooks/alerts", json=sent, headers={"X-API-Key": company.api_key})
        assert answer.status_code in (200, 201), answer.text
        read: dict[str, Any] = answer.json()
        return read
