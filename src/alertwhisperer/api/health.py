"""`/healthz`: this process answers. `/readyz`: it can do its work, as the database says now."""

from fastapi.requests import Request
from fastapi.responses import Response
from msgspec import Struct, json

from alertwhisperer.domain.errors import AlertWhispererError
from alertwhisperer.ports import Storage


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether alerts can be stored now; `database` holds facts, `reason` what is wrong."""

    ready: bool
    database: dict[str, object] = {}
    reason: str | None = None


class Health:
    """Answers those who watch this process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._stopping = False

    def stop(self) -> None:
        """From now on not ready: a stop is under way."""
        self._stopping = True

    async def live(self, _: Request) -> Response:
        """200 as long as this process answers at all."""
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def ready(self, _: Request) -> Response:
        """200 if the database can be read and written and no stop is under way, else 503."""
        readiness = await self._readiness()
        status = 200 if readiness.ready else 503
        return Response(
            json.encode(readiness, enc_hook=str),
            status,
            {"Cache-Control": "no-store"} | ({} if readiness.ready else {"Retry-After": "1"}),
            media_type="application/json",
        )

    async def _readiness(self) -> Readiness:
        if self._stopping:
            return Readiness(ready=False, reason="this process is stopping")
        try:
            return Readiness(ready=True, database=await self._storage.check())
        except AlertWhispererError as error:
            return Readiness(ready=False, reason=str(error))
