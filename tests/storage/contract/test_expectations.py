"""What a write expects of the document that is there."""

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Delete, Put
from alertwhisperer.domain.errors import Stale
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.reason import Reason
from alertwhisperer.ports import Storage
from tests.support.cast import ACME
from tests.support.documents import LATER, NOON, alert, scope

BY_HAND = Reason(kind="manual", sentence="")


async def commit(storage: Storage, base_seq: int, *writes: Put | Delete) -> Record:
    return await storage.commit(scope(), base_seq, Change(writes=writes), commit_id=f"c{base_seq}", at=NOON)


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        ({"occurrences": 1}, True),
        ({"occurrences": 2}, False),
        ({"status": "active", "resolved_at": None}, True),
        ({"status": "active", "resolved_at": NOON}, False),
        ({"labels": {"team": "dba"}}, True),
        ({"labels": {"team": "web"}}, False),
        ({"no_such_field": None}, True),
        ({"no_such_field": 1}, False),
        ({"delivery_id": "", "priority_score": 0, "urls": [], "metadata": {}}, True),
        ({"delivery_id": None}, False),
        ({"delivery_id": "d1"}, False),
        ({"urls": None}, False),
        ({"urls": ["x"]}, False),
        ({"labels": {}}, False),
        ({"received_at": NOON, "last_received_at": NOON}, True),
        ({"last_received_at": LATER}, False),
        ({"last_received_at": None}, False),
        ({"reason": None}, False),
        ({"reason": BY_HAND}, True),
        ({"reason": {"kind": "manual", "sentence": "", "score": 1.0}}, False),
    ],
    ids=repr,
)
async def test_an_expectation_is_about_the_document_as_stored(
    storage: Storage, expect: dict[str, object], *, holds: bool
) -> None:
    await commit(storage, 0, Put("alerts", alert("a1", labels={"team": "dba"}, reason=BY_HAND)))
    change = (Put("alerts", alert("a1", occurrences=7), expect), Put("alerts", alert("a2")))
    if holds:
        await commit(storage, 1, *change)
    else:
        with pytest.raises(Stale):
            await commit(storage, 1, *change)
    assert await storage.count(Alert, {"occurrences": 7}) == int(holds)
    assert await storage.count(Alert, {"id": "a2"}) == int(holds)


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        ({"delivery_id": ""}, False),
        ({"urls": []}, False),
        ({"priority_score": 0}, False),
        ({"delivery_id": None, "urls": None, "resolved_at": None}, True),
    ],
    ids=repr,
)
async def test_a_field_that_was_never_written_is_not_empty(
    storage: Storage, expect: dict[str, object], *, holds: bool
) -> None:
    await storage.insert_one("alerts", {"company_id": ACME, "id": "a1"})
    if holds:
        await commit(storage, 0, Put("alerts", alert("a1"), expect))
    else:
        with pytest.raises(Stale):
            await commit(storage, 0, Put("alerts", alert("a1"), expect))


async def test_expecting_something_of_what_is_not_there_is_stale(storage: Storage) -> None:
    with pytest.raises(Stale):
        await commit(storage, 0, Put("alerts", alert("a1"), {"status": "active"}))
    with pytest.raises(Stale):
        await commit(storage, 0, Delete("alerts", (ACME, "a1"), {"status": "active"}))
    await commit(storage, 0, Delete("alerts", (ACME, "a1"), ABSENT), Put("alerts", alert("a2")))
    with pytest.raises(Stale):
        await commit(storage, 1, Delete("alerts", (ACME, "a2"), ABSENT))


async def test_a_conditional_delete_deletes_what_it_expected(storage: Storage) -> None:
    await commit(storage, 0, Put("alerts", alert("a1")))
    with pytest.raises(Stale):
        await commit(storage, 1, Delete("alerts", (ACME, "a1"), {"status": "resolved"}))
    await commit(storage, 1, Delete("alerts", (ACME, "a1"), {"status": "active"}))
    assert await storage.get(Alert, (ACME, "a1")) is None
