"""What is copied, what is not, and what is said of it."""

import pytest
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Change, Delete, Put
from alertwhisperer.domain.delivery import Receipt
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.metric import FoldCursor
from alertwhisperer.domain.scope import MSP
from alertwhisperer.domain.timer import Timer, timer
from alertwhisperer.schema import COLLECTIONS
from alertwhisperer.storage.transfer import Mover
from tests.storage.transfer.conftest import Move
from tests.support.documents import alert, asset


async def test_every_collection_arrives_and_a_later_copy_brings_what_is_new(move: Move) -> None:
    await move.fire(30)
    await move.mover.move(switch=False)
    await move.fire(5, "later")
    await move.office.counters.fold(move.office.scope(move.office.acme.id))
    again = await move.mover.move(switch=False)
    compared = await move.mover.verify()
    assert {each.collection.name for each in compared} == {each.name for each in COLLECTIONS}
    assert all(each.agrees for each in compared)
    counts = {each.collection.name: each.target.count for each in compared}
    assert counts["companies"] == 2
    assert counts["users"] == 5
    assert counts["alerts"] == 35
    assert counts["metrics"] > 0
    assert again.written < 100


async def test_a_document_that_was_deleted_meanwhile_is_deleted_there_too(move: Move) -> None:
    acme = move.office.scope(move.office.acme.id)
    seq, _ = await move.source.storage.head(acme.company_id)
    put = Change(writes=(Put("assets", asset("old", "db-01", acme.company_id)),))
    await move.source.storage.commit(acme, seq, put, commit_id="c1", at=move.office.clock.now())
    await move.mover.move(switch=False)
    # Another takes over its name, which is unique.
    swap = Change(
        writes=(
            Delete("assets", (acme.company_id, "old")),
            Put("assets", asset("new", "db-01", acme.company_id)),
        )
    )
    await move.source.storage.commit(acme, seq + 1, swap, commit_id="c2", at=move.office.clock.now())
    outcome = await move.mover.move(switch=False)
    assert not outcome.failures
    found = await move.target.storage.find("assets", {"company_id": acme.company_id, "name": "db-01"})
    assert [each["id"] for each in found] == ["new"]


async def test_names_may_be_exchanged_while_they_are_copied(local: Move) -> None:
    acme, storage = local.office.scope(local.office.acme.id), local.source.storage
    seq, _ = await storage.head(acme.company_id)
    two = Change(writes=tuple(Put("assets", asset(each, f"name-{each}", acme.company_id)) for each in ("a", "b")))
    await storage.commit(acme, seq, two, commit_id="c1", at=local.office.clock.now())
    await local.mover.move(switch=False)
    for number, (each, name) in enumerate((("a", "spare"), ("b", "name-a"), ("a", "name-b"))):
        write = Change(writes=(Put("assets", asset(each, name, acme.company_id)),))
        at = local.office.clock.now()
        await storage.commit(acme, seq + 1 + number, write, commit_id=f"swap{number}", at=at)
    outcome = await local.mover.move(switch=True)
    assert not outcome.failures


async def test_a_bad_document_is_reported_and_the_others_go_on(move: Move) -> None:
    acme = move.office.acme.id
    await move.fire(3)
    await move.source.storage.insert_many(
        "assets",
        [
            {"company_id": acme, "id": "by hand", "name": "n1", "colour": "green"},
            {"company_id": acme, "id": "of a kind", "name": "n2", "tags": "not a list"},
        ],
    )
    outcome = await move.mover.move(switch=False)
    assert sorted(each.key for each in outcome.failures) == [(acme, "by hand"), (acme, "of a kind")]
    assert {each.collection for each in outcome.failures} == {"assets"}
    whys = sorted(each.why for each in outcome.failures)
    assert "colour" in whys[1]
    assert await move.target.storage.count(Alert, {"company_id": acme}) == 3

    with pytest.raises(Conflict, match="2 documents cannot be carried over"):
        await move.mover.move(switch=True)
    await move.office.fire(move.office.acme, "writers were not stopped for it")
    await move.source.storage.delete_many("assets", {"company_id": acme, "id": {"$in": ["by hand", "of a kind"]}})
    assert not (await move.mover.move(switch=True)).failures


async def test_a_field_that_no_version_needs_any_more_stays_behind(local: Move) -> None:
    await local.fire(1)
    query = {"company_id": local.office.acme.id}
    assert await local.source.storage.update_many("incidents", query, {"$set": {"key_fields": {"asset": "db-01"}}}) == 1
    (read,) = await local.source.storage.select(Incident, query)
    assert read.reason.fields
    assert not (await local.mover.move(switch=False)).failures
    (copied,) = await local.target.storage.find("incidents", query)
    assert "key_fields" not in copied
    assert all(each.agrees for each in await local.mover.verify())


async def test_who_has_claimed_a_timer_stays_behind(local: Move) -> None:
    acme, now = local.office.acme.id, local.office.clock.now()
    claimed = replace(timer("incident.wake", acme, "i1", now), lease_token="t", lease_until=plus(now, 30))
    await local.source.storage.store([Put("timers", claimed)])
    await local.mover.move(switch=False)
    found = await local.target.storage.get(Timer, (claimed.shard, claimed.id))
    assert found == replace(claimed, lease_token=None, lease_until=None)
    assert all(each.agrees for each in await local.mover.verify())


async def test_tickets_and_what_the_move_itself_keeps_stay_behind(local: Move) -> None:
    spent = Receipt(company_id=MSP, id="ticket#1", received_at=local.office.clock.now(), status=204, answer="")
    await local.source.storage.store([Put("receipts", spent)])
    await local.mover.move(switch=False)
    assert await local.target.storage.find("receipts", {"company_id": MSP, "id": "ticket#1"}) == []
    assert await local.target.storage.find("snapshots", {"company_id": MSP, "id": "hold"}) == []
    assert all(each.agrees for each in await local.mover.verify())


async def test_counters_keep_their_cursor(local: Move) -> None:
    acme = local.office.acme.id
    await local.fire(3)
    folded = await local.office.counters.fold(local.office.scope(acme))
    await local.mover.move(switch=False)
    cursor = await local.target.storage.get(FoldCursor, (acme, "cursor"))
    assert cursor is not None
    assert cursor.last_seq == folded


async def test_a_target_with_something_in_it_is_refused(local: Move) -> None:
    await local.office_on(local.target.storage).open()
    with pytest.raises(Conflict, match="not empty"):
        await local.mover.move(switch=False)


async def test_a_target_that_was_written_to_since_is_refused(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=False)
    moved = local.office_on(local.target.storage)
    await moved.fire(moved.acme, "served from the copy")
    with pytest.raises(Conflict, match="written to since"):
        await local.mover.move(switch=False)
    await moved.close()


async def test_a_copy_of_another_database_is_refused(local: Move) -> None:
    await local.mover.move(switch=False)
    other = Mover(replace(local.source, name="a third"), local.target, local.means)
    with pytest.raises(Conflict, match="is a copy of old, not of a third"):
        await other.move(switch=False)


async def test_records_that_expired_before_they_were_followed_end_the_move(local: Move) -> None:
    acme = local.office.acme.id
    await local.fire(1)
    await local.mover.move(switch=False)
    await local.fire(3, "unseen")
    seq, _ = await local.source.storage.head(acme)
    await local.source.storage.delete_many("events", {"company_id": acme, "seq": {"$lt": seq}})
    with pytest.raises(Conflict, match=r"no longer has record \d+: its retention has passed"):
        await local.mover.move(switch=True)
    await local.office.fire(local.office.acme, "nobody was fenced")


async def test_documents_of_a_company_nobody_knows_are_told(local: Move) -> None:
    await local.source.storage.store([Put("alerts", alert("a1", "nobody"))])
    await local.mover.move(switch=False)
    found = {each.collection.name: each for each in await local.mover.verify()}
    assert found["alerts"].strays == 1
    assert not found["alerts"].agrees


async def test_one_collection_is_copied_over_what_is_there(local: Move) -> None:
    acme = local.office.acme.id
    await local.fire(3)
    await local.mover.move(switch=False)
    await local.target.storage.update_many("alerts", {"company_id": acme}, {"$set": {"message": "spoilt"}})
    assert not all(each.agrees for each in await local.mover.verify())
    outcome = await local.mover.copy_collection("alerts")
    assert outcome.written == 3
    assert all(each.agrees for each in await local.mover.verify())
