"""Errors as answers: RFC 9457 problem details, mapped from `domain/errors.py` in this one place."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException

from alertwhisperer.domain.errors import (
    AlertWhispererError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[AlertWhispererError], tuple[int, str]]] = {
    Unauthenticated: (401, "Not signed in"),
    Forbidden: (403, "Not allowed"),
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    Invalid: (422, "Invalid"),
    RateLimited: (429, "Too many requests"),
    Unavailable: (503, "Unavailable"),
}

log = structlog.get_logger(__name__)


class Problem(Struct, frozen=True, kw_only=True):
    """An error. `field` is a dotted path into the request; `current` the document as it stands, after a conflict."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    field: str | UnsetType = UNSET
    current: dict[str, object] | UnsetType = UNSET


def problem_of(error: AlertWhispererError, request_id: str) -> tuple[Problem, dict[str, str]]:
    """The problem that an error is, and the headers that belong to it."""
    kind = next(each for each in type(error).__mro__ if each in STATUSES)
    status, title = STATUSES[kind]
    headers: dict[str, str] = {}
    field: str | UnsetType = UNSET
    current: dict[str, object] | UnsetType = UNSET
    if isinstance(error, RateLimited | Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Invalid) and error.field:
        field = error.field
    if isinstance(error, Conflict) and isinstance(error.current, Struct):
        current = msgspec.to_builtins(error.current)
    problem = Problem(
        type=f"urn:alertwhisperer:{kind.__name__.lower()}",
        title=title,
        status=status,
        detail=str(error),
        request_id=request_id,
        field=field,
        current=current,
    )
    return problem, headers


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response."""
    always = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(problem), problem.status, always, media_type=MEDIA_TYPE)


def plain(status: int, detail: str, request_id: str) -> Problem:
    """A problem that HTTP itself names (no such path, wrong method, body too large)."""
    return Problem(type="about:blank", title=detail, status=status, detail=detail, request_id=request_id)


def request_id_of(request: Request) -> str:
    """The id under which this request stands in the logs."""
    return str(request.scope.get("request_id", ""))


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AlertWhispererError)  # noqa: S101  # registered for it alone
    return answer(*problem_of(error, request_id_of(request)))


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it alone
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    return await _ours(request, Invalid(str(first["msg"]), field))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it alone
    return answer(plain(error.status_code, str(error.detail), request_id_of(request)), error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has it whole, the answer its id."""
    log.error("request failed", path=request.url.path, exc_info=error)
    detail = "a fault of this server; its log knows it by the request id"
    return answer(plain(500, detail, request_id_of(request)))


def install(app: FastAPI) -> None:
    """Answer every error by a problem."""
    app.add_exception_handler(AlertWhispererError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
