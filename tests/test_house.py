"""What the composition root decides: how often a process looks, on an engine that bills each look."""

from base64 import b64encode

import pytest

from alertwhisperer.engine.counters import AT_ONCE, THRIFTY, Patience
from alertwhisperer.house import TIMERS_SECONDS, TIMERS_SECONDS_IF_BILLED, build
from alertwhisperer.settings import load_settings

KEY = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("database", "patience", "timers"),
    [("sqlite", AT_ONCE, TIMERS_SECONDS), ("dynamodb", THRIFTY, TIMERS_SECONDS_IF_BILLED)],
)
def test_a_process_is_thrifty_where_reads_and_writes_are_billed(
    database: str, patience: Patience, timers: float
) -> None:
    secrets = {"jwt_secret": "s" * 40, "encryption_keys": f"k1:{KEY}", "audit_key": KEY}
    house = build(load_settings(database_type=database, **secrets))
    assert house.counters._patience == patience
    [every] = [each._every_seconds for each in house.rounds.rounds if each.name == "timers"]
    assert every == timers
