"""The audit chain shows what was changed, left out or moved."""

from typing import Any

import pytest
from msgspec.structs import replace

from alertwhisperer.domain import audit
from tests.support.cast import ACME, CARL

KEY = b"k" * 32


def chain(length: Any = 5) -> Any:
    head, links = audit.GENESIS, []
    for n in range(length):
        at = f"2026-11-21T11:00:0{n}.000000Z"
        links.append(audit.link(audit.entry(ACME, f"e{n}", at, CARL, "company.update", {"n": n}), head, KEY))
        head = links[-1].hash
    return links


def test_an_untouched_chain_holds() -> None:
    assert audit.first_broken(chain(), KEY) is None


@pytest.mark.parametrize("n", range(5))
def test_a_changed_entry_is_found(n: Any) -> None:
    links = chain()
    links[n] = replace(links[n], user_name="Mallory")
    assert audit.first_broken(links, KEY) == links[n]


@pytest.mark.parametrize("n", range(4))
def test_a_missing_entry_is_found_at_the_next(n: Any) -> None:
    links = chain()
    del links[n]
    assert audit.first_broken(links, KEY) == links[n]


def test_without_the_key_no_chain_can_be_made_anew() -> None:
    assert audit.first_broken(chain(), b"another key") is not None
