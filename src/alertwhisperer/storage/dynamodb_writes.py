"""Writes as one TransactWriteItems: documents with their expectations, and what of ours goes with them.

A write goes out *blind*, its expectation as a condition, where nothing else hangs on what was there before. Otherwise
the document is read first, looked at here, and written on condition that it is unchanged. A blind write that is refused
for another reason than its expectation is done again with open eyes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, to_builtins

from alertwhisperer.domain.change import ABSENT
from alertwhisperer.domain.errors import Stale, TooLarge, Unavailable
from alertwhisperer.ports import Key, Limits
from alertwhisperer.schema import BY_NAME, Collection, Index
from alertwhisperer.storage.codec import check_columns
from alertwhisperer.storage.dynamodb_calls import Calls, Cancelled
from alertwhisperer.storage.dynamodb_items import (
    HASH,
    PACKED,
    PARTS,
    TTL,
    WHOLE,
    Fields,
    Item,
    Stored,
    decode_item,
    encode_item,
    is_key_text,
    key_item,
    own_index_fields,
    part_count,
)
from alertwhisperer.storage.dynamodb_plan import guard_of
from alertwhisperer.storage.dynamodb_search import ROSTER, Search, part_key
from alertwhisperer.storage.dynamodb_slim import empty_of, is_comparable
from alertwhisperer.storage.dynamodb_values import Value, to_value
from alertwhisperer.storage.render_dynamodb import own_table
from alertwhisperer.storage.values import MISSING

ITEMS_AT_MOST: Final = 100
BYTES_AT_MOST: Final = 3_900_000
LIMITS: Final = Limits(writes=90, bytes=3_500_000)
"""What is said to callers: below DynamoDB's 100 items and 4 MB, since the record and guards go with the writes."""

TRIES: Final = 12
OWN_SIZE: Final = 500

Action = dict[str, Any]
Place = tuple[str, Key]


class Changed(Exception):  # what happened to the document
    """A document is not as it was when the update was made from it: read it again."""


class Wanted(Struct, frozen=True):
    """A write: the document and its JSON, or None for a delete; `seen` is what an update was made from."""

    collection: Collection
    key: Key
    fields: Fields | None
    raw: bytes | None
    expect: Mapping[str, object] | None = None
    seen: Stored | None = None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.collection.name, self.key


class Step(Struct, frozen=True):
    """One item of the transaction. `wanted`: whose write it is; `role` says what its failing means."""

    action: Action
    size: int
    role: str
    wanted: Wanted | None = None


class Writes:
    """Does writes, all or none."""

    def __init__(self, calls: Calls, search: Search, prefix: str, keep_days: Mapping[str, int]) -> None:
        self._calls = calls
        self._search = search
        self._prefix = prefix
        self._keep_days = keep_days

    async def run(self, wanted: Sequence[Wanted], own: Sequence[Step] = (), *, token: str) -> None:
        """Write it all, and `own` steps with it.

        Raises Stale, naming the document, if an expectation does not hold or a unique field is taken; Changed if one is
        not as it was `seen`; TooLarge, Unavailable or OutcomeUnknown.
        """
        for each in wanted:
            if each.fields is not None:
                check_columns(each.collection, each.fields)
        open_eyes = {each.place for each in wanted if _must_look(each)}
        for attempt in range(TRIES):
            known = await self._look(wanted, open_eyes)
            steps = [*own, *Sheet(self, wanted, known).steps()]
            check_size(steps)
            if not steps:
                return
            try:
                await self._calls.transact([each.action for each in steps], f"{token}{attempt:x}")
            except Cancelled as cancelled:
                open_eyes |= self._blamed(steps, cancelled)
            else:
                return
        raise Unavailable("other processes keep writing to the same documents", retry_after=1)

    async def _look(self, wanted: Sequence[Wanted], places: Iterable[Place]) -> dict[Place, Stored | None]:
        """What is there now. Raises Stale for an expectation that does not hold."""
        known: dict[Place, Stored | None] = dict.fromkeys(places)
        for name in {place[0] for place in known}:
            collection = BY_NAME[name]
            for found in await self._search.by_keys(collection, [key for where, key in known if where == name]):
                known[name, found.key] = found.stored
        for each in wanted:
            if each.place in known and not expectation_holds(each, known[each.place]):
                raise Stale(each.collection.name, each.key)
        return known

    def _blamed(self, steps: Sequence[Step], cancelled: Cancelled) -> set[Place]:
        """The documents to look at before the next try. Raises Stale where no try can help."""
        blamed: set[Place] = set()
        for at in cancelled.conditions:
            wanted = steps[at].wanted
            if wanted is None:
                continue
            if steps[at].role == "guard":
                raise Stale(wanted.collection.name, wanted.key)
            if wanted.seen is not None:
                raise Changed
            item: Item | None = cancelled.reasons[at].get("Item")
            if wanted.expect is not None and (not item or not part_count(item)):
                stored = decode_item(wanted.collection, item) if item else None
                if not expectation_holds(wanted, stored):
                    raise Stale(wanted.collection.name, wanted.key)
            blamed.add(wanted.place)
        return blamed

    # ------------------------------------------------------------ for sheets

    def table(self, collection: Collection) -> str:
        """The table of a collection."""
        return self._search.table(collection)

    @property
    def own(self) -> str:
        """The table of our own items."""
        return own_table(self._prefix)

    def days(self, collection: Collection) -> int | None:
        """After how many days documents expire by themselves; None if they do not."""
        return self._keep_days.get(collection.name, collection.keep_days) if collection.expires else None

    @property
    def now(self) -> float | None:
        """Unix time, if there is a clock."""
        return self._search.now()


class Sheet:
    """Lays out one transaction: of each item at most one step."""

    def __init__(self, writes: Writes, wanted: Sequence[Wanted], known: Mapping[Place, Stored | None]) -> None:
        self._writes = writes
        self._wanted = wanted
        self._known = known
        self._claims: dict[str, Wanted] = {}
        self._releases: dict[str, Key] = {}

    def steps(self) -> list[Step]:
        """The steps. Raises Stale if two of the writes claim one unique value."""
        steps: list[Step] = []
        for each in self._wanted:
            steps += self._document(each)
            self._note_guards(each)
        return steps + self._guards()

    def _document(self, wanted: Wanted) -> list[Step]:
        condition = self._condition(wanted)
        table = self._writes.table(wanted.collection)
        old = self._old(wanted)
        if wanted.fields is None or wanted.raw is None:
            key = key_item(wanted.collection, wanted.key)
            action = {"Delete": {"TableName": table, "Key": key, **condition}}
            return [Step(action, OWN_SIZE, "document", wanted), *self._beside(wanted, old, (), gone=True)]
        days = self._writes.days(wanted.collection)
        encoded = encode_item(wanted.collection, wanted.fields, wanted.raw, keep_days=days)
        action = {"Put": {"TableName": table, "Item": encoded.item, **condition}}
        return [
            Step(action, encoded.size, "document", wanted),
            *self._beside(wanted, old, encoded.parts, gone=False),
        ]

    def _beside(self, wanted: Wanted, old: Stored | None, parts: Sequence[bytes], *, gone: bool) -> list[Step]:
        """Parts, old and new, and the roster's entry."""
        places = [part_key(wanted.collection, wanted.key, at) for at in range(max(len(parts), old.parts if old else 0))]
        steps = [self._own_put({**at, "part": {"B": part}}, len(part)) for at, part in zip(places, parts, strict=False)]
        steps += [self._own_delete(at) for at in places[len(parts) :]]
        if len(wanted.key) == 1 and (gone or old is None):
            entry: Item = {"kind": {"S": ROSTER + wanted.collection.name}, "id": {"S": str(wanted.key[0])}}
            steps.append(self._own_delete(entry) if gone else self._own_put(entry, 0))
        return steps

    def _own_put(self, item: Item, size: int) -> Step:
        return Step({"Put": {"TableName": self._writes.own, "Item": item}}, size + OWN_SIZE, "beside")

    def _own_delete(self, key: Item) -> Step:
        return Step({"Delete": {"TableName": self._writes.own, "Key": key}}, OWN_SIZE, "beside")

    # ------------------------------------------------------------ conditions

    def _old(self, wanted: Wanted) -> Stored | None:
        return wanted.seen or self._known.get(wanted.place)

    def _condition(self, wanted: Wanted) -> Action:
        """What must be so of the item: as it was read, or as is expected, or that nothing lies beside it."""
        old = self._old(wanted)
        if old is not None:
            return _said("#h = :h", {"#h": HASH}, {":h": {"B": old.hash}})
        if wanted.place in self._known or wanted.expect == ABSENT:
            return self._absent(wanted)
        if wanted.expect:
            return _as_expected(wanted.collection, wanted.expect)
        if wanted.collection.unbounded:
            return _said("attribute_not_exists(#p)", {"#p": PARTS}, {})
        return {}

    def _absent(self, wanted: Wanted) -> Action:
        first = wanted.collection.key[0]
        now = self._writes.now
        if wanted.collection.expires and now is not None:
            said = "attribute_not_exists(#k) OR #t <= :now"
            return _said(said, {"#k": first, "#t": TTL}, {":now": {"N": str(int(now))}})
        return _said("attribute_not_exists(#k)", {"#k": first}, {})

    # ------------------------------------------------------------ guards

    def _note_guards(self, wanted: Wanted) -> None:
        for index in wanted.collection.indexes:
            if not index.unique:
                continue
            old = self._old(wanted)
            before, after = _guard(index, old.fields if old else None), _guard(index, wanted.fields)
            if before and before != after:
                self._releases[before] = wanted.key
            if after and before != after:
                if after in self._claims:
                    raise Stale(wanted.collection.name, wanted.key)
                self._claims[after] = wanted

    def _guards(self) -> list[Step]:
        steps: list[Step] = []
        for guard, wanted in self._claims.items():
            key: Item = {"kind": {"S": guard}, "id": {"S": "guard"}}
            holders: dict[str, Value] = {":mine": _holder(wanted.key)}
            if guard in self._releases:
                holders[":theirs"] = _holder(self._releases[guard])
            said = f"attribute_not_exists(kind) OR holder IN ({', '.join(holders)})"
            put = {"TableName": self._writes.own, "Item": {**key, "holder": _holder(wanted.key)}}
            steps.append(Step({"Put": {**put, **_said(said, {}, holders)}}, OWN_SIZE, "guard", wanted))
        free = self._releases.keys() - self._claims.keys()
        return steps + [self._own_delete({"kind": {"S": guard}, "id": {"S": "guard"}}) for guard in sorted(free)]


def check_size(steps: Sequence[Step]) -> None:
    """TooLarge if it is more than one transaction holds."""
    size = sum(step.size for step in steps)
    if len(steps) > ITEMS_AT_MOST or size > BYTES_AT_MOST:
        raise TooLarge(
            f"DynamoDB takes {ITEMS_AT_MOST} items and {BYTES_AT_MOST} bytes at once; this has {len(steps)} and {size}"
        )


def expectation_holds(wanted: Wanted, stored: Stored | None) -> bool:
    """Whether what is stored is as the write expects it (a missing field counts as null)."""
    if wanted.expect is None:
        return True
    if not wanted.expect:
        return stored is None
    return stored is not None and all(
        stored.fields.get(name) == to_builtins(value) for name, value in wanted.expect.items()
    )


def _must_look(wanted: Wanted) -> bool:
    """Whether the write depends on what is there: guards to let go, a roster, or a condition there are no words for."""
    if wanted.seen is not None or wanted.expect == ABSENT:
        return False
    if len(wanted.key) == 1 or any(index.unique for index in wanted.collection.indexes):
        return True
    if not wanted.expect:
        return False
    unsayable = {TTL, *own_index_fields(wanted.collection)}
    odd = any(
        not is_comparable(wanted.collection, name) or (name in unsayable and not is_key_text(value))
        for name, value in wanted.expect.items()
    )
    return odd or TTL in wanted.expect or wanted.collection.unbounded


def _as_expected(collection: Collection, expect: Mapping[str, object]) -> Action:
    names: dict[str, str] = {"#packed": PACKED}
    values: dict[str, Value] = {}
    said: list[str] = ["attribute_not_exists(#packed)"]
    for at, (name, value) in enumerate(expect.items()):
        plain = to_builtins(value)
        names[f"#f{at}"] = name
        values[f":v{at}"] = to_value(plain, (), [])
        equal, lacking = f"#f{at} = :v{at}", _or_lacking(plain, empty_of(collection, name))
        said.append(equal if lacking is None else f"({equal} OR attribute_not_exists(#f{at}){lacking})")
    # Null counts as missing, but not as a missing document.
    names["#hash"] = HASH
    said.append("attribute_exists(#hash)")
    condition = " AND ".join(said)
    return _said(condition, names | ({"#w": WHOLE} if "#w" in condition else {}), values)


def _or_lacking(expected: object, empty: object) -> str | None:
    """Which items without the field have the expected value, beyond that they lack it; None if none has.

    What lacks in a whole document is `empty`, in any other it is null.
    """
    if expected is None:
        return "" if empty is None or empty is MISSING else " AND attribute_not_exists(#w)"
    return " AND attribute_exists(#w)" if expected == empty and type(expected) is type(empty) else None


def _said(condition: str, names: Mapping[str, str], values: Mapping[str, Value]) -> Action:
    action: Action = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if names:
        action["ExpressionAttributeNames"] = dict(names)
    if values:
        action["ExpressionAttributeValues"] = dict(values)
    return action


def _holder(key: Key) -> Value:
    return {"L": [{"S": str(each)} for each in key]}


def _guard(index: Index, fields: Mapping[str, object] | None) -> str | None:
    values = [fields.get(name) for name in index.fields] if fields else [None]
    return guard_of(index, values) if all(isinstance(value, str) for value in values) else None
