"""Rounds outlive what one turn of them meets."""

import asyncio

import pytest
from structlog.testing import capture_logs

from alertwhisperer.domain.errors import Unavailable
from alertwhisperer.engine.rounds import Round, Rounds
from tests.support.virtual_loop import run_virtually


@pytest.mark.parametrize("error", [OSError("the disk blinked"), Unavailable("the database is away")], ids=repr)
async def test_a_round_goes_on_after_a_turn_that_failed(error: Exception) -> None:
    turns: list[int] = []
    done = asyncio.Event()

    async def job() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise error
        done.set()

    one = Round("job", job, every_seconds=0.001, chance=lambda: 0.5)
    rounds = Rounds([one])
    rounds.start()
    await asyncio.wait_for(done.wait(), 5)
    await rounds.stop()

    assert one.failures == 1
    assert len(turns) >= 2


async def test_a_database_that_is_away_is_a_line_in_the_log_and_not_a_traceback() -> None:
    async def job() -> None:
        raise Unavailable("the database is away")

    with capture_logs() as lines:
        await Round("job", job, every_seconds=1, chance=lambda: 0.5).once()

    assert lines == [
        {"event": "round failed", "log_level": "warning", "round": "job", "reason": "the database is away"}
    ]


def test_pauses_vary_by_a_fifth_so_that_processes_fall_out_of_step() -> None:
    async def turns() -> list[float]:
        moments: list[float] = []

        async def job() -> None:
            moments.append(asyncio.get_running_loop().time())

        chances = iter([0.5, 0.0, 1.0, 0.5, 0.5, 0.5])
        rounds = Rounds([Round("job", job, every_seconds=0.1, chance=lambda: next(chances))])
        rounds.start()
        await asyncio.sleep(0.25)
        await rounds.stop()
        return moments

    assert run_virtually(turns()) == pytest.approx([0.0, 0.08, 0.2])
