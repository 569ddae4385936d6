"""Every engine's translation of the query language means what the plain reference means, on whatever documents.

More examples: `QUERY_EXAMPLES=20000 make test`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.reason import Reason
from alertwhisperer.ports import Storage
from alertwhisperer.storage.match import matches, project, sort_documents
from alertwhisperer.storage.query import By, parse_projection, parse_query, parse_sort
from alertwhisperer.storage.update import apply_update, parse_update
from tests.support.documents import alert
from tests.support.engines import ENGINES
from tests.support.exact import exact

T = TypeVar("T")
Fields = dict[str, object]
Do = Callable[[Callable[[Storage], Awaitable[T]]], T]

EXAMPLES = int(os.environ.get("QUERY_EXAMPLES", "200"))
BY_KEY = (By(("company_id",), descending=False), By(("id",), descending=False))

# Few names and few values, so that conditions meet documents often; odd ones among them.
numbers = st.sampled_from(
    [0, 1, 2, -1, 1.0, 1.5, -2.25, 0.1, 0.0, -0.0, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 1e-125, 1e125, 1e22]
)
texts = st.sampled_from(
    ["", "a", "b", "B", "ab", "é", "z\u0301", "🚨", "1", "true", "null", "a'b", 'a"b', "a\\b", "\n", "[]", "{}"]
)
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from([0, 1, "a"]), texts, any_text)
odd_names = st.sampled_from(["A", "é", "x y", 'q"t', "it's", "back\\slash", "_1", "tab\t"])
names = st.one_of(st.sampled_from(["a", "b"]), st.sampled_from(["a", "b", "c"]), odd_names)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
deep_values = st.one_of(
    values,
    st.lists(st.dictionaries(names, values, max_size=2) | values, max_size=3),
    st.dictionaries(names, st.lists(st.dictionaries(names, values, max_size=2), max_size=2), max_size=2),
)
LEFT_OUT = "left out"
statuses = st.sampled_from(["active", "acknowledged", "resolved", None])
loose_documents = st.builds(
    lambda free, known: {**free, **{name: value for name, value in known.items() if value != LEFT_OUT}},
    st.dictionaries(names, deep_values, max_size=4),
    st.fixed_dictionaries(
        {
            "status": statuses | st.just(LEFT_OUT),
            "dedup_key": st.sampled_from(["k1", "k2", None, LEFT_OUT]),
        }
    ),
)
# All the fields of an alert, most of them empty: an engine may leave those out.
fields_of_alerts = st.sampled_from(["delivery_id", "urls", "labels", "metadata", "priority_score", "reason"])
WHOLE: Fields = to_builtins(alert("a1", reason=Reason(kind="opened", sentence="", gap_seconds=0.0)))
whole_documents = st.builds(
    lambda changes, status: {**WHOLE, **changes, "status": status},
    st.dictionaries(fields_of_alerts, deep_values, max_size=2),
    statuses,
)
documents = loose_documents | loose_documents | whole_documents
columns = st.sampled_from(["status", "dedup_key", "id"])
inside = st.sampled_from(["reason.score", "reason.gap_seconds", "reason.config_version", "metadata.a"])
paths = st.one_of(
    names,
    names,
    columns,
    fields_of_alerts | inside,
    st.lists(names, min_size=2, max_size=3).map(".".join),
    st.just("status.a"),
)


def operators(operands: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[str, object]]:
    return st.one_of(
        st.tuples(st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), operands),
        st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(operands, max_size=4)),
        st.tuples(st.just("$exists"), st.booleans()),
    )


def fields(of: st.SearchStrategy[str], operands: st.SearchStrategy[object]) -> st.SearchStrategy[Fields]:
    asked = st.one_of(operands, st.lists(operators(operands), min_size=1, max_size=2).map(dict))
    return st.dictionaries(of, asked, min_size=1, max_size=1)


def conditions() -> st.SearchStrategy[Fields]:
    one = fields(paths, scalars) | fields(columns, statuses | st.sampled_from(["k1", "k2", "1"]))
    several = st.builds(
        lambda word, parts: {word: parts}, st.sampled_from(["$and", "$or"]), st.lists(one, min_size=1, max_size=3)
    )
    beside = st.builds(lambda first, second: {**first, **second}, one, one | several)
    nested = st.builds(
        lambda word, parts: {word: parts}, st.sampled_from(["$and", "$or"]), st.lists(several, min_size=1, max_size=2)
    )
    return st.one_of(st.just({}), one, one, several, beside, nested)


sorts = st.lists(st.tuples(paths, st.sampled_from([1, -1])), max_size=3, unique_by=lambda step: step[0])
updates = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["$set", "$push"]), paths, values),
        st.tuples(st.sampled_from(["$addToSet", "$max", "$min"]), paths, scalars),
        st.tuples(st.just("$inc"), paths, numbers),
        st.tuples(st.just("$unset"), paths, st.just("")),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def do(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Do[object]]:
    """Runs something on one storage in one event loop, example after example."""
    with asyncio.Runner() as runner:
        engine = ENGINES[request.param](request, tmp_path_factory.mktemp("query"))
        storage = runner.run(engine.open())

        async def on_storage(act: Callable[[Storage], Awaitable[object]]) -> object:
            return await act(storage)

        yield lambda act: runner.run(on_storage(act))
        runner.run(engine.close())


async def filled(storage: Storage, drawn: list[Fields]) -> list[Fields]:
    stored = [{**fields, "company_id": "acme", "id": f"{at}"} for at, fields in enumerate(drawn)]
    await storage.delete_many("alerts", {})
    await storage.insert_many("alerts", stored)
    return stored


@settings(max_examples=EXAMPLES)
@given(st.lists(documents, min_size=1, max_size=5), st.lists(st.tuples(conditions(), sorts), min_size=1, max_size=6))
def test_finds_what_the_reference_finds_in_its_order(
    do: Do[None], drawn: list[Fields], asked: list[tuple[Fields, list[tuple[str, int]]]]
) -> None:
    async def act(storage: Storage) -> None:
        stored = await filled(storage, drawn)
        for query, sort in asked:
            meant = [each for each in stored if matches(each, parse_query(query))]
            ordered = sort_documents(meant, parse_sort(sort), BY_KEY)
            assert exact(await storage.find("alerts", query, sort=sort)) == exact(ordered)
            assert await storage.count_documents("alerts", query) == len(meant)
            # With its partition an engine may go by an index.
            within = {"$and": [query, {"company_id": "acme"}]} if query else {"company_id": "acme"}
            assert exact(await storage.find("alerts", within, sort=sort)) == exact(ordered)
            assert exact(await storage.find("alerts", within, sort=sort, limit=2)) == exact(ordered[:2])
            assert await storage.count_documents("alerts", within) == len(meant)
            assert await storage.find("alerts", query, sort=sort, limit=1) == ordered[:1]

    do(act)


KINDS: list[object] = [
    LEFT_OUT, None, True, False, 0, 1, 1.0, 1.5, -2, "", "1", "a", "b", [], [1], ["a", None], [[1]], [True, {"w": 1}],
    {}, {"w": 1}, {"w": None}, {"w": "a"}, {"w": [1, "a"]}, {"w": []}, [{"w": 1}, {"w": "b"}], [{"w": 1}, {}], [{}, 1],
    {"w": {"x": 1}}, {"w": [{"x": 1}, {}]}, [{"w": [{"x": "a"}]}, {"w": {"x": None}}],
]  # fmt: skip
OPERANDS: list[object] = [None, True, False, 0, 1, 1.5, -2, "", "1", "a", "b", "resolved", "active"]


def every_query() -> Iterator[Mapping[str, object]]:
    for path in ("v", "v.w", "v.w.x", 'odd"', "status"):
        for operand in OPERANDS:
            yield {path: operand}
            yield from ({path: {operator: operand}} for operator in ("$ne", "$gt", "$gte", "$lt", "$lte"))
            yield from ({path: {operator: [operand, 1, "b"]}} for operator in ("$in", "$nin"))
            yield {path: {"$in": [operand]}}
        yield from ({path: {"$exists": there}} for there in (True, False))


def test_every_operator_means_the_same_on_every_kind_of_value(do: Do[None]) -> None:
    """All of a small world, beside random samples of the large one."""
    drawn: list[Fields] = [{} if kind == LEFT_OUT else {"v": kind, 'odd"': kind} for kind in KINDS]
    drawn += [{"status": status} for status in ("active", "acknowledged", "resolved", None)]

    async def act(storage: Storage) -> None:
        stored = await filled(storage, drawn)
        for query in every_query():
            tree = parse_query(query)
            meant = [each for each in stored if matches(each, tree)]
            found = await storage.find("alerts", query)
            assert {str(each["id"]) for each in found} == {str(each["id"]) for each in meant}, query
        for path in ("v", "v.w", "v.w.x", 'odd"', "status"):
            for way in (1, -1):
                ordered = sort_documents(stored, parse_sort([(path, way)]), BY_KEY)
                assert await storage.find("alerts", {}, sort=[(path, way)]) == ordered, (path, way)

    do(act)


@settings(max_examples=EXAMPLES)
@given(st.lists(documents, min_size=1, max_size=4), conditions(), updates)
def test_updates_what_the_reference_updates(
    do: Do[None], drawn: list[Fields], query: Fields, drawn_update: list[tuple[str, str, object]]
) -> None:
    update: dict[str, Fields] = {}
    for operator, path, operand in drawn_update:
        update.setdefault(operator, {})[path] = operand

    async def act(storage: Storage) -> None:
        stored = await filled(storage, drawn)
        tree = parse_query(query)
        try:
            edits = parse_update(update)
            meant = [apply_update(each, edits) if matches(each, tree) else each for each in stored]
        except Invalid:
            meant = None
        if meant is None or not all(map(_admitted, stored, meant)):
            with pytest.raises(Invalid):
                await storage.update_many("alerts", query, update)
            assert exact(await storage.find("alerts", {})) == exact(stored)
        else:
            matched = sum(matches(each, tree) for each in stored)
            assert await storage.update_many("alerts", query, update) == matched
            assert exact(await storage.find("alerts", {})) == exact(meant)

    do(act)


def _admitted(before: Fields, after: Fields) -> bool:
    """Whether the key is as it was, and the indexed fields are texts or nothing."""
    kept = all(after.get(name) == before[name] for name in ("company_id", "id"))
    return kept and all(isinstance(after.get(name), str | None) for name in ("status", "dedup_key"))


@settings(max_examples=100)
@given(documents, st.lists(paths, min_size=1, max_size=3, unique=True), st.booleans())
def test_a_projection_and_its_opposite_share_no_leaf(drawn: Fields, kept: list[str], keep: bool) -> None:
    try:
        inclusion = parse_projection(dict.fromkeys(kept, 1))
        exclusion = parse_projection(dict.fromkeys(kept, 0))
    except Invalid:
        return
    inside, outside = project(drawn, inclusion), project(drawn, exclusion)
    assert set(inside) | set(outside) == set(drawn)
    for path in kept:
        if "." not in path:
            assert path not in outside
            assert inside.get(path) == drawn.get(path)
