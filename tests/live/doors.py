"""Doors for the tests of sockets: who has which key, and a connection as an ASGI server would give it."""

import asyncio
from urllib.parse import urlencode

from msgspec.structs import replace

from alertwhisperer.domain.errors import Unauthenticated, Unavailable
from alertwhisperer.domain.event import Frame
from alertwhisperer.domain.instant import Instant
from alertwhisperer.live.admission import Admission, AsgiMessage, Credential
from alertwhisperer.live.message import Message
from alertwhisperer.live.sockets import Sockets
from alertwhisperer.live.wire import EXTENSION
from tests.live.stage import ACME, ADA, EVE, GLOBEX, RIO, VIC, Process, read_message, text_of

LATER = "2026-01-06T09:00:00.000000Z"
SITE = "https://alerts.example.com"


class Porter:
    """The authenticator of these tests: a key is a person's id, whatever kind of credential carries it."""

    def __init__(self, expires_at: Instant = LATER) -> None:
        reach = {ADA: (ACME, GLOBEX), RIO: (ACME,), VIC: (ACME,), EVE: (GLOBEX,)}
        self.people = {
            actor.id: Admission(actor=actor, company_ids=companies, expires_at=expires_at)
            for actor, companies in reach.items()
        }
        self.away = False
        self.asked: list[Credential] = []
        self.renewed: list[str] = []

    async def authenticate(self, credential: Credential) -> Admission:
        self.asked.append(credential)
        if credential.value not in self.people:
            raise Unauthenticated("who are you?")
        return self.people[credential.value]

    async def renew(self, admission: Admission) -> Admission | None:
        if self.away:
            raise Unavailable("the database is away")
        self.renewed.append(admission.actor.id)
        return self.people.get(admission.actor.id)

    def dismiss(self, person_id: str) -> None:
        del self.people[person_id]

    def reach(self, person_id: str, *company_ids: str) -> None:
        self.people[person_id] = replace(self.people[person_id], company_ids=company_ids)


class House:
    """One process with its sockets."""

    def __init__(self, *, public_url: str | None = None, direct: bool = True) -> None:
        self.direct = direct
        self.process = Process()
        self.porter = Porter()
        self.sockets = Sockets(
            self.process.hub,
            self.process.feed,
            self.process.log,
            self.process.clock,
            self.porter,
            public_url=public_url,
        )

    def connect(
        self, query: dict[str, object], headers: dict[str, str] | None = None, path: str = "/ws"
    ) -> "Connection":
        return Connection(self.sockets, path, query, headers or {}, direct=self.direct)


class Connection:
    """A client's connection: what was sent to it, the code it was closed with, whether it was dropped."""

    def __init__(
        self, sockets: Sockets, path: str, query: dict[str, object], headers: dict[str, str], *, direct: bool
    ) -> None:
        self.texts: list[str] = []
        self.accepted = False
        self.code: int | None = None
        self.dropped = False
        self.direct = direct
        self.reading = asyncio.Event()
        self.reading.set()
        self._inbox: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        scope: AsgiMessage = {
            "type": "websocket",
            "scheme": "wss",
            "path": path,
            "query_string": urlencode(query, doseq=True).encode(),
            "headers": [(b"host", b"alerts.example.com")]
            + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "extensions": {EXTENSION: {"socket": self}},
        }
        self.over = asyncio.create_task(sockets(scope, self._inbox.get, self._send))

    @property
    def frames(self) -> list[Frame]:
        return [frame for text in self.texts if text not in {"ping", "pong"} for frame in read_message(text)]

    @property
    def heard(self) -> list[str]:
        return [text_of(frame) for frame in self.frames if frame.type == "timeline"]

    @property
    def words(self) -> list[str]:
        return [text for text in self.texts if text in {"ping", "pong"}]

    def say(self, text: str) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1005})
        await self.over

    async def _send(self, message: AsgiMessage) -> None:
        await self.reading.wait()
        if self.dropped:
            raise OSError("the client is gone")
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
            case "websocket.send":
                self.texts.append(str(message["text"]))
            case "websocket.close":
                code = message["code"]
                assert isinstance(code, int)
                self.code = code
                self._inbox.put_nowait({"type": "websocket.disconnect", "code": code})
            case kind:
                raise AssertionError(f"no such message: {kind}")

    def send_now(self, message: Message) -> bool:
        if self.dropped or not self.reading.is_set() or not self.direct:
            return False
        self.texts.append(message.text)
        return True

    def abort(self) -> None:
        self.dropped = True
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
