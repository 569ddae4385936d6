"""The audit chain can be followed, its oldest part can go, and what was tampered with is found."""

import pytest
from msgspec.structs import replace

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain import audit as chain
from alertwhisperer.domain.audit import GENESIS, AuditEntry
from alertwhisperer.domain.change import Delete
from alertwhisperer.domain.errors import Forbidden, Stale
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine.audit import ANCHOR_ID, Audit
from alertwhisperer.ports import Storage
from tests.support.cast import ADA, CARL, RIO, VIC
from tests.support.logbook import Logbook, put

KEY = b"k" * 32
START = "2026-01-05T09:00:00.000000Z"
ACME = Scope("acme", SYSTEM)


@pytest.fixture
def audit(storage: Storage) -> Audit:
    return Audit(storage, VirtualClock(plus(START, 500 * 86_400)), KEY)


async def written(storage: Storage, days: int, ids: list[str] | None = None) -> list[AuditEntry]:
    """One entry a day, each committed with the chain's head, as the runner does."""
    book, source = Logbook(storage, SystemIds()), SystemIds()
    made: list[AuditEntry] = []
    for day in range(days):
        at = plus(START, day * 86_400)
        previous = made[-1].hash if made else GENESIS
        entry_id = ids[day] if ids else source.new_id()
        linked = chain.link(chain.entry("acme", entry_id, at, ADA, "company.updated", {"day": day}), previous, KEY)
        await book.write(at, writes=[put("audit_logs", linked)], audit_head=linked.hash)
        made.append(linked)
    return made


async def test_an_untouched_chain_holds_up_to_the_head_of_the_log(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 5)
    result = await audit.verify(ACME)

    assert (result.ok, result.checked, result.head) == (True, 5, entries[-1].hash)


async def test_a_company_without_entries_has_a_chain_that_holds(audit: Audit) -> None:
    assert (await audit.verify(ACME)).ok


async def test_a_changed_entry_is_found(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 5)
    await storage.store([put("audit_logs", replace(entries[2], user_name="Nobody"))])
    result = await audit.verify(ACME)

    assert (result.ok, result.first_bad) == (False, entries[2].id)


async def test_an_entry_taken_out_of_the_middle_is_found(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 5)
    await storage.store([Delete("audit_logs", ("acme", entries[2].id))])
    result = await audit.verify(ACME)

    assert (result.ok, result.checked, result.first_bad) == (False, 2, entries[3].id)


async def test_entries_cut_off_at_the_end_are_missed_by_the_log(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 5)
    await storage.store([Delete("audit_logs", ("acme", entries[4].id))])
    result = await audit.verify(ACME)

    assert (result.ok, result.first_bad) == (False, "head")


async def test_ids_of_two_processes_may_stand_out_of_order(storage: Storage, audit: Audit) -> None:
    source = SystemIds()
    ids = [source.new_id() for _ in range(6)]
    await written(storage, 6, [ids[1], ids[0], ids[2], ids[5], ids[3], ids[4]])

    assert (await audit.verify(ACME)).ok


@pytest.mark.slow_on("dynamodb")
async def test_a_chain_longer_than_a_page_is_followed_whole(storage: Storage, audit: Audit) -> None:
    await written(storage, 600)
    assert (await audit.verify(ACME)).checked == 600


async def test_what_is_forgotten_leaves_an_anchor_from_which_the_rest_holds(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 10)
    gone = await audit.forget(ACME, before=plus(START, 4 * 86_400))
    left = await storage.select(AuditEntry, {"company_id": "acme"}, sort=[("id", 1)])

    assert gone == 4
    assert [each.id for each in left] == [ANCHOR_ID, *(each.id for each in entries[4:])]
    assert left[0].details["hash"] == entries[3].hash
    assert ((await audit.verify(ACME)).ok, (await audit.verify(ACME)).checked) == (True, 6)


async def test_forgetting_goes_on_in_batches_and_remembers_how_much_went(storage: Storage, audit: Audit) -> None:
    await written(storage, 10)
    while await audit.forget(ACME, before=plus(START, 8 * 86_400), at_most=3):
        assert (await audit.verify(ACME)).ok
    anchor = await storage.get(AuditEntry, ("acme", ANCHOR_ID))

    assert anchor is not None
    assert anchor.details["removed"] == 8


async def test_all_may_be_forgotten_and_the_chain_goes_on(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 3)
    assert await audit.forget(ACME, before=plus(START, 99 * 86_400)) == 3
    assert (await audit.verify(ACME)).ok
    unlinked = chain.entry("acme", SystemIds().new_id(), START, ADA, "company.updated", {})
    linked = chain.link(unlinked, entries[-1].hash, KEY)
    book = Logbook(storage, SystemIds())
    await book.write(START, writes=[put("audit_logs", linked)], audit_head=linked.hash)

    assert (await audit.verify(ACME)).ok


async def test_an_anchor_that_we_did_not_sign_is_found(storage: Storage, audit: Audit) -> None:
    await written(storage, 5)
    await audit.forget(ACME, before=plus(START, 2 * 86_400))
    anchor = await storage.get(AuditEntry, ("acme", ANCHOR_ID))
    assert anchor is not None
    forged = chain.link(replace(anchor, details={**anchor.details, "hash": "f" * 64}), GENESIS, b"x" * 32)
    await storage.store([put("audit_logs", forged)])

    assert (await audit.verify(ACME)).first_bad == ANCHOR_ID


async def test_of_two_sweeps_at_once_one_gives_way(storage: Storage, audit: Audit) -> None:
    entries = await written(storage, 5)
    late = audit._behind_anchor("acme", None, entries[:3])
    await audit.forget(ACME, before=plus(START, 2 * 86_400))

    with pytest.raises(Stale):
        await storage.store(late)
    assert (await audit.verify(ACME)).ok


async def test_only_who_runs_a_company_reads_its_audit(audit: Audit) -> None:
    for actor in (ADA, CARL):
        assert await audit.entries(Scope("acme", actor)) == []
    for actor in (RIO, VIC):
        with pytest.raises(Forbidden):
            await audit.entries(Scope("acme", actor))
    with pytest.raises(Forbidden):
        await audit.forget(Scope("acme", ADA), before=START)
