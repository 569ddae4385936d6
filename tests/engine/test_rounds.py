"""Rounds outlive what one turn of them meets."""

import asyncio

from alertwhisperer.engine.rounds import Round, Rounds


async def test_a_round_goes_on_after_a_turn_that_failed() -> None:
    turns: list[int] = []
    done = asyncio.Event()

    async def job() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise OSError("the disk blinked")
        done.set()

    one = Round("job", job, every_seconds=0.001, chance=lambda: 0.5)
    rounds = Rounds([one])
    rounds.start()
    await asyncio.wait_for(done.wait(), 5)
    await rounds.stop()

    assert one.failures == 1
    assert len(turns) >= 2


async def test_pauses_vary_by_a_fifth_so_that_processes_fall_out_of_step() -> None:
    started = asyncio.get_running_loop().time()
    moments: list[float] = []

    async def job() -> None:
        moments.append(asyncio.get_running_loop().time() - started)

    chances = iter([0.5, 0.0, 1.0, 0.5, 0.5, 0.5])
    rounds = Rounds([Round("job", job, every_seconds=0.1, chance=lambda: next(chances))])
    rounds.start()
    await asyncio.sleep(0.25)
    await rounds.stop()

    assert 0.075 <= moments[1] - moments[0] <= 0.1
    assert 0.115 <= moments[2] - moments[1] <= 0.14
