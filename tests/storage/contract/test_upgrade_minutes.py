"""The step from version 2 to 3 on every engine that takes it by the contract, broken off and begun anew."""

from typing import cast

import pytest

from alertwhisperer.clock import SystemIds
from alertwhisperer.domain.errors import OutcomeUnknown
from alertwhisperer.ports import Storage
from alertwhisperer.storage.upgrade_minutes import minutes_into_hours
from tests.storage import version_2
from tests.support.documents import NOON
from tests.support.logbook import DyingStorage, Logbook


@pytest.mark.parametrize("death", ["before", "after"])
async def test_minutes_go_into_their_hours_though_it_is_broken_off(storage: Storage, death: str) -> None:
    await Logbook(storage, SystemIds()).write(NOON)
    await version_2.write(storage)
    for deaths in ([death], ["", death]):
        with pytest.raises(OutcomeUnknown):
            await minutes_into_hours(cast("Storage", DyingStorage(storage, deaths)))
    await minutes_into_hours(storage)
    await version_2.assert_upgraded(storage)
    assert (await minutes_into_hours(storage)).startswith("0 minutes")
