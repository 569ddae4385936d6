"""What a document may hold, and how its values compare: what every engine can keep alike (SPEC §3).

A JSON value is None, bool, int, float, str, a list of values, or an object with string keys.
"""

import math
from collections.abc import Mapping
from enum import Enum
from typing import Final

from alertwhisperer.domain.errors import Invalid

STORED_AT_MOST: Final = 400_000
"""Bytes of one document as JSON: below DynamoDB's 400 KB an item, whose own count of a document is smaller."""

DEPTH_AT_MOST: Final = 30
"""Objects and lists within each other; DynamoDB ends at 32."""

KEY_AT_MOST: Final = 900
"""Bytes of a text of a key: DynamoDB ends at 1,024 for a sort key, and the house's own lengthen some."""

KEY_SURELY: Final = KEY_AT_MOST // 4
"""Characters that are not too many bytes, whichever they are."""

INT_LEAST: Final = -(2**63)
INT_MOST: Final = 2**63 - 1
FLOAT_LEAST: Final = 1e-125
FLOAT_MOST: Final = 1e125

Scalar = str | int | float | bool | None


class Missing(Enum):
    """A field that is not there, which is not the same as one that is null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def check_value(value: object, field: str, depth: int = 0) -> None:
    """Invalid, naming the dotted field, if some engine could not hold the value."""
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, field)
        case int():
            if not INT_LEAST <= value <= INT_MOST:
                raise Invalid("an integer must fit in 64 bits", field)
        case float():
            _check_float(value, field)
        case list() | tuple() | Mapping():
            _check_container(value, field, depth + 1)
        case _:
            raise Invalid(f"a document cannot hold a {type(value).__name__}", field)


def _check_container(value: object, field: str, depth: int) -> None:
    if depth > DEPTH_AT_MOST:
        raise Invalid(f"is nested deeper than {DEPTH_AT_MOST} levels", field)
    if isinstance(value, Mapping):
        for key, each in value.items():
            check_key(key, field)
            check_value(each, f"{field}.{key}" if field else key, depth)
    elif isinstance(value, list | tuple):
        for each in value:
            check_value(each, field, depth)


def check_key(key: object, field: str) -> None:
    """Invalid unless the key is one that every engine can hold and a dotted path can name."""
    if not isinstance(key, str) or not key:
        raise Invalid("a key must be a text of at least one character", field or None)
    inside = f"{field}.{key}" if field else key
    if "." in key or key.startswith("$"):
        raise Invalid("a key must have no dot and not begin with $", inside)
    _check_text(key, inside)


def is_key_size(text: str) -> bool:
    """Whether a text has as many bytes as one of a key may have; none is too few."""
    return 0 < len(text) <= KEY_SURELY or 0 < len(text.encode(errors="replace")) <= KEY_AT_MOST


def _check_text(text: str, field: str) -> None:
    if "\0" in text:
        raise Invalid("a text must not hold a NUL character", field)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Invalid("a text must be valid Unicode (it holds half a surrogate pair)", field) from None


def _check_float(value: float, field: str) -> None:
    if not math.isfinite(value):
        raise Invalid("a number must be finite", field)
    if value and not FLOAT_LEAST <= abs(value) <= FLOAT_MOST:
        raise Invalid("a number must lie between 1e-125 and 1e125, or be 0", field)


class Rank:
    """The order of types, as MongoDB has it (manual, "Comparison/Sort Order")."""

    EMPTY: Final = 0
    NULL: Final = 1
    NUMBER: Final = 2
    TEXT: Final = 3
    OBJECT: Final = 4
    ARRAY: Final = 5
    BOOLEAN: Final = 6


def rank(value: object) -> int:
    """Where the value's type stands in the order of types; a missing field stands where null does."""
    match value:
        case None | Missing.MISSING:
            return Rank.NULL
        case bool():
            return Rank.BOOLEAN
        case int() | float():
            return Rank.NUMBER
        case str():
            return Rank.TEXT
        case Mapping():
            return Rank.OBJECT
        case _:
            return Rank.ARRAY


def order(value: object) -> tuple[int, int | float, str]:
    """A sort key over all values. Text sorts by code point, as UTF-8 does; two objects, or two lists, are equals."""
    at = rank(value)
    number = value if isinstance(value, bool | int | float) else 0
    return at, number, value if isinstance(value, str) else ""


def same(one: object, other: object) -> bool:
    """Whether two scalars are equal: numbers by value, never a boolean with a number; missing is null."""
    return rank(one) == rank(other) and rank(one) not in {Rank.OBJECT, Rank.ARRAY} and order(one) == order(other)
