"""The residue scanner finds planted bytes wherever they lie, and nothing after an erasure."""

from __future__ import annotations

import base64
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kept import IDENTITY, ask, keep_person, make_pair, probe, release
from pair import Pair

from mithaq.node import erasing, retention
from mithaq.node.intake import examine, read_prints
from mithaq.node.opening import open_gallery
from mithaq.node.residue import Needle, print_needles, scan, text_needles
from mithaq.node.stages import Stages
from mithaq.node.store import conversations


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = make_pair(tmp_path_factory.mktemp("residue"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def needles(pair: Pair) -> list[Needle]:
    return print_needles(pair.nodes["US"], probe())


def traces(pair: Pair, needles: list[Needle], code: str = "US") -> set[tuple[str, str]]:
    return {(one.needle, Path(one.file).name) for one in scan(pair.nodes[code], needles).traces}


def test_nothing_is_left_of_a_query_at_either_side_of_a_hit_that_ended(pair: Pair, needles: list[Needle]) -> None:
    release(pair)
    pair.clock.turn(days=800)
    for node in pair.nodes.values():
        retention.sweep(node)
        words = [one for text in IDENTITY.values() for one in text_needles(text)]
        found = scan(node, [*needles, *words])
        assert found.is_clean, found
        assert found.files > 10
        assert found.bytes > 100_000


@pytest.mark.parametrize("where", ["database", "log", "gallery", "queue", "temporary"])
def test_planted_bytes_are_found(pair: Pair, needles: list[Needle], where: str) -> None:
    node, home = pair.nodes["US"], pair.homes["US"]
    by_name = {one.name: one.data for one in needles}
    assert set(by_name) == {"file", "pixels", "travelling", "template"}
    planted: list[Path] = []
    if where == "database":
        with sqlite3.connect(home / "steps.sqlite") as other:
            other.execute("CREATE TABLE planted (body TEXT)")
            other.execute("INSERT INTO planted VALUES (?)", [base64.b64encode(b"x" + by_name["file"]).decode()])
        other.close()
        planted.append(home / "steps.sqlite")
        expected = "file"
    elif where == "log":
        with sqlite3.connect(home / "old.sqlite", isolation_level=None) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("CREATE TABLE planted (body BLOB)")
            other.execute("INSERT INTO planted VALUES (?)", [by_name["travelling"]])
            assert ("travelling", "old.sqlite-wal") in traces(pair, needles)
        other.close()
        planted.append(home / "old.sqlite")
        expected = "travelling"
    elif where == "gallery":
        with open_gallery(node) as gallery:
            (picture,) = read_prints(node.box, probe(), stages=Stages())
            gallery.add("US-PLANTED22222", 1, 0, examine(*picture, stages=Stages(), network="teacher").template)
        expected = "template"
    elif where == "queue":
        planted.append(home / "drop" / "later.bin")
        planted[0].parent.mkdir()
        planted[0].write_bytes(b"\0" * 5000 + by_name["pixels"][20_000:60_000])  # a piece is enough
        expected = "pixels"
    else:
        with tempfile.NamedTemporaryFile(prefix="mithaq-", delete=False) as file:
            file.write(by_name["file"])
        planted.append(Path(file.name))
        expected = "file"
    found = traces(pair, needles)
    assert expected in {needle for needle, _ in found}
    for path in planted:
        path.unlink()
    if where == "gallery":
        with open_gallery(node) as gallery:
            gallery.remove("US-PLANTED22222")
    assert traces(pair, needles) == set()


def test_a_name_is_found_in_each_encoding_of_text(pair: Pair) -> None:
    home = pair.homes["US"]
    name = "قطيبة المختبر"
    for index, form in enumerate((name.encode(), name.encode("utf-16-le"), json.dumps(name).encode())):
        planted = home / f"note-{index}.txt"
        planted.write_bytes(b"...." + form)
        assert traces(pair, text_needles(name)) == {("text", planted.name)}
        planted.unlink()
    assert traces(pair, text_needles(name)) == set()


def test_the_tables_are_asked_for_what_should_not_be_there(pair: Pair) -> None:
    node = pair.nodes["US"]
    sent = ask(pair)
    pair.run()
    erasing.finish(node)
    assert scan(node, []).problems == {}
    other = keep_person(node, "US-OTHERPERSON", "NATIONAL-2")
    with node.database.write() as tx:
        found = conversations.find_conversation(tx, sent.id)
        assert found is not None
        for stored in node.seal_prints(sent.id, "query", [other]):
            conversations.add_print(tx, stored)
    node.record_keys.destroy([("identities", "person:US-OTHERPERSON")])
    node.print_vault.make_keys(["print:of:nothing"])
    assert scan(node, []).problems == {
        "prints-past-their-answer": 1, "keys-without-a-record": 1, "records-without-a-key": 1
    }  # fmt: skip
