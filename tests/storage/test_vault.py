"""Secrets at rest open in their place, with a key we hold, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.storage.vault import AesVault

OLD = {"k1": b"1" * 32}
NEW = {"k2": b"2" * 32, **OLD}
PLACE = ("acme", "companies", "acme", "api_key_encrypted")


@given(st.text())
def test_what_is_sealed_comes_back(plain: str) -> None:
    vault = AesVault(OLD)
    assert vault.unseal(vault.seal(plain, place=PLACE), place=PLACE) == plain


def test_the_same_secret_never_looks_the_same_twice() -> None:
    vault = AesVault(OLD)
    sealed = {vault.seal("secret", place=PLACE) for _ in range(50)}
    assert len(sealed) == 50
    assert not any("secret" in each for each in sealed)


@pytest.mark.parametrize("part", range(4))
def test_a_secret_moved_elsewhere_does_not_open(part: int) -> None:
    vault = AesVault(OLD)
    elsewhere = tuple("globex" if at == part else each for at, each in enumerate(PLACE))
    with pytest.raises(Invalid):
        vault.unseal(vault.seal("secret", place=PLACE), place=elsewhere)


def test_the_first_key_seals_and_all_unseal() -> None:
    sealed = AesVault(OLD).seal("secret", place=PLACE)
    rotated = AesVault(NEW)
    assert rotated.unseal(sealed, place=PLACE) == "secret"
    assert rotated.seal("secret", place=PLACE).startswith("k2:")
    with pytest.raises(Invalid, match="ENCRYPTION_KEYS"):
        AesVault(OLD).unseal(rotated.seal("secret", place=PLACE), place=PLACE)


@pytest.mark.parametrize("damaged", ["", "k1", "k1:", "k1:AAAA", "k1:not base64", "k9:AAAA", "é:x"])
def test_what_is_no_sealed_secret_is_refused(damaged: str) -> None:
    with pytest.raises(Invalid):
        AesVault(OLD).unseal(damaged, place=PLACE)


def test_one_changed_letter_is_noticed() -> None:
    vault = AesVault(OLD)
    sealed = vault.seal("secret", place=PLACE)
    for at in range(len("k1:"), len(sealed.rstrip("=")) - 1):  # the last letter has bits that carry nothing
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(Invalid):
            vault.unseal(changed, place=PLACE)


def test_a_place_holds_no_separator() -> None:
    with pytest.raises(Invalid):
        AesVault(OLD).seal("secret", place=("a|b", "c", "d", "e"))
