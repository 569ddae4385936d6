"""A house as a web application: its routes, sockets, webhooks and meters under one roof."""

import ctypes
import gc
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from alertwhisperer import __version__
from alertwhisperer.api.auth import SocketAuthenticator
from alertwhisperer.api.health import Health
from alertwhisperer.api.ingest import PREFIX, WebhookEdge
from alertwhisperer.api.metrics import Metrics
from alertwhisperer.api.requests import Requests
from alertwhisperer.api.served import Served
from alertwhisperer.api.site import create_api
from alertwhisperer.api.web import Web
from alertwhisperer.engine.meters import Meter, Read, Reads, Tally
from alertwhisperer.house import House
from alertwhisperer.live.sockets import Sockets

WEB: Final = Path(__file__).parent / "web"

SOCKETS_PATH: Final = "/ws"

M_TRIM_THRESHOLD: Final = -1
M_TOP_PAD: Final = -2
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""glibc's mallopt(3)."""

GC_THRESHOLDS: Final = (50_000, 20, 100)
"""Ingest makes many short-lived objects and few cycles: the default (700) spends its time finding nothing."""

log = structlog.get_logger(__name__)


class Front:
    """The first door of every connection. Webhooks go straight to ingest; all else gets an id and a log line."""

    def __init__(self, *, webhooks: WebhookEdge, sockets: ASGIApp, rest: ASGIApp) -> None:
        self.webhooks = webhooks
        self._sockets = sockets
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind == "http" and scope["path"].startswith(PREFIX):
            await self.webhooks(scope, receive, send)
        elif kind == "websocket" and scope["path"] == SOCKETS_PATH:
            await self._sockets(scope, receive, send)
        elif kind == "websocket":
            await refuse_socket(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


async def refuse_socket(_: Scope, __: Receive, send: Send) -> None:
    """There is no socket here: 403 to the handshake (ASGI, "Close")."""
    await send({"type": "websocket.close"})


def create_app(house: House) -> Front:
    """The ASGI application of a house; its lifespan opens the database and puts the house to work."""
    settings, storage = house.settings, house.storage
    authenticator = SocketAuthenticator(house.sessions, house.tickets)
    sockets = Sockets(
        house.hub, house.feed, storage, house.clock, authenticator, public_url=settings.public_url or None
    )
    health = Health(storage)
    api = create_api(_served(house))
    requests = Requests(api, house.clock, house.ids)
    token = settings.metrics_token
    metrics = Metrics(
        _meters(house, sockets, requests),
        str(os.getpid()),
        settings.metrics_access,
        token.get_secret_value() if token else None,
    )
    api.add_route("/metrics", metrics.serve, include_in_schema=False)
    api.add_route("/healthz", health.live, include_in_schema=False)
    api.add_route("/readyz", health.ready, include_in_schema=False)
    api.router.default = Web(WEB)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Last in, first out: whatever fails on the way down, the database is closed.
        async with AsyncExitStack() as way_down:
            way_down.callback(log.info, "stopped", process=os.getpid())
            await house.open()
            way_down.push_async_callback(house.close)
            way_down.push_async_callback(house.door.flush)
            house.rounds.start()
            way_down.push_async_callback(house.rounds.stop)
            way_down.push_async_callback(sockets.close)
            way_down.callback(health.stop)
            _settle_memory()
            log.info("at work", version=__version__, process=os.getpid())
            yield

    api.router.lifespan_context = lifespan
    return Front(
        webhooks=WebhookEdge(house.ingest, house.clock, house.ids),
        sockets=refuse_socket if settings.live_transport == "polling" else Requests(sockets, house.clock, house.ids),
        rest=requests,
    )


def _settle_memory() -> None:
    """What start-up made stays: the collector need not look at it again, nor so often at what ingest makes.

    Large buffers (a password's hash takes 19 MiB, a delivery up to 5 MB) go back to the system as soon as they are
    done with: glibc, left alone, learns from the first one to keep them. What a commit takes (some MB) is kept instead:
    to give it back and fetch it anew for each costs two page faults an alert.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    glibc = ctypes.CDLL(None)
    if hasattr(glibc, "mallopt"):
        glibc.mallopt(M_MMAP_THRESHOLD, 2**22)
        glibc.mallopt(M_TRIM_THRESHOLD, 2**24)
        glibc.mallopt(M_TOP_PAD, 2**22)
        glibc.mallopt(M_ARENA_MAX, 2)


def _served(house: House) -> Served:
    return Served(
        sessions=house.sessions,
        users=house.users,
        companies=house.companies,
        assets=house.assets,
        incidents=house.incidents,
        alerts=house.alerts,
        ingest=house.ingest,
        audit=house.audit,
        reports=house.reports,
        tickets=house.tickets,
        storage=house.storage,
        clock=house.clock,
        ids=house.ids,
        version=__version__,
        public_url=house.settings.public_url,
        live_transport=house.settings.live_transport,
    )


def _meters(house: House, sockets: Sockets, requests: Requests) -> list[Meter]:
    return [
        *_ingest_meters(house),
        *_storage_meters(house),
        *_live_meters(house, sockets),
        *_own_meters(house, requests),
    ]


def _ingest_meters(house: House) -> list[Meter]:
    ingested, runner = house.ingested, house.runner.tally
    return [
        _counter("alerts_received", "Alerts this process has stored, repeats included.", lambda: ingested.received),
        _counter("alerts", "The same by where each ended; the sum equals alerts_received.", ingested.by_disposition),
        _counter("alerts_rejected", "Rejected alerts and refused requests by reason.", ingested.refused),
        _gauge("ingest_queue_alerts", "Alerts and edits waiting for their commit.", lambda: runner.queued),
        _counter(
            "ledger_imbalances",
            "Log records in which what was received is not what ended; any is a fault.",
            lambda: house.counters.imbalances,
        ),
    ]


def _storage_meters(house: House) -> list[Meter]:
    runner = house.runner.tally
    wal, local = Path(f"{house.settings.sqlite_path}-wal"), house.settings.database_type == "sqlite"
    return [
        Meter(
            name="commit_seconds",
            help="From handing a batch to the database until it is on disk.",
            kind="histogram",
            source=house.commit_seconds,
        ),
        _counter("commits", "Batches committed.", lambda: runner.commits),
        _counter(
            "commit_conflicts", "Batches decided again because another process was first.", lambda: runner.conflicts
        ),
        _counter(
            "commit_unknown_outcomes", "Commits whose answer was lost and looked up.", lambda: runner.unknown_outcomes
        ),
        *([_gauge("database_wal_bytes", "Size of the write-ahead log.", _size_of(wal))] if local else []),
        _gauge(
            "folder_lag_records",
            "Records committed here that are not yet folded into counters.",
            lambda: house.counters.lag,
        ),
        _counter("timers_fired", "Timers fired.", lambda: house.scheduler.fired),
        _counter("timers_lost", "Timers that another process claimed first.", lambda: house.scheduler.lost),
        _counter("timers_failed", "Timers that could not fire and are tried again.", lambda: house.scheduler.failed),
        _counter("retention_deleted", "Documents deleted by retention.", house.retention.swept),
    ]


def _size_of(path: Path) -> Read:
    return lambda: path.stat().st_size if path.exists() else 0


def _live_meters(house: House, sockets: Sockets) -> list[Meter]:
    return [
        _gauge("sockets_open", "Open live sockets.", lambda: sockets.open),
        _counter("sockets_opened", "Live sockets opened.", lambda: sockets.opened),
        _counter("sockets_refused", "Handshakes refused.", lambda: sockets.refused),
        _counter("sockets_stalled", "Sockets cut because their client took nothing.", lambda: sockets.stalled),
        _counter("sockets_silent", "Sockets cut because nobody was there.", lambda: sockets.silent),
        _counter("live_frames", "Live frames sent; polled ones are not counted.", lambda: house.hub.frames_sent),
        _counter("live_messages", "Messages that carried them.", lambda: house.hub.messages_sent),
        _counter("live_resyncs", "Readers told to read their lists anew.", lambda: house.hub.resyncs),
        _counter("live_overflows", "Subscribers that were too slow and come again.", lambda: house.hub.overflows),
    ]


def _own_meters(house: House, requests: Requests) -> list[Meter]:
    runner, feed = house.runner.tally, house.feed
    survived: dict[str, Read] = {each.name: partial(getattr, each, "failures") for each in house.rounds.rounds}
    survived |= {"decision": lambda: runner.failed_decisions, "answer": lambda: runner.failed_answers}
    survived |= {"live feed": lambda: feed.failures, "delivery": lambda: house.ingest.failures}
    return [
        Meter(name="request_seconds", help="Requests but for webhooks.", kind="histogram", source=requests.seconds),
        _counter(
            "faults_survived", "Unexpected errors that a loop outlived; the log has each.", Reads("place", survived)
        ),
        _counter("requests", "Requests but for webhooks, by the class of their answer.", requests.answers),
    ]


def _counter(name: str, told: str, source: Read | Tally | Reads) -> Meter:
    return Meter(name=name, help=told, kind="counter", source=source)


def _gauge(name: str, told: str, source: Read) -> Meter:
    return Meter(name=name, help=told, kind="gauge", source=source)
