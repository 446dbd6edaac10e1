"""A national system's changes: by the API on this machine and by the drop folder; what does not fit is refused whole."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pair import NAMES

from mithaq.demo.prints import impression, smudge
from mithaq.demo.ridges import finger
from mithaq.errors import FormatError, SettingsError
from mithaq.image import png_bytes
from mithaq.node import exposure, national
from mithaq.node.gateway import Node
from mithaq.node.initialise import initialise
from mithaq.node.national_api import RECORDS_PATH, make_token, national_app
from mithaq.node.opening import open_gallery, open_node
from mithaq.node.residue import print_needles, scan
from mithaq.node.settings import FILE_NAME, read_settings
from mithaq.node.store import exposures, ledger

SECTION = '\n[national]\ndrop = "drop"\nlisten = "127.0.0.1:0"\n'


@pytest.fixture(scope="module")
def picture() -> bytes:
    return png_bytes(impression(finger(1), 1))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    home = tmp_path / "QA"
    initialise(home, party="QA", contact="qa-ncp", name=NAMES["QA"])
    (home / FILE_NAME).write_text((home / FILE_NAME).read_text() + SECTION)
    (home / "drop").mkdir()
    with open_node(home) as made:
        yield made


def person(picture: bytes, **changes: Any) -> dict[str, Any]:
    coded = base64.b64encode(picture).decode()
    return {
        "op": "add",
        "person": "NATIONAL-7",
        "identity": {"family_name": "Zubayribakthaf", "birth_date": "1980-05-06"},
        "codes": {"category": "arrestee", "disposition": "charged", "birth_date": "1980-05-06"},
        "prints": [{"position": 2, "data": coded}],
        **changes,
    }


def test_a_romanised_name_without_a_scheme_is_refused_whole(node: Node, picture: bytes) -> None:
    name = {"original": "زبير", "script": "Arab", "romanised": [{"value": "Zubayr"}]}
    with pytest.raises(FormatError) as refused:
        national.read_change(json.dumps(person(picture, identity={"family_name": name})).encode())
    assert refused.value.code == "PAC-270"


def kinds(node: Node) -> list[str]:
    with node.database.read() as tx:
        return [json.loads(one.body)["kind"] for one in ledger.entries(tx) if one.body]


def test_a_person_is_added_changed_and_withdrawn_over_the_api(node: Node, picture: bytes) -> None:
    make_token(node.settings)
    token = (node.settings.home / "keys" / "national.token").read_text().strip()
    api = TestClient(national_app(node), base_url="http://127.0.0.1")

    def send(change: object, with_token: str = token) -> Any:
        return api.post(RECORDS_PATH, content=json.dumps(change), headers={"authorization": f"Bearer {with_token}"})

    assert send(person(picture), "x" * 43).status_code == 401
    assert api.post(RECORDS_PATH, content="{}").status_code == 401
    assert node.searcher.count().impressions == 0
    added = send(person(picture)).json()
    assert added["exposed"] is True
    assert [one["outcome"] for one in added["prints"]] == ["enrolled"]
    assert send(person(picture)).json()["prints"][0]["outcome"] == "known"
    assert node.searcher.count().impressions == 1
    reference = added["reference"]
    assert node.person(reference)["family_name"] == "Zubayribakthaf"
    assert exposure.record_of(node, reference).disposition == "charged"

    changed = send(
        {"op": "change", "person": "NATIONAL-7", "identity": {"sex": "M"}, "codes": {"disposition": "acquitted"}}
    )
    assert changed.json() == {"reference": reference, "exposed": True, "prints": []}
    assert node.person(reference) == {**person(picture)["identity"], **person(picture)["codes"], "sex": "M"}
    assert send({"op": "change", "person": "NOBODY"}).status_code == 422
    assert send({"op": "withdraw", "person": "NATIONAL-7"}).json()["exposed"] is False
    assert node.person(reference) == {}
    assert node.searcher.count().impressions == 0
    assert send({"op": "withdraw", "person": "NATIONAL-7"}).status_code == 422
    for kind in ("enrolled", "record-changed", "withdrawn"):
        assert kind in kinds(node)
    assert scan(node, print_needles(node, picture)).is_clean


def test_a_new_record_is_searchable_only_where_the_rule_exposes_it(node: Node, picture: bytes) -> None:
    with node.database.write() as tx:
        rule = {"categories": ["arrestee"], "offences": [], "dispositions": ["convicted"], "min_age": 0}
        exposures.add_rule(tx, exposures.StoredRule(1, rule, "officer-1", "", "2026-01-01"))
    added = national.apply(node, national.read_change(json.dumps(person(picture)).encode()))
    assert (added.exposed, node.searcher.count().impressions) == (False, 0)
    national.apply(
        node, national.read_change(b'{"op":"change","person":"NATIONAL-7","codes":{"disposition":"convicted"}}')
    )
    assert node.searcher.count().impressions == 1


def test_the_drop_folder_takes_changes_leaves_nothing_of_them_and_sets_aside_what_it_cannot_use(
    node: Node, picture: bytes
) -> None:
    drop = node.settings.home / "drop"
    (drop / "a.png").write_bytes(picture)
    dropped = person(picture, prints=[{"position": 2, "file": "a.png"}])
    (drop / "1.json").write_text(json.dumps(dropped))
    (drop / "2.json").write_text('{"op": "add", "person": "NATIONAL-8"}')
    (drop / "3.json.part").write_text("half")
    while national.take_drop(node):
        pass
    assert sorted(one.name for one in drop.iterdir()) == ["3.json.part", "refused"]
    assert json.loads((drop / "refused" / "2.why").read_text())["code"] == "NOD-272"
    assert node.searcher.count().impressions == 1
    assert not [one for one in scan(node, print_needles(node, picture)).traces if one.needle != "template"]


def test_a_dropped_change_waits_while_another_process_writes_to_the_gallery(node: Node, picture: bytes) -> None:
    drop = node.settings.home / "drop"
    (drop / "1.json").write_text(json.dumps(person(picture)))
    with open_gallery(node):
        assert national.take_drop(node) == 0
        assert (drop / "1.json").exists()
    assert national.take_drop(node) == 1
    assert not (drop / "1.json").exists()


def test_a_person_without_a_searchable_print_is_not_enrolled(node: Node) -> None:
    blur = base64.b64encode(png_bytes(smudge(1))).decode()
    change = person(b"", prints=[{"position": 1, "data": blur}])
    done = national.apply(node, national.read_change(json.dumps(change).encode()))
    assert (done.reference, done.prints[0].outcome) == (None, "unsearchable")


@pytest.mark.parametrize(
    "change",
    [
        "[]", "{", '{"op": "add"}', '{"op": "grow", "person": "A"}', '{"op": "change", "person": ""}',
        '{"op": "change", "person": "A", "name": 1}', '{"op": "change", "person": "A", "codes": {"hair": "red"}}',
        '{"op": "change", "person": "A", "codes": {"category": 1}}',
        '{"op": "change", "person": "A", "prints": [{"position": 1, "data": ""}]}',
        '{"op": "add", "person": "A", "prints": [{"position": 13, "data": ""}]}',
        '{"op": "add", "person": "A", "prints": [{"position": true, "data": ""}]}',
        '{"op": "add", "person": "A", "prints": [{"position": 1, "data": "!"}]}',
        '{"op": "add", "person": "A", "prints": [{"position": 1, "ppi": 3, "data": ""}]}',
        '{"op": "add", "person": "A", "prints": [{"position": 1, "file": "../keys/sign.pem"}]}',
        '{"op": "add", "person": "A", "prints": [{"position": 1, "file": ".."}]}',
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_refusal_with_its_code(change: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as refused:
        national.read_change(change.encode(), folder=tmp_path)
    assert refused.value.code == "NOD-272"


def test_the_api_needs_a_token_and_listens_on_this_machine_alone(node: Node) -> None:
    with pytest.raises(SettingsError) as refused:
        national_app(node)
    assert refused.value.code == "NOD-273"
    file = node.settings.home / FILE_NAME
    file.write_text(file.read_text().replace('listen = "127.0.0.1:0"\n', 'listen = "0.0.0.0:8090"\n'))
    with pytest.raises(SettingsError) as refused:
        read_settings(node.settings.home)
    assert refused.value.code == "NOD-004"
