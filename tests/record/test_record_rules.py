"""Each rule of base-2015 is broken once, by name, and only its own finding appears."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sound import PRINT, made, sound, tagged

from mithaq.record import Transaction, check, load_profile, read_transaction, write_transaction
from mithaq.record.examples.standard import WORDS, example
from mithaq.record.model import Value

BASE = load_profile("base-2015")


def fourteen(**changes: Value | None) -> Transaction:
    """A transaction with one Type-14 record, whose fields are changed as `f13="2"`."""
    return made(
        tagged(14, 1, PRINT, {int(name[1:]): value for name, value in changes.items()}), f11="00.00", f12="00.00"
    )


def edited(old: bytes, new: bytes, **changes: Value | None) -> Transaction:
    data = write_transaction(fourteen(**changes))
    assert data.count(old) == 1, old
    return read_transaction(data.replace(old, new))


BROKEN: dict[str, Callable[[], Transaction]] = {
    "structure.length": lambda: edited(b"\x1c14.001:", b"\x1c14.001:0"),
    "structure.contents": lambda: edited(b"14\x1f01", b"14\x1f02"),
    "structure.order": lambda: edited(b"14.002:01\x1d14.003:0\x1d", b"14.003:0\x1d14.002:01\x1d"),
    "structure.repeated": lambda: edited(b"\x1d14.250:b", b"\x1d14.020:b", f20="a", f250="b"),
    "structure.foreign": lambda: edited(b"14.020:abc", b"15.020:abc", f20="abc"),
    "structure.separator": lambda: edited(b"some text", b"some\x02text", f20="some text"),
    "structure.tail": lambda: read_transaction(write_transaction(fourteen()) + b"\r\n"),
    "structure.designation": lambda: made(tagged(14, 1, PRINT), tagged(14, 1, PRINT), f11="00.00", f12="00.00"),
    "structure.tag": lambda: edited(b"14.020:abc", b"14.20:abcd", f20="abc"),
}


def rules(tx: Transaction) -> set[str]:
    return {found.rule.removeprefix("base-2015:") for found in check(tx, BASE)}


def test_sound_transactions_keep_every_rule() -> None:
    assert [str(found) for found in check(sound(), BASE)] == []


def test_every_weight_is_broken_here_and_said_in_words() -> None:
    assert sorted(f"structure.{name}" for name in BASE.families["structure"]) == sorted(BROKEN)
    assert sorted(
        [f"fields.{name}" for name in BASE.families["fields"]] + [f"cross.{name}" for name in BASE.families["cross"]]
    ) == sorted(WORDS)
    assert example("structure.length") is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_of_structure_gives_its_own_finding_alone(name: str) -> None:
    assert rules(BROKEN[name]()) == {name}


@pytest.mark.parametrize("name", WORDS)
def test_a_broken_rule_gives_its_own_finding_alone(name: str) -> None:
    found = example(name)
    assert found is not None
    good, bad = (read_transaction(write_transaction(one)) for one in found)
    assert rules(good) == set()
    assert rules(bad) == {name}
