"""The query and update language by example, as MongoDB's manual has it. (Random ones: test_query_language.py.)"""

import pytest

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Storage
from tests.support.exact import exact

Fields = dict[str, object]

DOCUMENTS: dict[str, Fields] = {
    "absent": {},
    "null": {"v": None},
    "zero": {"v": 0},
    "one": {"v": 1},
    "float": {"v": 1.0},
    "half": {"v": 0.5},
    "true": {"v": True},
    "text": {"v": "1"},
    "word": {"v": "b"},
    "empty list": {"v": []},
    "list": {"v": [1, "b", None]},
    "nested list": {"v": [[1]]},
    "object": {"v": {"w": 1}},
    "object of null": {"v": {"w": None}},
    "list of objects": {"v": [{"w": 1}, {"w": 2}, {}, 3]},
    "object of list": {"v": {"w": [1, 2]}},
}


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    await storage.insert_many(
        "alerts", [{"company_id": "acme", "id": name, **fields} for name, fields in DOCUMENTS.items()]
    )
    return storage


async def found(storage: Storage, query: Fields) -> set[object]:
    return {each["id"] for each in await storage.find("alerts", query)}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"v": 1}, {"one", "float", "list"}),
        ({"v": {"$eq": 1.0}}, {"one", "float", "list"}),
        ({"v": True}, {"true"}),
        ({"v": "1"}, {"text"}),
        ({"v": None}, {"absent", "null", "list"}),
        ({"v": {"$gt": 0}}, {"one", "float", "half", "list", "list of objects"}),
        ({"v": {"$gte": 0, "$lt": 1}}, {"zero", "half"}),
        ({"v": {"$gt": "1"}}, {"word", "list"}),
        ({"v": {"$lte": None}}, {"absent", "null", "list"}),
        ({"v": {"$gt": None}}, set()),
        ({"v": {"$gte": False}}, {"true"}),
        ({"v": {"$in": [0, "b"]}}, {"zero", "word", "list"}),
        ({"v": {"$in": []}}, set()),
        ({"v": {"$in": [None, True]}}, {"absent", "null", "list", "true"}),
        ({"v": {"$ne": 1}}, set(DOCUMENTS) - {"one", "float", "list"}),
        ({"v": {"$nin": [1, None]}}, set(DOCUMENTS) - {"one", "float", "list", "absent", "null"}),
        ({"v": {"$nin": []}}, set(DOCUMENTS)),
        ({"v": {"$exists": False}}, {"absent"}),
        ({"v": {"$exists": True}, "id": "null"}, {"null"}),
        ({"v.w": 1}, {"object", "list of objects", "object of list"}),
        ({"v.w": {"$gt": 1}}, {"list of objects", "object of list"}),
        ({"v.w": {"$exists": True}}, {"object", "object of null", "list of objects", "object of list"}),
        # a list of scalars has nothing at v.w, not even something missing; a scalar has
        (
            {"v.w": None},
            set(DOCUMENTS) - {"object", "object of list", "empty list", "list", "nested list"},
        ),
        ({"$or": [{"v": "b"}, {"v": 0}]}, {"word", "zero", "list"}),
        ({"$and": [{"v": 1}, {"v": "b"}]}, {"list"}),
        ({"$or": [{"$and": [{"v": 1}, {"id": "one"}]}, {"id": {"$in": ["text"]}}]}, {"one", "text"}),
        ({"id": {"$gte": "t", "$lt": "u"}}, {"text", "true"}),
        ({"id": 5}, set()),
        ({}, set(DOCUMENTS)),
    ],
    ids=repr,
)
async def test_query(filled: Storage, query: Fields, names: set[object]) -> None:
    assert await found(filled, query) == names
    assert await filled.count_documents("alerts", query) == len(names)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"$where": "1"}, "$where"),
        ({"$nor": [{"v": 1}]}, "$nor"),
        ({"v": {"$regex": "x"}}, "v"),
        ({"v": {"$not": {"$gt": 1}}}, "v"),
        ({"v": {"w": 1}}, "v"),
        ({"v": {}}, "v"),
        ({"v": {"$gt": 1, "w": 2}}, "v"),
        ({"v": [1]}, "v"),
        ({"v": {"$in": 1}}, "v"),
        ({"v": {"$in": [[1]]}}, "v"),
        ({"v": {"$exists": 1}}, "v"),
        ({"v": float("nan")}, "v"),
        ({"v": 2**63}, "v"),
        ({"$and": []}, "$and"),
        ({"$or": {"v": 1}}, "$or"),
        ({"v..w": 1}, "v..w"),
        ({"v.0": 1}, "v.0"),
        ({"v.$": 1}, "v"),
        ({"": 1}, None),
    ],
    ids=repr,
)
async def test_a_query_outside_the_language_is_invalid(storage: Storage, query: Fields, field: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        await storage.find("alerts", query)
    assert refused.value.field is not None or field is None
    for call in (storage.count_documents("alerts", query), storage.delete_many("alerts", query)):
        with pytest.raises(Invalid):
            await call


async def test_a_query_nested_without_end_is_invalid(storage: Storage) -> None:
    query: Fields = {"v": 1}
    for _ in range(500):
        query = {"$and": [query]}
    with pytest.raises(Invalid):
        await storage.find("alerts", query)


async def test_a_long_list_of_operands_is_answered(filled: Storage) -> None:
    assert await found(filled, {"id": {"$in": ["one", *(f"x{n}" for n in range(50_000))]}}) == {"one"}


async def test_types_sort_in_mongodb_order(storage: Storage) -> None:
    inserted: list[tuple[str, object]] = [
        ("true", True),
        ("false", False),
        ("list high", [9, "z"]),
        ("object", {"w": 1}),
        ("b", "b"),
        ("B", "B"),
        ("é", "é"),
        ("two", 2),
        ("one and a half", 1.5),
        ("null", None),
        ("empty", []),
    ]
    documents = [{"company_id": "acme", "id": name, "v": value} for name, value in inserted]
    await storage.insert_many("alerts", [*documents, {"company_id": "acme", "id": "absent"}])
    rising = ["empty", "absent", "null", "one and a half", "two", "list high", "B", "b", "é", "object", "false", "true"]
    assert [each["id"] for each in await storage.find("alerts", {}, sort=[("v", 1)])] == rising
    falling = [
        "true",
        "false",
        "object",
        "é",
        "list high",
        "b",
        "B",
        "two",
        "one and a half",
        "absent",
        "null",
        "empty",
    ]
    assert [each["id"] for each in await storage.find("alerts", {}, sort=[("v", -1)])] == falling


@pytest.mark.parametrize("sort", [[("v", 2)], [("$v", 1)], [("v", 1), ("v", -1)], [("", 1)]], ids=repr)
async def test_a_sort_outside_the_language_is_invalid(storage: Storage, sort: list[tuple[str, int]]) -> None:
    with pytest.raises(Invalid):
        await storage.find("alerts", {}, sort=sort)


@pytest.mark.parametrize(
    ("before", "update", "after"),
    [
        ({}, {"$set": {"a": 1, "b.c": [2]}}, {"a": 1, "b": {"c": [2]}}),
        ({"b": {"d": 1}}, {"$set": {"b.c": None}}, {"b": {"d": 1, "c": None}}),
        ({"a": 1, "b": {"c": 1, "d": 2}}, {"$unset": {"a": "", "b.c": "", "x.y": ""}}, {"b": {"d": 2}}),
        ({"a": [{"b": 1}]}, {"$unset": {"a.b": ""}}, {"a": [{"b": 1}]}),
        ({"a": 1}, {"$inc": {"a": 2, "b": -1, "c.d": 0.5}}, {"a": 3, "b": -1, "c": {"d": 0.5}}),
        ({"a": 1}, {"$inc": {"a": 0.5}}, {"a": 1.5}),
        ({"a": [1]}, {"$push": {"a": [2], "b": 1}}, {"a": [1, [2]], "b": [1]}),
        ({"a": [1, True]}, {"$addToSet": {"a": 1.0, "b": "x"}}, {"a": [1, True], "b": ["x"]}),
        ({"a": [True]}, {"$addToSet": {"a": 1}}, {"a": [True, 1]}),
        ({"a": 3, "b": 3, "c": None}, {"$max": {"a": 5, "b": 2, "c": 0, "d": 1}}, {"a": 5, "b": 3, "c": 0, "d": 1}),
        (
            {"a": 3, "b": 3, "c": None},
            {"$min": {"a": 5, "b": 2, "c": 0, "d": "x"}},
            {"a": 3, "b": 2, "c": None, "d": "x"},
        ),
        ({"a": "x"}, {"$max": {"a": 9}}, {"a": "x"}),
        (
            {"n": 1, "t": ["x"]},
            {"$inc": {"n": 1}, "$push": {"t": "y"}, "$set": {"s": "z"}},
            {"n": 2, "t": ["x", "y"], "s": "z"},
        ),
    ],
    ids=repr,
)
async def test_update(storage: Storage, before: Fields, update: Fields, after: Fields) -> None:
    key: Fields = {"company_id": "acme", "id": "a1"}
    await storage.insert_one("alerts", {**before, **key})
    assert await storage.update_one("alerts", key, update) == 1
    stored = await storage.find_one("alerts", key)
    assert stored is not None
    assert exact(stored) == exact({**after, **key})


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"a": 1},
        {"$rename": {"a": "b"}},
        {"$set": {}},
        {"$set": 1},
        {"$set": {"a": 1}, "$inc": {"a": 1}},
        {"$set": {"o": 1, "o.c": 1}},
        {"$set": {"n.c": 1}},
        {"$set": {"nothing.c": 1}},
        {"$set": {"l.c": 1}},
        {"$set": {"l.0": 1}},
        {"$set": {"a.$": 1}},
        {"$set": {"a": {"x.y": 1}}},
        {"$inc": {"t": 1}},
        {"$inc": {"nothing": 1}},
        {"$inc": {"a": "1"}},
        {"$inc": {"a": True}},
        {"$push": {"n": 1}},
        {"$push": {"l": {"$each": [1]}}},
        {"$addToSet": {"t": 1}},
        {"$addToSet": {"l": {"x": 1}}},
        {"$max": {"n": [1]}},
    ],
    ids=repr,
)
async def test_an_update_outside_the_language_changes_nothing(storage: Storage, update: Fields) -> None:
    document = {"company_id": "acme", "id": "a1", "n": 1, "t": "x", "l": [1], "o": {"c": 1}, "nothing": None}
    await storage.insert_one("alerts", document)
    with pytest.raises(Invalid):
        await storage.update_many("alerts", {}, update)
    assert await storage.find("alerts", {}) == [document]
