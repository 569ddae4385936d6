"""A move may be broken off anywhere, by kill -9 too, and goes on from where it was."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from msgspec import json

import alertwhisperer
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import Conflict, OutcomeUnknown, Unavailable
from alertwhisperer.storage import get_database_adapter
from alertwhisperer.storage.transfer_fence import fence_of
from alertwhisperer.storage.transfer_patience import patiently
from alertwhisperer.storage.transfer_state import transfer_of
from tests.storage.transfer.conftest import Move
from tests.support.cast import ACME
from tests.support.documents import alert, asset
from tests.support.processes import OwnedProcess

MANY = 20_000


class Interrupted(Exception):
    pass


async def test_a_copy_goes_on_behind_what_was_copied(move: Move) -> None:
    acme = move.office.acme.id
    for start in range(0, 1_500, 20):
        await move.source.storage.store(
            [Put("alerts", alert(f"a{number:04d}", acme)) for number in range(start, start + 20)]
        )

    def interrupt(copied: int) -> None:
        move.office.clock.advance(2)
        if copied > 1_000:
            raise Interrupted

    move.onlooker.on_advance = interrupt
    with pytest.raises(Interrupted):
        await move.mover.move(switch=False)
    state = await transfer_of(move.target.storage)
    assert state is not None
    assert state.stage == "copying"
    assert state.place is not None

    move.onlooker.on_advance = lambda _: None
    outcome = await move.mover.move(switch=True)
    assert outcome.written < 1_500
    assert all(each.agrees for each in outcome.comparisons)
    assert await move.target.storage.count(Alert, {"company_id": acme}) == 1_500


async def test_a_failure_is_remembered_over_a_resumption(local: Move) -> None:
    bad = {"company_id": local.office.acme.id, "id": "x", "name": "n", "colour": "green"}
    await local.source.storage.insert_one("assets", bad)
    first = await local.mover.move(switch=False)
    assert [each.key for each in (await local.mover.move(switch=False)).failures] == [
        each.key for each in first.failures
    ]


async def test_of_two_commands_at_one_move_the_later_one_goes_on(local: Move) -> None:
    await local.fire(3)
    later = local.mover

    def pause(_: int) -> None:
        local.office.clock.advance(2)
        local.onlooker.on_advance = lambda _: None
        earlier_waits.set()

    earlier_waits = asyncio.Event()
    local.onlooker.on_advance = pause
    earlier = asyncio.create_task(local.mover.move(switch=True))
    await earlier_waits.wait()
    await later.move(switch=False)
    with pytest.raises(Conflict, match="another command has gone on"):
        await earlier
    assert await fence_of(local.source.storage) is None
    assert (await later.move(switch=True)).stage == "switched"


async def test_who_does_not_answer_for_a_moment_is_asked_again() -> None:
    answers: list[int | Unavailable] = [OutcomeUnknown("lost"), Unavailable("away"), 7]

    async def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await patiently(ask) == 7


@pytest.mark.real
async def test_a_copy_that_is_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    source = get_database_adapter("sqlite", path=tmp_path / "source.db")
    await source.open()
    await source.store([Put("assets", asset("a", "db-01"))])
    for start in range(0, MANY, 1_000):
        await source.store([Put("alerts", alert(f"a{number:06d}")) for number in range(start, start + 1_000)])
    await source.insert_one("companies", company())
    command = [sys.executable, "-m", "alertwhisperer.cli.main", "db", "migrate", "--json"]
    urls = ["--from", f"sqlite:///{tmp_path}/source.db", "--to", f"sqlite:///{tmp_path}/target.db"]
    environment = {**os.environ, "PYTHONPATH": str(Path(alertwhisperer.__file__).parent.parent)}
    process = OwnedProcess([*command, *urls], tmp_path, "migrate", environment)
    process.start()
    target = get_database_adapter("sqlite", path=tmp_path / "target.db")
    process.wait_until((tmp_path / "target.db").exists, seconds=20)
    async with asyncio.timeout(20):
        while not await target.find("alerts", {"company_id": ACME}, {"id": 1}, limit=1):
            await asyncio.sleep(0.001)
    process.kill()
    partly = await target.count(Alert, {"company_id": ACME})
    assert 0 < partly < MANY

    process.start()
    process.wait_until(lambda: b'"comparisons"' in process.log.read_bytes(), seconds=60)
    told = json.decode(process.log.read_bytes().splitlines()[-1])
    assert told["failures"] == []
    assert await target.count(Alert, {"company_id": ACME}) == MANY
    process.stop()
    await target.close()
    await source.close()


def company() -> dict[str, object]:
    return {
        "id": ACME,
        "name": "Acme",
        "api_key": "0" * 64,
        "api_key_encrypted": "k1:sealed",
        "created_at": "2026-11-21T12:00:00.000000Z",
    }
