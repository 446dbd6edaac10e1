"""Enrolling a folder or a CSV: bad rows stop it before anything is done, and a print keeps its place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pair import NAMES

from mithaq.demo.prints import impression, smudge
from mithaq.demo.ridges import finger
from mithaq.errors import FormatError, StorageError
from mithaq.image import png_bytes
from mithaq.node.enrol import Outcome, enrol, list_items, passed_over
from mithaq.node.gateway import Node
from mithaq.node.initialise import initialise
from mithaq.node.opening import gallery_place, open_gallery, open_node
from mithaq.node.rebuild import new_place, put_in_place, rebuild
from mithaq.node.store import ledger, references
from mithaq.search import Gallery


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    initialise(tmp_path / "QA", party="QA", contact="qa-ncp", name=NAMES["QA"])
    with open_node(tmp_path / "QA") as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prints").mkdir()
    return tmp_path / "prints"


@pytest.fixture(scope="module")
def prints() -> dict[str, bytes]:
    master = finger(1)
    return {"first": png_bytes(impression(master, 1)), "again": png_bytes(impression(master, 2))}


def run(node: Node, source: Path) -> dict[str, Outcome]:
    with open_gallery(node) as gallery:
        return {done.file: done for done in enrol(node, gallery, list_items(source))}


def test_a_print_that_changed_does_not_take_the_place_of_the_one_that_is_searched(
    node: Node, folder: Path, prints: dict[str, bytes]
) -> None:
    (folder / "p_1.png").write_bytes(prints["first"])
    assert run(node, folder)["p_1.png"].outcome == "enrolled"
    assert run(node, folder)["p_1.png"].outcome == "known"
    (folder / "p_1.png").write_bytes(prints["again"])
    changed = run(node, folder)["p_1.png"]
    assert (changed.outcome, changed.reasons[0][0]) == ("taken", "NOD-128")
    with node.database.read() as tx:
        (slot,) = references.all_reference_prints(tx)
        (stored,) = references.prints_of(tx, slot[0])
    assert node.open_reference(stored).data == prints["first"]
    assert node.searcher.count().impressions == 1


def test_every_run_says_again_what_is_not_enrolled_and_tries_again_what_it_could_not_read(
    node: Node, folder: Path, prints: dict[str, bytes]
) -> None:
    (folder / "smudge_1.png").write_bytes(png_bytes(smudge(1)))
    (folder / "text_1.wsq").write_text("no print")
    (folder / "gone_1.png").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe_1.png")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    for _ in range(2):
        done = run(node, folder)
        assert {name: one.outcome for name, one in done.items()} == {
            "smudge_1.png": "unsearchable", "text_1.wsq": "unreadable", "gone_1.png": "unreadable",
            "pipe_1.png": "unreadable",
        }  # fmt: skip
        assert all(code and text for one in done.values() for code, text in one.reasons)
    assert passed_over(folder) == ["notes.pdf"]
    (folder / "text_1.wsq").write_bytes(prints["first"])
    assert run(node, folder)["text_1.wsq"].outcome == "enrolled"


def test_an_interrupted_run_stands_in_the_ledger_and_goes_on(
    node: Node, folder: Path, prints: dict[str, bytes]
) -> None:
    (folder / "p_1.png").write_bytes(prints["first"])
    (folder / "q_1.png").write_bytes(prints["again"])

    def stop(_: Outcome) -> None:
        raise KeyboardInterrupt

    with open_gallery(node) as gallery, pytest.raises(KeyboardInterrupt):
        enrol(node, gallery, list_items(folder), progress=stop)
    with node.database.read() as tx:
        (entry,) = ledger.entries(tx)
    assert json.loads(entry.body or b"")["data"]["impressions"] == 1
    assert {name: one.outcome for name, one in run(node, folder).items()} == {"p_1.png": "known", "q_1.png": "enrolled"}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("person,position,file\nA,1\n", "NOD-127"),
        ("person,position,file\n,1,a.png\n", "NOD-127"),
        ("person,position,file\nA,1,a\0b.png\n", "NOD-127"),
        ("person,position,file\nA,1,a.png,more\n", "NOD-127"),
        ("person,position,file,ppi\nA,1,a.png,nan\n", "NOD-127"),
        ("person,position,file,ppi\nA,1,a.png,many\n", "NOD-127"),
        ("person,position,file,impression\nA,1,a.png,256\n", "NOD-127"),
        ("person,position,file\nA,13,a.png\n", "NOD-124"),
        ("person,position,file\nA,thumb,a.png\n", "NOD-124"),
        ("person;position;file\nA;1;a.png\n", "NOD-122"),
        ('person,position,file,aliases\nA,1,a.png,"[""زبير"",""Zubayr""]"\n', "PAC-270"),
        ("person,position,file,born\nA,1,a.png,1980\nA,2,b.png,1981\n", "NOD-129"),
        ("\ufffe", "NOD-122"),
    ],
)
def test_a_bad_row_is_one_error_before_anything_is_enrolled(folder: Path, rows: str, code: str) -> None:
    (folder / "list.csv").write_text(rows)
    with pytest.raises(FormatError) as refused:
        list_items(folder / "list.csv")
    assert refused.value.code == code


def test_a_persons_identity_is_gathered_from_all_rows(folder: Path) -> None:
    (folder / "list.csv").write_text("person,position,file,born,name\nA,1,a.png,1980,\nA,2,b.png,,X\nB,1,c.png,,\n")
    identities = [dict(item.identity) for item in list_items(folder / "list.csv")]
    assert identities == [{"born": "1980", "name": "X"}] * 2 + [{}]


def test_the_gallery_is_made_anew_from_the_database(node: Node, folder: Path, prints: dict[str, bytes]) -> None:
    (folder / "p_1.png").write_bytes(prints["first"])
    (folder / "q_2.png").write_bytes(prints["again"])
    run(node, folder)
    place = gallery_place(node.settings)
    with Gallery(place) as gallery:
        before = sorted((i.reference, i.position, i.impression, i.template) for i in gallery.impressions())
    home = node.settings.home
    node.close()
    shutil.rmtree(place)
    with pytest.raises(StorageError, match="GAL-001"):
        open_node(home)
    told: list[tuple[int, int]] = []
    with Gallery(new_place(place), writable=True) as gallery, open_node(home, searcher=gallery) as blind:
        done = rebuild(blind, gallery, lambda *numbers: told.append(numbers))
        assert (done.added, done.known, done.left_out) == (2, 0, [])
        assert rebuild(blind, gallery, lambda *numbers: None).known == 2
    assert told == [(1, 2), (2, 2)]
    put_in_place(place)
    with open_node(home) as again, Gallery(place) as gallery:
        after = sorted((i.reference, i.position, i.impression, i.template) for i in gallery.impressions())
        assert [one[:3] for one in after] == [one[:3] for one in before]
        assert [one[3] for one in after] == [one[3] for one in before]
        assert again.searcher.count().impressions == 2


def test_a_node_whose_gallery_is_of_the_first_format_says_how_to_upgrade_it(node: Node) -> None:
    place = gallery_place(node.settings)
    home = node.settings.home
    node.close()
    commit = bytearray((place / "commit").read_bytes())
    for start in (0, 2048, 4096, 6144):
        commit[start + 8] = 1
    (place / "commit").write_bytes(commit)
    with pytest.raises(StorageError, match=r"GAL-040.*mithaq gallery upgrade"):
        open_node(home)
