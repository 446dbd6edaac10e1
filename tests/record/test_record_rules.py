"""Each rule of base-2015 is broken once, by name, and only its own finding appears."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sound import M1, PRINT, four, jpeg, made, sound, tagged, wsq
from transactions import PIXELS

from mithaq.record import Transaction, check, load_profile, read_transaction, tagged_record, write_transaction
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


def nine(values: dict[int, Value], **changes: Value | None) -> Transaction:
    """A Type-9 record with its picture of 32 by 32 pixels at 500 ppi."""
    return made(
        tagged(14, 1, PRINT),
        tagged(9, 1, values, {int(name[1:]): value for name, value in changes.items()}),
        f11="00.00",
        f12="00.00",
    )


BROKEN: dict[str, Callable[[], Transaction]] = {
    # ------------------------------------------------ structure
    "structure.length": lambda: edited(b"\x1c14.001:", b"\x1c14.001:0"),
    "structure.contents": lambda: edited(b"14\x1f01", b"14\x1f02"),
    "structure.order": lambda: edited(b"14.002:01\x1d14.003:0\x1d", b"14.003:0\x1d14.002:01\x1d"),
    "structure.repeated": lambda: edited(b"\x1d14.250:b", b"\x1d14.020:b", f20="a", f250="b"),
    "structure.foreign": lambda: edited(b"14.020:abc", b"15.020:abc", f20="abc"),
    "structure.separator": lambda: edited(b"some text", b"some\x02text", f20="some text"),
    "structure.tail": lambda: read_transaction(write_transaction(fourteen()) + b"\r\n"),
    "structure.designation": lambda: made(tagged(14, 1, PRINT), tagged(14, 1, PRINT), f11="00.00", f12="00.00"),
    "structure.tag": lambda: edited(b"14.020:abc", b"14.20:abcd", f20="abc"),
    # ------------------------------------------------ fields
    "fields.mandatory": lambda: fourteen(f4=None),
    "fields.conditional": lambda: fourteen(f8=None),
    "fields.occurrences": lambda: fourteen(f4=[["ORI"], ["ORI"]]),
    "fields.items": lambda: fourteen(f22=[["1"]]),
    "fields.length": lambda: fourteen(f3="000"),
    "fields.characters": lambda: fourteen(f9="5OO"),
    "fields.range": lambda: fourteen(f22=[["1", "7"]]),
    "fields.codes": lambda: fourteen(f30="SLEEPING"),
    "fields.form": lambda: made(tagged(14, 1, PRINT), f11="00:00", f12="00.00"),
    "fields.date": lambda: fourteen(f5="20260230"),
    "fields.encoding": lambda: edited(b"some text", b"some t\xd9\x85t", f20="some text"),
    "fields.empty": lambda: fourteen(f20=""),
    "fields.data": lambda: fourteen(f999=b""),
    "fields.unknown": lambda: fourteen(f950="x"),
    "fields.type": lambda: made(tagged_record(23, {3: "x"}, idc=1), f11="00.00", f12="00.00"),
    "fields.edition": lambda: made(tagged(14, 1, PRINT, {31: "40"}), f2="0400", f11="00.00", f12="00.00"),
    # ------------------------------------------------ cross
    "cross.compression": lambda: fourteen(f11="WSQ20", f999=jpeg()),
    "cross.length": lambda: fourteen(f999=PIXELS[:-1]),
    "cross.size": lambda: fourteen(f11="WSQ20", f999=wsq(width=33)),
    "cross.bits": lambda: fourteen(f11="JPEGB", f999=jpeg(components=3)),
    "cross.scale": lambda: fourteen(f8="0"),
    "cross.resolution": lambda: fourteen(f9="300", f10="300"),
    "cross.scanning": lambda: made(four(1), f12="00.00"),
    "cross.comment": lambda: fourteen(f11="WSQ20", f999=wsq(ppi=300)),
    "cross.position": lambda: fourteen(f13="21"),
    "cross.impression": lambda: fourteen(f3="1", f13="13"),
    "cross.segment": lambda: fourteen(f21=[["1", "5", "40", "5", "10"]]),
    "cross.minutiae": lambda: nine(M1, f137=[["1", "10", "32", "45", "1", "50"], ["2", "1", "1", "1", "2", "0"]]),
    "cross.count": lambda: nine(M1, f136="3"),
    "cross.picture": lambda: made(tagged(9, 1, M1), f11="00.00", f12="00.00"),
    "cross.hash": lambda: fourteen(f996="0" * 64),
    "cross.first": lambda: made(fourteen().records[0], tagged(14, 1, PRINT), f11="00.00", f12="00.00"),
}


def rules(tx: Transaction) -> set[str]:
    return {found.rule.removeprefix("base-2015:") for found in check(tx, BASE)}


def test_the_sound_transaction_keeps_every_rule() -> None:
    assert [str(found) for found in check(sound(), BASE)] == []


def test_every_weight_is_broken_here() -> None:
    named = [f"structure.{name}" for name in BASE.structure]
    named += [f"fields.{name}" for name in BASE.dictionary] + [f"cross.{name}" for name in BASE.cross]
    assert sorted(named) == sorted(BROKEN)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_gives_its_own_finding_alone(name: str) -> None:
    assert rules(BROKEN[name]()) == {name}
