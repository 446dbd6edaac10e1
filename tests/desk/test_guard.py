"""Tries of passphrases: counted for the officer and the address, forgotten when the officer signs in."""

from __future__ import annotations

from mithaq.desk.guard import TRIES, TRIES_OF_ADDRESS, Guard


def test_an_officer_who_signs_in_starts_anew() -> None:
    guard = Guard(frozenset(), cookie="c")
    for _ in range(3):
        for _ in range(TRIES - 1):
            guard.failed("one", "address")
        assert guard.may_try("one", "address")
        guard.succeeded("one")


def test_one_address_cannot_try_everybody() -> None:
    guard = Guard(frozenset(), cookie="c")
    for number in range(TRIES_OF_ADDRESS):
        assert guard.may_try(f"officer-{number}", "address")
        guard.failed(f"officer-{number}", "address")
    assert not guard.may_try("another", "address")
    assert guard.may_try("another", "elsewhere")


def test_wrong_passphrases_at_the_door_do_not_hold_up_acts() -> None:
    guard = Guard(frozenset(), cookie="c")
    for _ in range(TRIES):
        guard.failed("one", "address")
    assert not guard.may_try("one", "elsewhere")
    assert guard.may_try("acts of one")
