"""MongoDB's update operators: parsed once, applied in plain Python to the stored document."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.storage.query import Path, check_apart, parse_path
from alertwhisperer.storage.values import MISSING, check_value, order, same

Fields = dict[str, object]


class Edit(Struct, frozen=True):
    """One operator at one path."""

    path: Path
    operator: str
    operand: object


def parse_update(update: Mapping[str, object]) -> tuple[Edit, ...]:
    """The edits of an update. Invalid for what is not an operator, for a bad operand, or for paths that overlap."""
    if not update:
        raise Invalid("an update needs at least one operator, such as $set")
    edits: list[Edit] = []
    for operator, fields in update.items():
        if operator not in _CHECKS:
            raise Invalid(f"{operator} is not an operator of an update", operator)
        if not isinstance(fields, Mapping) or not fields:
            raise Invalid(f"{operator} takes an object of paths and values", operator)
        for name, operand in fields.items():
            _CHECKS[operator](operand, str(name))
            edits.append(Edit(parse_path(name), operator, operand))
    check_apart([edit.path for edit in edits])
    return tuple(edits)


def apply_update(document: Mapping[str, object], edits: tuple[Edit, ...]) -> Fields:
    """The document after the edits. Invalid, naming the path, where one cannot be applied to what is there."""
    root: Fields = dict(document)
    for edit in edits:
        if edit.operator == "$unset":
            _unset(root, edit.path)
        else:
            _edit(root, edit)
    return root


def _edit(root: Fields, edit: Edit) -> None:
    """Copies each object on the way, so that the document given is left as it was."""
    at = root
    for step in edit.path[:-1]:
        child = at.get(step, MISSING)
        if child is not MISSING and not isinstance(child, Mapping):
            raise Invalid(f"cannot be reached: {step} is not an object", ".".join(edit.path))
        below: Fields = dict(child) if isinstance(child, Mapping) else {}
        at[step] = below
        at = below
    last = edit.path[-1]
    at[last] = _APPLY[edit.operator](at.get(last, MISSING), edit)


def _unset(root: Fields, path: Path) -> None:
    at = root
    for step in path[:-1]:
        child = at.get(step)
        if not isinstance(child, Mapping):
            return
        below = dict(child)
        at[step] = below
        at = below
    at.pop(path[-1], None)


def _increased(old: object, edit: Edit) -> object:
    name = ".".join(edit.path)
    if old is MISSING:
        return edit.operand
    total = _number(old, "$inc needs a number there", name) + _number(edit.operand, "$inc takes a number", name)
    check_value(total, name)
    return total


def _appended(old: object, edit: Edit) -> object:
    return [*_as_list(old, edit), edit.operand]


def _added(old: object, edit: Edit) -> object:
    values = _as_list(old, edit)
    return values if any(same(value, edit.operand) for value in values) else [*values, edit.operand]


def _as_list(old: object, edit: Edit) -> list[object]:
    if old is MISSING:
        return []
    if not isinstance(old, list):
        raise Invalid(f"{edit.operator} needs a list there", ".".join(edit.path))
    return old


def _greater(old: object, edit: Edit) -> object:
    return edit.operand if old is MISSING or order(edit.operand) > order(old) else old


def _lesser(old: object, edit: Edit) -> object:
    return edit.operand if old is MISSING or order(edit.operand) < order(old) else old


def _number(value: object, complaint: str, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(complaint, name)
    return value


def _check_number(operand: object, name: str) -> None:
    check_value(_number(operand, "$inc takes a number", name), name)


def _check_scalar(operand: object, name: str) -> None:
    if isinstance(operand, list | tuple | Mapping):
        raise Invalid("takes a text, a number, a boolean or null", name)
    check_value(operand, name)


def _no_check(_operand: object, _name: str) -> None:
    """$unset looks at no operand."""


_CHECKS: Final[dict[str, Callable[[object, str], None]]] = {
    "$set": check_value,
    "$unset": _no_check,
    "$inc": _check_number,
    "$push": check_value,
    "$addToSet": _check_scalar,
    "$max": _check_scalar,
    "$min": _check_scalar,
}
_APPLY: Final[dict[str, Callable[[object, Edit], object]]] = {
    "$set": lambda _, edit: edit.operand,
    "$inc": _increased,
    "$push": _appended,
    "$addToSet": _added,
    "$max": _greater,
    "$min": _lesser,
}
