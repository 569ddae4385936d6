"""Requests in and answers out by msgspec; the same types stand in OpenAPI (see `openapi.py`).

A handler is a typed coroutine: a parameter annotated with a Struct is the body, its return annotation is the answer.
"""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from fastapi import APIRouter, Depends
from fastapi.requests import Request
from fastapi.responses import Response
from msgspec import Struct

from alertwhisperer.domain.errors import Invalid

T = TypeVar("T")
Handler = Callable[..., Coroutine[None, None, object]]
H = TypeVar("H", bound=Handler)

PUBLIC: Final = "public"
"""The verb of a route that needs no sign-in."""
MUTATIONS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SIGNED_IN: Final = "signed_in"
"""The verb of a route that everybody who has signed in may use, for themselves."""


class Answer(Struct, Generic[T], frozen=True):
    """An answer with headers of its own."""

    value: T
    headers: dict[str, str] = {}


class Contract(Struct, frozen=True, kw_only=True):
    """What one route takes, gives and needs: OpenAPI and the generated tests read it."""

    method: str
    path: str
    verb: str
    status: int
    once: bool = False
    """Whether it heeds `Idempotency-Key`."""
    takes: object
    """The type of the body, or a tuple of alternatives; None for no body."""
    gives: object
    """The type of the answer; None for 204."""
    handler: str


class Routes(APIRouter):
    """A router that keeps the contract of each of its routes."""

    def __init__(self, noun: str) -> None:
        super().__init__(tags=[noun])
        self.contracts: list[Contract] = []

    def on(self, method: str, path: str, *, verb: str, status: int = 200, once: bool = True) -> Callable[[H], H]:
        """Serve `method path` by a handler whose actor needs `verb` (checked where it is done, in the engine).

        once: whether, as a mutation, it heeds `Idempotency-Key`.
        """

        def add(handler: H) -> H:
            hints = get_type_hints(handler, include_extras=True)
            gives = hints.pop("return")
            takes = next((each for each in hints.values() if _is_body(each)), None)
            if get_origin(gives) is Answer:
                (gives,) = get_args(gives)
            name = handler.__name__
            contract = Contract(
                method=method,
                path=path,
                verb=verb,
                status=status,
                once=once and method in MUTATIONS,
                takes=takes,
                gives=None if gives is type(None) else gives,
                handler=name,
            )
            self.contracts.append(contract)
            self.add_api_route(
                path,
                _adapted(handler, hints, status),
                methods=[method],
                status_code=status,
                response_model=None,
                operation_id=name,
                openapi_extra={"x-verb": verb},
            )
            return handler

        return add


def _is_body(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Struct)


def _adapted(handler: Handler, hints: dict[str, Any], status: int) -> Handler:
    """The handler as FastAPI calls it: the body decoded by a dependency, the answer encoded to bytes."""

    @functools.wraps(handler)
    async def endpoint(*args: object, **kwargs: object) -> Response:
        return respond(await handler(*args, **kwargs), status)

    signature = inspect.signature(handler)
    endpoint.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect and FastAPI read
        parameters=[each.replace(annotation=_parameter(hints[name])) for name, each in signature.parameters.items()],
        return_annotation=Response,
    )
    del endpoint.__wrapped__  # or FastAPI would look through it
    return endpoint


def _parameter(annotation: Any) -> Any:
    return Annotated[annotation, Depends(_body(annotation))] if _is_body(annotation) else annotation


def _body(kind: type[T]) -> Callable[[Request], Coroutine[None, None, T]]:
    decoder = msgspec.json.Decoder(kind)

    async def read(request: Request) -> T:
        return decode(await request.body() or b"{}", decoder)

    return read


def decode(body: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """A value from JSON; Invalid, naming the field, if it is not of the decoder's type."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error


def invalid(error: msgspec.ValidationError) -> Invalid:
    """Msgspec's sentence (`Expected … - at `$.a.b``, `… required field `a``) as ours."""
    said, _, place = str(error).partition(" - at ")
    path = place.strip("`").removeprefix("$").lstrip(".")
    if " field `" in said:
        missing = said.split("`")[1]
        path = f"{path}.{missing}" if path else missing
        said = "is required" if "missing" in said else "is not a field here"
    return Invalid(said[0].lower() + said[1:], path or None)


def respond(given: object, status: int = 200) -> Response:
    """The response for a handler's answer. Answers are one person's view: no cache keeps them."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(given, Answer):
        headers |= given.headers
        given = given.value
    if isinstance(given, Response):
        return given
    if given is None:
        return Response(status_code=status, headers=headers)
    return Response(msgspec.json.encode(given), status, headers, media_type="application/json")
