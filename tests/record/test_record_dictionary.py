"""The dictionary is what its table says, knows every record type, and costs an importer nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.record import code_table, entry
from mithaq.record.dictionary import CODES, NUMBERS, ROWS, TYPE_FIRST, entries, field_name, is_payload

ROOT = Path(__file__).parents[2]
TYPES = [*range(1, 23), 98, 99]
EDITIONS = ["0200", "0201", "0300", "0400", "0500", "0501", "0502"]


def test_the_file_is_what_the_tables_say() -> None:
    spec = importlib.util.spec_from_file_location("make_dictionary", ROOT / "tools" / "make_dictionary.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    written = (ROOT / "src/mithaq/record/dictionary.py").read_text(encoding="utf-8")
    assert written == maker.render(), "run tools/make_dictionary.py"


def test_every_record_type_is_there_with_its_fields() -> None:
    assert sorted(NUMBERS) == TYPES == sorted(TYPE_FIRST)
    for kind in TYPES:
        known = entries(kind)
        assert [one.number for one in known][:1] == [1] and known[0].mnemonic == "LEN"
        assert kind == 1 or known[1].mnemonic == "IDC"
        for one in known:
            assert one.mnemonic and one.name and one.source and one.clause and one.trust in ("C", "P", "R", "?")
            assert one.items and one.editions[0] in EDITIONS
            for item in one.items:
                assert not item.codes or code_table(item.codes), (kind, one.number)


def test_every_field_has_a_name_in_arabic() -> None:
    lacking = [(kind, one.number) for kind in TYPES for one in entries(kind) if not one.name_ar]
    assert lacking == []


def test_codes_are_those_of_the_edition() -> None:
    assert code_table("IMP", "0400")["0"] == "live-scan plain"
    assert code_table("IMP", "0502")["0"] == "plain contact" == code_table("IMP")["0"]
    assert "2" in code_table("IMP", "0500") and "2" not in code_table("IMP", "0501")
    assert "JP2" not in code_table("CGA", "0201") and "JP2" in code_table("CGA", "0400")
    assert not code_table("no such table")
    for name in CODES:
        assert all(code_table(name, edition).keys() <= code_table(name).keys() for edition in EDITIONS)


SOME = """1.009 TCN, 4.008 GCA, 6.008 BCA, 8.004 SRT, 9.137 FMD, 9.331 MIN, 10.003 IMT, 11.014 CDC, 12.010 TDD, 13.024 LQM,
14.022 NQM, 15.024 PQM, 16.003 UDI, 17.003 ELR, 18.016 STR, 19.019 FSP, 20.021 SRN, 21.021 ACN, 22.101 ITYP, 98.900 ALF,
99.999 BDB"""


@pytest.mark.parametrize("known", SOME.replace("\n", " ").split(", "))
def test_fields_by_number(known: str) -> None:
    field, mnemonic = known.split()
    kind, number = field.split(".")
    assert field_name(int(kind), int(number))[0] == mnemonic


def test_what_domains_fill_has_no_name_of_its_own() -> None:
    found = entry(14, 250)
    assert found is not None and found.mnemonic == "UDF"
    assert field_name(14, 250) == ("", "") == field_name(2, 30)
    assert entry(14, 950) is None and entry(23, 3) is None


@given(st.integers(-1, 120), st.integers(-5, 10_000))
def test_any_number_may_be_asked_for(kind: int, number: int) -> None:
    found = entry(kind, number)
    assert found is None or (found.record_type, found.number) == (kind, number)
    assert isinstance(is_payload(kind, number), bool)


def test_rows_are_plain_text() -> None:
    assert all(isinstance(cell, str) for row in ROWS for cell in row[:-1])


def test_importing_the_room_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys, mithaq.record as r; print(*(m for m in ('numba', 'fastapi', 'lxml', 'numpy') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_names_that_are_also_files_stay_functions() -> None:
    code = (
        "import mithaq.record.check, mithaq.record.images; from mithaq.record import check, images; "
        "print(callable(check), callable(images))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"
