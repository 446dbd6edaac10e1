"""Names in an EBTS Type-2 record: ASCII alone in NAM and AKA, DCS where anything is not, and a flag where a name was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import FormatError
from mithaq.record import (
    LatinName,
    Transaction,
    check,
    load_profile,
    read_transaction,
    skeleton,
    with_names,
    write_transaction,
)

PROFILE = load_profile("ebts-9.1")
OWN_FIELD = 2900 % 1000  # 2.900: of the domain's own, for which the profile has no rule
ARABIC = "آل ثاني، حمد بن خليفة"
NAME = LatinName("AL THANI", "HAMAD BIN KHALIFA")


def start() -> Transaction:
    return skeleton("CAR", PROFILE)


# A partner's override to the revision of December 2012: 50 letters in NAM.
SINCE_2012 = """
[override]
profile = "ebts-9.1"
title = "since December 2012"

[[field]]
field = "2.018"
mnemonic = "NAM"
name = "name"
must = ["CAR"]
kind = "AS"
length = "3-50"
severity = "error"
trust = "M"
clause = "EBTS, revision of December 2012"
"""


def of(tx: Transaction, number: int) -> str:
    second = tx.first(2)
    assert second is not None
    return second.text(number) or ""


def test_a_name_goes_out_in_its_form_and_passes_the_check() -> None:
    made = with_names(start(), PROFILE, NAME, others=[LatinName("ALTHANI", "HAMAD"), LatinName("BU KHALIFA")])
    again = read_transaction(write_transaction(made.transaction))
    assert of(again, 18) == "AL THANI,HAMAD BIN KHALIFA"
    assert of(again, 19) == "ALTHANI,HAMAD\x1eBU KHALIFA"
    assert (made.cut, dict(made.envelope)) == ((), {})
    assert again.records[0].field(15) is None  # nothing that is not ASCII: no DCS
    assert [one for one in check(again, PROFILE) if one.severity == "error"] == []


@pytest.mark.parametrize(
    "name",
    [
        LatinName("ثاني", "HAMAD"), LatinName("ALTHANI", "حمد"), LatinName("AL-THĀNĪ"), LatinName("A\tB"),
        LatinName("A,B", "C"), LatinName(""), LatinName("A\x1eB"), LatinName("A\u200fB"), LatinName(" A"), LatinName("A\x7f"),
    ],
)  # fmt: skip
def test_the_encoder_refuses_anything_but_printable_ascii(name: LatinName) -> None:
    for names, others in ((name, ()), (NAME, (name,))):
        with pytest.raises(FormatError) as refused:
            with_names(start(), PROFILE, names, others=others)
        assert (refused.value.code, refused.value.clause) == ("REC-180", "REQ-174")
        assert "ثاني" not in str(refused.value)


@given(st.text(min_size=1, max_size=80), st.text(max_size=80))
def test_whatever_is_given_nam_is_ascii_and_fits_or_is_refused(family: str, given_: str) -> None:
    try:
        made = with_names(start(), PROFILE, LatinName(family, given_))
    except FormatError as error:
        assert error.code == "REC-180"
        return
    text = of(made.transaction, 18)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= 30
    assert bool(made.cut) is (text != (f"{family},{given_}" if given_ else family))


def test_the_check_finds_what_another_encoder_put_there() -> None:
    tx = start()
    at = next(index for index, record in enumerate(tx.records) if record.type == 2)
    broken = tx.replace_record(at, tx.records[at].with_field(18, ARABIC, encoding="utf-8"))
    assert [one for one in check(broken, PROFILE) if one.field == "2.018"]


def test_the_original_script_stands_in_a_field_of_its_own_and_dcs_says_utf8() -> None:
    made = with_names(start(), PROFILE, NAME, original={OWN_FIELD: ARABIC})
    again = read_transaction(write_transaction(made.transaction))
    assert of(again, OWN_FIELD) == ARABIC
    assert again.encoding == "utf-8"
    assert again.records[0].text(15) == "003\x1fUTF-8"
    assert of(again, 18).isascii()
    # An ASCII "original" asks for no DCS.
    plain = with_names(start(), PROFILE, NAME, original={OWN_FIELD: "HAMAD"})
    assert plain.transaction.records[0].field(15) is None


@pytest.mark.parametrize("number", [18, 19, 20])
def test_a_field_of_ascii_takes_no_original_script(number: int) -> None:
    with pytest.raises(FormatError) as refused:
        with_names(start(), PROFILE, NAME, original={number: ARABIC})
    assert refused.value.code == "REC-181"


def test_a_partner_without_utf8_gets_it_in_the_envelope() -> None:
    made = with_names(start(), PROFILE, NAME, original={OWN_FIELD: ARABIC}, utf8=False)
    assert made.envelope == {OWN_FIELD: ARABIC}
    assert write_transaction(made.transaction).find(ARABIC.encode()) == -1
    assert made.transaction.records[0].field(15) is None


def test_what_is_too_long_or_too_many_is_cut_and_flagged() -> None:
    long = LatinName("A" * 40, "HAMAD BIN KHALIFA")
    made = with_names(start(), PROFILE, long, others=[NAME, long, *[NAME] * 10])
    assert of(made.transaction, 18) == "A" * 28 + ",H"
    assert made.cut == ("2.018", "2.019", "2.019[2]")
    assert of(made.transaction, 19).count("\x1e") == 9
    newer = with_names(start(), load_profile("ebts-9.1", SINCE_2012), LatinName("A" * 40, "HAMAD"))
    assert (of(newer.transaction, 18), newer.cut) == ("A" * 40 + ",HAMAD", ())


def test_a_transaction_without_a_place_for_names_is_said() -> None:
    with pytest.raises(FormatError) as refused:
        with_names(skeleton("CPS", load_profile("mithaq-1")), load_profile("mithaq-1"), NAME)
    assert refused.value.code == "REC-182"
