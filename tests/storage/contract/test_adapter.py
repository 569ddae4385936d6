"""The public adapter's verbs."""

import pytest

from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.ports import Query, Storage


async def fill(storage: Storage, *documents: dict[str, object]) -> None:
    await storage.insert_many("alerts", [{"company_id": "acme", **document} for document in documents])


async def ids(storage: Storage, query: Query, **asked: object) -> list[object]:
    found = await storage.find("alerts", query, sort=asked.get("sort"), limit=asked.get("limit"))  # type: ignore[arg-type]  # as find takes them
    return [each["id"] for each in found]


async def test_a_document_is_found_as_it_was_inserted(storage: Storage) -> None:
    document = {"company_id": "acme", "id": "a1", "labels": {"team": "dba"}, "urls": ["x", 1, None], "free": {}}
    assert await storage.insert_one("alerts", document) == "a1"
    assert await storage.find_one("alerts", {"company_id": "acme", "id": "a1"}) == document


async def test_what_is_not_there_is_none(storage: Storage) -> None:
    assert await storage.find_one("alerts", {"id": "nobody"}) is None
    assert await storage.find("alerts", {"company_id": "acme"}) == []
    assert await storage.count_documents("alerts", {}) == 0


async def test_insert_answers_the_sort_part_of_the_key(storage: Storage) -> None:
    assert await storage.insert_one("company_configs", {"company_id": "acme", "config_type": "sla"}) == "sla"
    assert await storage.insert_one("events", {"company_id": "acme", "seq": 7}) == "7"


async def test_a_taken_key_conflicts(storage: Storage) -> None:
    await fill(storage, {"id": "a1", "n": 1})
    with pytest.raises(Conflict):
        await storage.insert_one("alerts", {"company_id": "acme", "id": "a1", "n": 2})
    assert await storage.find("alerts", {}) == [{"company_id": "acme", "id": "a1", "n": 1}]


async def test_one_id_may_live_in_two_companies(storage: Storage) -> None:
    await storage.insert_one("alerts", {"company_id": "acme", "id": "a1"})
    await storage.insert_one("alerts", {"company_id": "globex", "id": "a1"})
    assert await storage.count_documents("alerts", {"id": "a1"}) == 2


async def test_insert_many_is_all_or_none(storage: Storage) -> None:
    await fill(storage, {"id": "a2"})
    with pytest.raises(Conflict):
        await fill(storage, {"id": "a1"}, {"id": "a2"}, {"id": "a3"})
    assert await ids(storage, {}) == ["a2"]
    assert await storage.insert_many("alerts", []) == []


async def test_a_unique_field_is_unique(storage: Storage) -> None:
    await storage.insert_one("users", {"id": "u1", "email": "ada@acme.example"})
    with pytest.raises(Conflict):
        await storage.insert_one("users", {"id": "u2", "email": "ada@acme.example"})
    await storage.insert_many("users", [{"id": "u3", "email": None}, {"id": "u4"}])
    with pytest.raises(Conflict):
        await storage.update_one("users", {"id": "u3"}, {"$set": {"email": "ada@acme.example"}})
    assert await storage.count_documents("users", {"email": None}) == 2


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"id": "a1"}, "company_id"),
        ({"company_id": "acme"}, "id"),
        ({"company_id": "acme", "id": 7}, "id"),
        ({"company_id": "acme", "id": None}, "id"),
        ({"company_id": "acme", "id": "a1", "status": 3}, "status"),
        ({"company_id": "acme", "id": "a1", "dedup_key": ["x"]}, "dedup_key"),
    ],
)
async def test_keys_and_indexed_fields_must_be_texts(storage: Storage, document: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await storage.insert_one("alerts", document)
    assert refused.value.field == field


async def test_an_unknown_collection_is_invalid_for_every_verb(storage: Storage) -> None:
    for call in (
        storage.insert_one("nothing", {"id": "x"}),
        storage.insert_many("nothing", []),
        storage.find_one("nothing", {}),
        storage.find("nothing", {}),
        storage.update_one("nothing", {}, {"$set": {"a": 1}}),
        storage.update_many("nothing", {}, {"$set": {"a": 1}}),
        storage.delete_one("nothing", {}),
        storage.delete_many("nothing", {}),
        storage.count_documents("nothing", {}),
    ):
        with pytest.raises(Invalid, match="nothing"):
            await call


async def test_find_goes_by_key_unless_it_is_sorted(storage: Storage) -> None:
    await storage.insert_one("alerts", {"company_id": "globex", "id": "a0", "n": 0})
    await fill(storage, {"id": "a3", "n": 1}, {"id": "a1", "n": 2}, {"id": "a2", "n": 1})
    assert await ids(storage, {}) == ["a1", "a2", "a3", "a0"]
    assert await ids(storage, {}, sort=[("n", -1)]) == ["a1", "a2", "a3", "a0"]
    assert await ids(storage, {}, sort=[("n", 1), ("id", -1)]) == ["a0", "a3", "a2", "a1"]
    assert await ids(storage, {}, sort=[("n", 1)], limit=2) == ["a0", "a2"]
    found = await storage.find_one("alerts", {"company_id": "acme", "n": 1})
    assert found is not None
    assert found["id"] == "a2"


@pytest.mark.parametrize("limit", [0, -1, True])
async def test_a_limit_is_at_least_one(storage: Storage, limit: int) -> None:
    with pytest.raises(Invalid):
        await storage.find("alerts", {}, limit=limit)


async def test_update_one_takes_the_first_by_key(storage: Storage) -> None:
    await fill(storage, {"id": "a2"}, {"id": "a1"})
    assert await storage.update_one("alerts", {"company_id": "acme"}, {"$set": {"status": "resolved"}}) == 1
    assert await ids(storage, {"status": "resolved"}) == ["a1"]
    assert await storage.update_one("alerts", {"id": "nobody"}, {"$set": {"status": "resolved"}}) == 0


async def test_update_many_counts_what_matched_even_if_nothing_changed(storage: Storage) -> None:
    await fill(storage, {"id": "a1", "n": 1}, {"id": "a2", "n": 1}, {"id": "a3"})
    assert await storage.update_many("alerts", {"n": 1}, {"$set": {"n": 1}}) == 2


async def test_update_many_is_all_or_none(storage: Storage) -> None:
    await fill(storage, {"id": "a1", "n": 1}, {"id": "a2", "n": "text"})
    with pytest.raises(Invalid) as refused:
        await storage.update_many("alerts", {}, {"$inc": {"n": 1}})
    assert refused.value.field == "n"
    assert await ids(storage, {"n": 1}) == ["a1"]


async def test_a_key_cannot_change(storage: Storage) -> None:
    await fill(storage, {"id": "a1"})
    with pytest.raises(Invalid) as refused:
        await storage.update_one("alerts", {"id": "a1"}, {"$set": {"company_id": "globex"}})
    assert refused.value.field == "company_id"
    assert await storage.update_one("alerts", {"id": "a1"}, {"$set": {"company_id": "acme"}}) == 1


async def test_an_update_moves_its_document_in_the_indexes(storage: Storage) -> None:
    await fill(storage, {"id": "a1", "status": "active", "dedup_key": "k"})
    open_ones = {"company_id": "acme", "dedup_key": "k", "status": {"$ne": "resolved"}}
    assert await ids(storage, open_ones) == ["a1"]
    await storage.update_one("alerts", {"id": "a1"}, {"$set": {"status": "resolved"}})
    assert await ids(storage, open_ones) == []
    await storage.update_one("alerts", {"id": "a1"}, {"$unset": {"status": ""}})
    assert await ids(storage, open_ones) == ["a1"]


async def test_delete_one_takes_the_first_by_key_and_delete_many_all(storage: Storage) -> None:
    await fill(storage, {"id": "a3", "n": 1}, {"id": "a1", "n": 1}, {"id": "a2"})
    assert await storage.delete_one("alerts", {"n": 1}) == 1
    assert await ids(storage, {}) == ["a2", "a3"]
    assert await storage.delete_one("alerts", {"n": 2}) == 0
    assert await storage.delete_many("alerts", {"company_id": "acme"}) == 2
    assert await storage.delete_many("alerts", {}) == 0


async def test_projections_keep_or_leave_out(storage: Storage) -> None:
    await fill(storage, {"id": "a1", "n": 1, "labels": {"team": "dba", "tier": "1"}, "parts": [{"x": 1, "y": 2}, 3]})

    async def seen(projection: dict[str, int]) -> dict[str, object] | None:
        return await storage.find_one("alerts", {"id": "a1"}, projection)

    assert await seen({"id": 1, "n": 1, "absent": 1}) == {"id": "a1", "n": 1}
    assert await seen({"labels.team": 1, "parts.x": 1}) == {"labels": {"team": "dba"}, "parts": [{"x": 1}]}
    assert await seen({"company_id": 0, "id": 0, "labels.tier": 0, "parts.y": 0}) == {
        "n": 1,
        "labels": {"team": "dba"},
        "parts": [{"x": 1}, 3],
    }
    for wrong in ({"id": 1, "n": 0}, {"labels": 1, "labels.team": 1}, {"n": 2}):
        with pytest.raises(Invalid):
            await seen(wrong)


async def test_what_one_process_writes_another_reads(storage: Storage, other: Storage) -> None:
    await fill(storage, {"id": "a1", "n": 1})
    assert await other.update_one("alerts", {"id": "a1"}, {"$inc": {"n": 1}}) == 1
    assert await storage.find_one("alerts", {"id": "a1"}, {"n": 1}) == {"n": 2}
