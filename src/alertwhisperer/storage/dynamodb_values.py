"""Values as DynamoDB's wire has them, and back. Its numbers do not tell a float without a fraction from an integer."""

import math
from collections.abc import Mapping
from typing import Any

from alertwhisperer.domain.errors import Invalid

Value = dict[str, Any]
"""One attribute's value: {"S": "text"}, {"N": "1"}, …"""

Path = tuple[str | int, ...]
"""Where in a document something is: names of objects, places in lists."""


def scalar(value: object) -> Value:
    """A key's value."""
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def to_value(value: object, path: Path, floats: list[list[object]]) -> Value:
    """A field's value; notes where floats without a fraction are, with their sign."""
    match value:
        case None | bool():
            return {"NULL": True} if value is None else {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return _number_value(value, path, floats)
        case Mapping():
            return {"M": {name: to_value(each, (*path, name), floats) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [to_value(each, (*path, at), floats) for at, each in enumerate(value)]}
        case _:
            pass
    raise Invalid(f"a document cannot hold a {type(value).__name__}", ".".join(map(str, path)))


def _number_value(
    value: int | float,  # which of the two it is, is the question
    path: Path,
    floats: list[list[object]],
) -> Value:
    if isinstance(value, float) and value.is_integer():
        floats.append([math.copysign(1, value) > 0, *path])
    return {"N": repr(value) if value else "0"}


def to_plain(value: Value) -> object:
    """An attribute's value in Python."""
    ((kind, held),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return _number(held)
        case "M":
            return {name: to_plain(each) for name, each in held.items()}
        case "L":
            return [to_plain(each) for each in held]
        case _:
            return held


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def make_float(fields: dict[str, object], path: list[str | int], *, positive: bool) -> None:
    """Turn the number at a noted place into the float that it was."""
    at: Any = fields
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = math.copysign(float(at[path[-1]]), 1 if positive else -1)
