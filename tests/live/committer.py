"""A process that commits to one company of a SQLite file, against others who do so too, and then ends.

`python -m tests.live.committer URL COMPANY NAME COUNT`
"""

import asyncio
import sys

from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.domain.change import Change
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.ports import Storage
from alertwhisperer.storage.urls import open_database
from tests.live.stage import fact


async def commit(storage: Storage, company_id: str, text: str) -> None:
    """Commit one fact, after however many conflicts."""
    clock, ids = SystemClock(), SystemIds()
    while True:
        seq, _ = await storage.head(company_id)
        try:
            await storage.commit(
                Scope(company_id, SYSTEM),
                seq,
                Change(events=(fact(text), fact(f"{text}, for us", internal=True))),
                commit_id=ids.new_id(),
                at=clock.now(),
            )
        except Conflict:
            continue
        return


async def main(url: str, company_id: str, name: str, count: int) -> None:
    storage = open_database(url, keep_days={}, clock=SystemClock(), create=False)
    await storage.open()
    for n in range(count):
        await commit(storage, company_id, f"{name} {n}")
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
