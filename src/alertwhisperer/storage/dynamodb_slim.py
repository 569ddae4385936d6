"""What an item leaves out of a document that is whole: empty fields, and instants that follow from others.

A document is *whole* if it has exactly the fields that its Struct declares, and so has every Struct within it. Of such
a document the fields are not written that are empty and are so by default: the Struct says what belongs in their place.
Nor are instants that are the latest of some others, as `updated_at` mostly is. Floats need no note either, where the
Struct says that they are floats. What anybody may have put in by hand, and what an older version wrote with other
fields, is not whole, and stored as it is.

So the empty defaults of stored Structs, and LATEST, are part of what is stored: to change one takes a step of
`db upgrade` (`tests/storage/golden/dynamodb_left_out.json` shows them).
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from msgspec import NODEFAULT, Struct, inspect

from alertwhisperer.schema import COLLECTIONS, Collection
from alertwhisperer.storage.dynamodb_values import Path, Value, to_value
from alertwhisperer.storage.values import MISSING

LATEST: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "alerts": {"received_at": ("timestamp",), "last_received_at": ("received_at",)},
    "incidents": {
        "created_at": ("first_alert_at",),
        "updated_at": ("last_alert_at", "acknowledged_at", "assigned_at", "resolved_at"),
    },
}
"""Collection → field → the fields the latest of which it is when it is left out. It comes behind those it follows from,
and has no empty default."""

Notes = list[list[object]]
"""Floats that nothing else tells from integers; see `to_value`."""


class Form(Protocol):
    """What a Struct declares of a value, where that says how it is written."""

    def value(self, plain: object, path: Path, floats: Notes) -> Value | None:
        """The value on the wire; None if it is not as declared."""

    def plain(self, decoded: object) -> object:
        """The value as it was, from what `to_plain` made of the wire's."""


class Float:
    """A float, or null."""

    def value(self, plain: object, path: Path, floats: Notes) -> Value | None:
        """See `Form.value`. An integer is none: it would come back as a float. DynamoDB knows no -0."""
        if type(plain) is int:
            return None
        if type(plain) is float and (plain or math.copysign(1, plain) > 0):
            return {"N": repr(plain) if plain else "0"}
        return to_value(plain, path, floats)

    def plain(self, decoded: object) -> object:
        """See `Form.plain`."""
        return float(decoded) if type(decoded) is int else decoded


class Listed:
    """A list whose elements have a form."""

    def __init__(self, element: Form) -> None:
        self.element = element

    def value(self, plain: object, path: Path, floats: Notes) -> Value | None:
        """See `Form.value`."""
        if not isinstance(plain, list):
            return to_value(plain, path, floats)
        values = [self.element.value(each, (*path, at), floats) for at, each in enumerate(plain)]
        return None if None in values else {"L": values}

    def plain(self, decoded: object) -> object:
        """See `Form.plain`."""
        return [self.element.plain(each) for each in decoded] if isinstance(decoded, list) else decoded


class Shape:
    """A Struct's fields: each with its empty default (MISSING if it has none) and its form, if that says anything."""

    def __init__(self, kind: type[Struct], latest: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.latest: Final = dict(latest or {})
        self.empty: Final[dict[str, object]] = {}
        self.forms: Final[dict[str, Form]] = {}
        declared = inspect.type_info(kind)
        for field in declared.fields if isinstance(declared, inspect.StructType) else ():
            self.empty[field.encode_name] = _empty_default(field)
            form = _form(field.type)
            if form is not None:
                self.forms[field.encode_name] = form

    def fields(self, document: Mapping[str, object], path: Path, floats: Notes) -> dict[str, Value] | None:
        """The fields that are written; None if the document is not whole."""
        if document.keys() != self.empty.keys():
            return None
        written: dict[str, Value] = {}
        for name, empty in self.empty.items():
            plain = document[name]
            if not plain and plain == empty and type(plain) is type(empty):
                continue
            form = self.forms.get(name)
            made = (form.value if form else to_value)(plain, (*path, name), floats)
            if made is None:
                return None
            written[name] = made
        for name, others in self.latest.items():
            if document[name] == _latest(document, others):
                del written[name]
        return written

    def filled(self, decoded: dict[str, object]) -> dict[str, object]:
        """The document, from the fields of it that were written."""
        for name, form in self.forms.items():
            if name in decoded:
                decoded[name] = form.plain(decoded[name])
        for name, empty in self.empty.items():
            if name not in decoded and empty is not MISSING:
                decoded[name] = empty.copy() if isinstance(empty, list | dict) else empty
        for name, others in self.latest.items():
            if name not in decoded:
                decoded[name] = _latest(decoded, others)
        return decoded

    def value(self, plain: object, path: Path, floats: Notes) -> Value | None:
        """See `Form.value`."""
        if not isinstance(plain, Mapping):
            return to_value(plain, path, floats)
        fields = self.fields(plain, path, floats)
        return None if fields is None else {"M": fields}

    def plain(self, decoded: object) -> object:
        """See `Form.plain`."""
        return self.filled(decoded) if isinstance(decoded, dict) else decoded

    def left_out(self) -> Iterator[tuple[str, object]]:
        """Every field that is left out when it is empty, as a path, with what is put in its place."""
        for name, empty in self.empty.items():
            if empty is not MISSING or name in self.latest:
                yield name, self.latest.get(name, empty)
            form = self.forms.get(name)
            inner = form.element if isinstance(form, Listed) else form
            if isinstance(inner, Shape):
                yield from ((f"{name}.{path}", each) for path, each in inner.left_out())


def _latest(document: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    """The latest of some instants; None if there is none."""
    return max((value for name in names if isinstance(value := document.get(name), str)), default=None)


def _empty_default(field: inspect.Field) -> object:
    default: object = field.default
    if field.default_factory is not NODEFAULT:
        default = field.default_factory()
    # 0.0 equals -0.0, which is another.
    return default if default in (None, "", [], {}, 0) and not isinstance(default, float) else MISSING


def _form(declared: inspect.Type) -> Form | None:
    if isinstance(declared, inspect.Metadata):
        return _form(declared.type)
    if isinstance(declared, inspect.UnionType):
        kinds = [each for each in declared.types if not isinstance(each, inspect.NoneType)]
        return _form(kinds[0]) if len(kinds) == 1 else None
    if isinstance(declared, inspect.FloatType):
        return Float()
    if isinstance(declared, inspect.ListType):
        element = _form(declared.item_type)
        return Listed(element) if element else None
    return Shape(declared.cls) if isinstance(declared, inspect.StructType) and _is_plain(declared) else None


def _is_plain(declared: inspect.StructType) -> bool:
    """Whether the JSON of a Struct is an object of just its fields, each of them always there."""
    return not (declared.cls.__struct_config__.omit_defaults or declared.array_like or declared.tag_field)


SHAPES: Final[dict[str, Shape]] = {
    each.name: Shape(each.document, LATEST.get(each.name)) for each in COLLECTIONS if not each.unbounded
}
"""Of collections whose documents are native items. Of documents `beside` there is none: those are few, and small."""


def empty_of(collection: Collection, name: str) -> object:
    """What a whole document has in a field that its item lacks; MISSING if every item has the field."""
    shape = SHAPES.get(collection.name)
    return shape.empty.get(name, MISSING) if shape else MISSING


def is_comparable(collection: Collection, name: str) -> bool:
    """Whether the field's attribute, or that it lacks, tells its value: not if it has fields within that may lack."""
    shape = SHAPES.get(collection.name)
    if shape is None:
        return True
    form = shape.forms.get(name)
    return name not in shape.latest and (form is None or isinstance(form, Float))
