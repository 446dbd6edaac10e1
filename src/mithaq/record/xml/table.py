"""The table of paths, made ready: a tree of elements for reading, and for each field its rows for writing.

    PATHS, SLOTS, ORDER (text) ──table(14)──► Table: a tree of Nodes, rows by field number

A Node stands for an element at its place; a Row says which item of which field it holds. Made when first asked for, once
for each record type. Not done here: values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from mithaq.record.xml.paths import OLD, ORDER, PATHS, SLOTS

NAMESPACES = {
    "itl": "http://biometrics.nist.gov/standard/2011",
    "biom": "http://niem.gov/niem/biometrics/1.0",
    "nc": "http://niem.gov/niem/niem-core/2.0",
    "int-i": "http://interpol.gov/int-i/1.0",
    "mithaq": "urn:mithaq:user-defined-fields:1",
}
OLD_NAMESPACES = {  # of the 2008 edition
    "itl": "http://biometrics.nist.gov/standard/2-2008",
    "biom": "http://niem.gov/niem/ansi-nist/2.0",
}
ROOT = "itl:NISTBiometricInformationExchangePackage"
RECORDS: Mapping[int, str] = {
    record_type: f"itl:Package{name}Record"
    for record_type, name in {
        1: "Information",
        2: "DescriptiveText",
        3: "LowResolutionGrayscaleImage",
        4: "HighResolutionGrayscaleImage",
        5: "LowResolutionBinaryImage",
        6: "HighResolutionBinaryImage",
        7: "UserDefinedImage",
        8: "SignatureImage",
        9: "Minutiae",
        10: "FacialAndSMTImage",
        13: "LatentImage",
        14: "FingerprintImage",
        15: "PalmprintImage",
        16: "UserDefinedTestingImage",
        17: "IrisImage",
        19: "PlantarImage",
        20: "SourceRepresentation",
        21: "AssociatedContext",
        98: "InformationAssurance",
        99: "CBEFFBiometricData",
    }.items()
}
ONLY_2008 = frozenset({3, 5, 6})  # record types whose elements the 2011 edition dropped
CATEGORY = "RecordCategoryCode"
ANY = 0  # the row of fields that have no element of their own
OWN_NUMBERS = range(3, 10_000)  # the fields that our own element takes: domains number theirs with up to four digits
_STEP = re.compile(r"([^*+]+)([*+]?)([0-9]*)")
_SLOT = re.compile(r"\{[a-z-]+\}")


@dataclass(slots=True, eq=False)
class Node:
    """An element at its place under a record, `steps` leading to it. `mark` is "*" where it repeats for subfields (from
    number `first` on), "+" where it repeats inside one; `rows` are what it holds, if it holds a value."""

    name: str
    rank: int
    parent: Node | None = None
    mark: str = ""
    first: int = 0
    children: dict[str, Node] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    steps: tuple[Node, ...] = ()

    @property
    def path(self) -> str:
        """The names from the record's element down, as a person reads them."""
        return "/".join(step.name for step in self.steps)


@dataclass(slots=True, eq=False)
class Row:
    """One item of one field (`part` of it, where an element holds only that) and the places where it may stand.

    `repeats` where the items themselves repeat inside a subfield, such as the points of a polygon.
    """

    number: int
    item: int
    kind: str
    form: str
    part: int
    places: list[tuple[Node, str]] = field(default_factory=list)
    repeats: bool = False


@dataclass(slots=True)
class Table:
    """What one record type holds. `group` tells the first and the number of the items that repeat, by field."""

    root: Node
    rows: dict[int, list[Row]]
    group: dict[int, tuple[int, int]]


@cache
def table(record_type: int) -> Table:
    """The table of a record type in RECORDS."""
    root = Node(RECORDS[record_type], 0)
    category = Node(CATEGORY, -1, root)
    category.steps = (category,)
    root.children[CATEGORY] = category
    made = Table(root, {}, {})
    for line in PATHS.splitlines():
        types, number, item, kind, path = line.split("|")
        if str(record_type) not in types.split():
            continue
        name, _, rest = kind.partition("/")
        form, _, part = rest.rpartition("/") if name in ("cut", "point", "pair", "vector") else (rest, "", "0")
        row = Row(ANY if number == "*" else int(number), ord(item) - ord("A"), name, form, int(part))
        for full, when in _alternatives(record_type, path):
            for end, condition in _ends(full, name, when):
                node = _node(root, end)
                node.rows.append(row)
                if name == "field":
                    _node(root, f"{end}/mithaq:Subfield*/mithaq:Item*")
                row.places.append((node, condition))
        if row.places:
            row.repeats = name not in ("point", "vector") and any(step.mark == "+" for step in row.places[0][0].steps)
            made.rows.setdefault(row.number, []).append(row)
    for field_number, rows in made.rows.items():
        items = {row.item for row in rows if row.repeats}
        if items:
            made.group[field_number] = (min(items), len(items))
    return made


def child(node: Node, name: str) -> tuple[Node | None, bool]:
    """The child of that name, or of the name that took its place, and whether the name is given up.

    The 2011 edition moved many elements of 2008 from `itl` to `biom`, and knows them under either.
    """
    found = node.children.get(name)
    if found is not None:
        return found, False
    present = _old().get((node.name, name)) or _old().get(("", name)) or name.removeprefix("itl:")
    return node.children.get(present), True


@cache
def _old() -> dict[tuple[str, str], str]:
    rows = (line.split("|") for line in OLD.splitlines())
    return {(parent, old): present for parent, old, present in rows}


@cache
def _slots() -> dict[tuple[str, str], list[tuple[str, str]]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in SLOTS.splitlines():
        name, record_type, steps, when = line.split("|")
        found.setdefault((name, record_type), []).append((steps, when))
    return found


@cache
def _order() -> dict[str, list[str]]:
    return {name: children.split() for name, children in (line.split("|") for line in ORDER.splitlines())}


def _alternatives(record_type: int, path: str) -> list[tuple[str, str]]:
    slot = _SLOT.search(path)
    if slot is None:
        return [(path, "")]
    return [(path.replace(slot[0], steps), when) for steps, when in _slots()[slot[0], str(record_type)]]


def _ends(path: str, kind: str, when: str) -> list[tuple[str, str]]:
    """A date stands in one of two elements, by its form; everything else in the one that the path names."""
    if kind == "date":
        return [(f"{path}/nc:Date", f"{when}&date"), (f"{path}/nc:DateTime", when)]
    return [(path, when)]


def _node(root: Node, path: str) -> Node:
    node = root
    for step in path.split("/"):
        match = _STEP.fullmatch(step)
        assert match is not None, step  # the table is ours
        name, mark, first = match.groups()
        child = node.children.get(name)
        if child is None:
            order = _order().get(node.name, [])
            rank = order.index(name) if name in order else len(order) + len(node.children)
            child = Node(name, rank, node, mark, int(first or 0))
            child.steps = (*node.steps, child)
            node.children[name] = child
        node = child
    return node
