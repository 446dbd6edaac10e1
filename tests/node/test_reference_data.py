"""The searchable set holds fingerprint data and a random number, nothing else (REQ-020)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from pair import NAMES

from mithaq.demo.prints import impression
from mithaq.demo.ridges import finger
from mithaq.image import png_bytes
from mithaq.node.enrol import enrol, list_items
from mithaq.node.initialise import initialise
from mithaq.node.opening import open_gallery, open_node
from mithaq.node.rebuild import new_place, rebuild
from mithaq.node.store import references, tables
from mithaq.pact.terms import CoreField
from mithaq.search import Gallery
from mithaq.search.layout import COLUMNS

FINGERPRINT_DATA = {
    "starts", "codes", "angle", "reliability", "x", "y", "quality", "kind", "count", "position", "impression", "size", "grade"
}  # fmt: skip
NUMBER = {"person", "names", "name_ends"}  # which rows share a reference number, and the numbers
BOOKKEEPING = {"attributes", "removed"}  # attributes stay 0: a node enrols none, which the test below sees


def test_the_schema_has_no_place_for_a_person_beside_a_reference_print() -> None:
    assert {column.name for column in COLUMNS} == FINGERPRINT_DATA | NUMBER | BOOKKEEPING
    assert set(tables.reference_prints.c.keys()) == {"reference", "position", "impression", "sealed", "created_at"}
    of_the_case = {"case_number", "authority"}
    personal = {str(field) for field in get_args(CoreField)} - of_the_case | {"person", "person_key"}
    for table in tables.metadata.sorted_tables:
        if table.name != "officers":  # the node's own people
            assert not personal & {column.name for column in table.columns}, table.name


def test_numbers_are_random_and_a_gallery_made_anew_does_not_tell_who_came_first(tmp_path: Path) -> None:
    initialise(tmp_path / "QA", party="QA", contact="qa-ncp", name=NAMES["QA"])
    folder = tmp_path / "prints"
    folder.mkdir()
    for number in range(4):
        (folder / f"ID-{1000 + number}_1.png").write_bytes(png_bytes(impression(finger(number + 1), 1)))
    with open_node(tmp_path / "QA") as node:
        with open_gallery(node) as gallery:
            enrol(node, gallery, list_items(folder))
            order = [slot[0] for slot in gallery.slots()]
            assert not any(one.attributes for one in gallery.impressions())
        with node.identities.read() as identities:
            keys = {node.identity_vault.digest(f"ID-{1000 + number}") for number in range(4)}
            assert {references.reference_of(identities, key) for key in keys} == set(order)
        assert all(re.fullmatch(r"QA-[2-9A-HJ-NP-Z]{12}", one) for one in order)
        assert len({one[3:] for one in order}) == 4
        with Gallery(new_place(tmp_path / "QA" / "gallery"), writable=True) as anew:
            rebuild(node, anew, lambda done, total: None)
            assert [slot[0] for slot in anew.slots()] == sorted(order)
