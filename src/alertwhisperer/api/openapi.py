"""The API's contract as OpenAPI 3.1: FastAPI's paths and parameters, msgspec's bodies and answers."""

import inspect
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final, get_origin

import msgspec
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from alertwhisperer.api.codec import PUBLIC, Contract
from alertwhisperer.api.problems import MEDIA_TYPE, STATUSES, Problem
from alertwhisperer.domain.delivery import Outcome

Json = dict[str, Any]
REF: Final = "#/components/schemas/{name}"
SPARSE: Final = frozenset({Outcome.__name__})
"""Answers that leave out what has its default."""

SECURITY_SCHEMES: Final[Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "aw_session"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "apiKeyInQuery": {"type": "apiKey", "in": "query", "name": "api_key"},
}
IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Under one key a mutation is done once, and a repeat within 24 h is answered alike.",
    "schema": {"type": "string", "maxLength": 200},
}
IF_MATCH: Final[Json] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The revision that the caller has seen, in quotes; 409 with the current state if it is another.",
    "schema": {"type": "string"},
}
LINK: Final[Json] = {
    "Link": {"description": 'The next page: `<…>; rel="next"`.', "schema": {"type": "string"}},
    "X-Live-Cursor": {
        "description": "`company:seq[,company:seq]`: where in the log this list stands; live events go on from it.",
        "schema": {"type": "string"},
    },
}


def document(
    version: str, routes: Iterable[BaseRoute], contracts: Iterable[Contract], extra: Iterable["Extra"]
) -> Json:
    """The whole document."""
    described: Json = get_openapi(
        title="Alert Whisperer",
        version=version,
        description="Alert correlation and incidents for managed service providers.",
        routes=list(routes),
    )
    known = list(contracts)
    others = list(extra)
    types = _Types(
        [*known, *(each.contract for each in others)], [kind for each in others for kind in each.also.values()]
    )
    for each in others:
        described["paths"].setdefault(each.contract.path, {})[each.contract.method.lower()] = each.operation(types)
    for contract in [*known, *(each.contract for each in others)]:
        _complete(described["paths"][contract.path][contract.method.lower()], contract, types)
    parts = described.setdefault("components", {})
    parts["schemas"] = types.components
    parts["securitySchemes"] = SECURITY_SCHEMES
    return described


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """A route that is served beside FastAPI and described by hand."""

    contract: Contract
    summary: str
    description: str
    tag: str
    parameters: list[Json] = []
    security: list[Json] = []
    also: dict[int, object] = {}
    """Other good answers: status → type."""

    def operation(self, types: "_Types") -> Json:
        """The operation, without what the contract says."""
        return {
            "operationId": self.contract.handler,
            "summary": self.summary,
            "description": self.description,
            "tags": [self.tag],
            "parameters": list(self.parameters),
            "responses": {str(status): _answer(status, types.schema(kind)) for status, kind in self.also.items()},
            "security": self.security,
            "x-verb": self.contract.verb,
        }


def _answer(status: int, schema: Json) -> Json:
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}


def _complete(operation: Json, contract: Contract, types: "_Types") -> None:
    """Put body, answer, errors, headers and security into an operation."""
    if contract.takes is not None:
        content = {"application/json": {"schema": types.schema(contract.takes)}}
        operation["requestBody"] = {"required": True, "content": content}
    responses = operation["responses"]
    responses.pop("422", None)
    answer: Json = {"description": HTTPStatus(contract.status).phrase}
    if contract.gives is not None:
        answer = _answer(contract.status, types.schema(contract.gives))
    if get_origin(contract.gives) is list:
        answer["headers"] = LINK
    responses[str(contract.status)] = answer
    for status, title in _errors(contract):
        schema = {"schema": types.schema(Problem)}
        responses[str(status)] = {"description": title, "content": {MEDIA_TYPE: schema}}
    if contract.verb == PUBLIC:
        operation.setdefault("security", [])
        return
    operation["security"] = [{"bearer": []}, {"cookie": []}]
    if contract.once:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    if contract.verb.startswith("incident.") and contract.method == "POST":
        operation.setdefault("parameters", []).append(IF_MATCH)


def _errors(contract: Contract) -> Iterator[tuple[int, str]]:
    absent = {401: contract.verb == PUBLIC and contract.handler != "login", 403: contract.verb == PUBLIC}
    for status, title in STATUSES.values():
        if not absent.get(status, False):
            yield status, title


class _Types:
    """The schemas of all types of all contracts. What is answered always has all its fields; what is sent may not."""

    def __init__(self, contracts: list[Contract], also: list[object]) -> None:
        answers = _flat([*also, *(each.gives for each in contracts)])
        bodies = _flat([each.takes for each in contracts])
        self._types = [*answers, Problem, *bodies]
        schemas, self.components = msgspec.json.schema_components(self._types, schema_hook=_any, ref_template=REF)
        self._schemas = list(schemas)
        answered = _closure(self._schemas[: len(answers)], self.components)
        for name, component in self.components.items():
            _settle(component, always=name in answered and name not in SPARSE)

    def schema(self, kind: object) -> Json:
        """The schema of a type, mostly a reference; of a tuple of types, their alternatives."""
        if isinstance(kind, tuple):
            return {"oneOf": [self.schema(each) for each in kind]}
        place = next(at for at, each in enumerate(self._types) if each == kind)
        return dict(self._schemas[place])


def _flat(kinds: Iterable[object]) -> list[object]:
    """The types among these, one by one."""
    single = [each if isinstance(each, tuple) else (each,) for each in kinds if each is not None]
    return [each for group in single for each in group]


def _any(kind: type) -> Json:
    """`object` is any value (msgspec wants more than an empty schema). Of other types it asks to be told no, so."""
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError


def _settle(component: Json, *, always: bool) -> None:
    properties: dict[str, Json] = component.get("properties", {})
    component["description"] = inspect.cleandoc(component.get("description", ""))
    required = set(component.get("required", []))
    for name, schema in properties.items():
        if "default" in schema:
            del schema["default"]
            required |= {name} if always else set()
    if required:
        component["required"] = [name for name in properties if name in required]


def _closure(schemas: Iterable[Json], components: Json) -> set[str]:
    """The names of all components that some schemas lead to."""
    found: set[str] = set()
    waiting: list[object] = list(schemas)
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            name = str(each.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting += each.values()
    return found
