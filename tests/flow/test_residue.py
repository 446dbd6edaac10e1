"""The residue scanner finds planted bytes wherever they lie, and nothing after an erasure."""

from __future__ import annotations

import base64
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
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


@contextmanager
def row(pair: Pair, statement: str, value: object, undo: str, database: str = "node.sqlite") -> Iterator[None]:
    """Something in a row of the node's own database, and then gone from its pages and its log."""
    with closing(sqlite3.connect(pair.homes["US"] / database, isolation_level=None)) as other:
        other.execute("PRAGMA secure_delete = ON")
        other.execute(statement, [value])
        try:
            yield
        finally:
            other.execute(undo)
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def file(path: Path, data: bytes) -> Iterator[None]:
    """A file with these bytes, and then gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def template(pair: Pair) -> Iterator[None]:
    """The print's template in the node's gallery, and then removed."""
    node = pair.nodes["US"]
    with open_gallery(node) as gallery:
        (picture,) = read_prints(node.box, probe(), stages=Stages())
        gallery.add("US-PLANTED22222", 1, 0, examine(*picture, stages=Stages(), network="teacher").template)
    yield
    with open_gallery(node) as gallery:
        gallery.remove("US-PLANTED22222")


@pytest.mark.parametrize(
    ("where", "expected", "name"),
    [
        ("database", "file", "node.sqlite"),
        ("database's log", "travelling", "node.sqlite-wal"),
        ("identities", "pixels", "identities.sqlite"),
        ("gallery", "template", ""),
        ("cache: the gallery before a rebuild", "template", "codes.bin"),
        ("cache", "travelling", "decoded.png"),
        ("queue of messages", "file", "node.sqlite"),
        ("queue of steps", "pixels", "steps.sqlite"),
        ("queue: the drop folder", "pixels", "later.bin"),
        ("temporary", "file", "mithaq-planted"),
        ("log", "file", "node.jsonl"),
    ],
)
def test_planted_bytes_are_found(pair: Pair, needles: list[Needle], where: str, expected: str, name: str) -> None:
    home = pair.homes["US"]
    data = {one.name: one.data for one in needles}[expected]
    sent = ask(pair)
    pair.run()
    text = base64.b64encode(b"x" + data).decode()
    legal = f"UPDATE conversations SET legal_basis = ? WHERE id = '{sent.id}'", legal_undo(sent.id)
    plant: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "database": lambda: row(pair, legal[0], text, legal[1]),
        "database's log": lambda: row(pair, legal[0], data, legal[1]),
        "identities": lambda: row(
            pair, "INSERT INTO received (conversation, sealed, at) VALUES ('x', ?, 'x')", data,
            "DELETE FROM received WHERE conversation = 'x'", "identities.sqlite",
        ),
        "gallery": lambda: template(pair),
        "cache: the gallery before a rebuild": lambda: file(home / "gallery.old" / "codes.bin", bytes(99) + data),
        "cache": lambda: file(home / "cache" / "decoded.png", data),
        "queue of messages": lambda: row(
            pair, f"UPDATE messages SET sealed = ? WHERE conversation = '{sent.id}' AND direction = 'out'", data,
            f"UPDATE messages SET sealed = NULL WHERE conversation = '{sent.id}'",
        ),
        "queue of steps": lambda: row(
            pair, "INSERT INTO planted VALUES (?)", data, "DELETE FROM planted", made_queue(home)
        ),
        "queue: the drop folder": lambda: file(home / "drop" / "later.bin", bytes(5000) + data[20_000:60_000]),
        "temporary": lambda: file(Path(tempfile.gettempdir()) / "mithaq-planted", data),
        "log": lambda: file(
            home / "logs" / "node.jsonl", json.dumps({"event": "decoded", "print": text}).encode() + b"\n"
        ),
    }  # fmt: skip
    assert traces(pair, needles) == set()
    with plant[where]():
        if name and not name.endswith("-wal") and name.endswith("sqlite"):
            with closing(sqlite3.connect(home / name)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = traces(pair, needles)
        assert expected in {needle for needle, _ in found}
        assert not name or name in {place for _, place in found}
    assert traces(pair, needles) == set()


def legal_undo(conversation: str) -> str:
    return f"UPDATE conversations SET legal_basis = 'x' WHERE id = '{conversation}'"


def made_queue(home: Path) -> str:
    """A table in the database of the durable steps, which a node has once it served."""
    with closing(sqlite3.connect(home / "steps.sqlite")) as other:
        other.execute("CREATE TABLE IF NOT EXISTS planted (body BLOB)")
    return "steps.sqlite"


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
