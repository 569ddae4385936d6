"""Server processes: one, or several that take connections from one socket and share one database."""

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Final

import structlog

from alertwhisperer import logs
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.settings import Settings

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 10
"""How long requests under way may take to end once a stop was asked for."""
RESTART_SECONDS: Final = 1.0
PR_SET_PDEATHSIG: Final = 1

log = structlog.get_logger(__name__)


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket; Invalid, with what to do, if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            raise Invalid(
                f"cannot listen on {host} port {port} ({error.strerror}): end what uses it, or choose another by --port"
            ) from error
        sock.listen(BACKLOG)
        sock.set_inheritable(True)
        yield sock


def serve_one(settings: Settings, sock: socket.socket) -> None:
    """Serve in this process until SIGTERM or SIGINT; requests under way are ended first."""
    # Imported here: commands that serve nothing start without it.
    import uvicorn  # noqa: PLC0415

    from alertwhisperer.api.lane import webhook_protocol  # noqa: PLC0415
    from alertwhisperer.app import create_app  # noqa: PLC0415
    from alertwhisperer.house import build  # noqa: PLC0415
    from alertwhisperer.live.wire import SocketProtocol  # noqa: PLC0415

    house = build(settings)
    app = create_app(house)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=webhook_protocol(app.webhooks),
        ws=SocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        access_log=False,
        server_header=False,
        log_config=None,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=BACKLOG,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[sock])
    if not server.started:
        sys.exit(3)


def serve_many(settings: Settings, sock: socket.socket) -> None:
    """Run `settings.workers` processes until SIGTERM or SIGINT; one that dies is started anew."""
    supervisor = _Supervisor(settings, sock)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.stop)
    supervisor.run()


class _Supervisor:
    """The parent: it serves nothing itself."""

    def __init__(self, settings: Settings, sock: socket.socket) -> None:
        self._settings = settings
        self._sock = sock
        # Spawned, not forked: no thread, lock or event loop of the parent is copied into a child.
        self._context = multiprocessing.get_context("spawn")
        self._children: list[SpawnProcess] = []
        self._stopping = False

    def run(self) -> None:
        self._children = [self._start() for _ in range(self._settings.workers)]
        while not self._stopping:
            # By sleeping: an Event set in a signal's handler may deadlock with the thread that waits for it.
            time.sleep(RESTART_SECONDS / 10)
            for place, child in enumerate(self._children):
                if not child.is_alive() and not self._stopping:
                    log.error("server process ended", pid=child.pid, exit_code=child.exitcode)
                    time.sleep(RESTART_SECONDS)
                    self._children[place] = self._start()
        self._end()

    def stop(self, _: int, __: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> SpawnProcess:
        child = self._context.Process(target=_child, args=(self._settings, self._sock, os.getpid()))
        child.start()
        return child

    def _end(self) -> None:
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.join(GRACE_SECONDS + 5)
            if child.is_alive():
                child.kill()
                child.join()


def _child(settings: Settings, sock: socket.socket, parent: int) -> None:
    _end_with(parent)
    logs.configure(settings.log_level, settings.log_format)
    serve_one(settings, sock)


def _end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies (prctl(2)); elsewhere than on Linux the parent's stop must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)
