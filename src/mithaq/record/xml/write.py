"""Leaves as XML: elements opened and closed as their places ask, payloads encoded a piece at a time.

    leaves in the order of the document ──► chunks of UTF-8, which put together are the package

Not done here: which leaves there are (`leaves`).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator

from mithaq.record.xml.leaves import Leaf
from mithaq.record.xml.table import ANY, CATEGORY, NAMESPACES, RECORDS, ROOT, Node

_PIECE = 48 << 10  # bytes of a payload encoded at a time; a multiple of three
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def chunks(records: Iterable[tuple[int, list[Leaf]]], prefixes: Iterable[str]) -> Iterator[bytes]:
    """The package's bytes in order. `prefixes` are those that it uses."""
    names = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in sorted(prefixes))
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{ROOT}{names}>\n'.encode()
    for record_type, leaves in records:
        name = RECORDS[record_type]
        category = str(record_type) if record_type == 1 else f"{record_type:02d}"
        yield f" <{name}>\n  <biom:{CATEGORY}>{category}</biom:{CATEGORY}>\n".encode()
        yield from _elements(leaves)
        yield f" </{name}>\n".encode()
    yield f"</{ROOT}>\n".encode()


def prefixes_of(records: Iterable[tuple[int, list[Leaf]]]) -> set[str]:
    """The prefixes that a package of these leaves uses."""
    found = {"itl", "biom"}
    nodes = {leaf.node for _, leaves in records for leaf in leaves}
    found.update(_full(step.name).partition(":")[0] for node in nodes for step in node.steps)
    return found


def elements_in(leaves: list[Leaf]) -> int:
    """How many elements the leaves of a record take."""
    count = 0
    last: tuple[int, ...] = ()
    for leaf in leaves:
        shared = next((at for at, (a, b) in enumerate(zip(last, leaf.key, strict=False)) if a != b), len(last)) // 2
        count += len(leaf.node.steps) - min(shared, len(leaf.node.steps) - 1)
        if leaf.number != ANY and isinstance(leaf.value, str):
            count += 2 + 2 * leaf.value.count("\x1e") + leaf.value.count("\x1f")
        last = leaf.key
    return count


def _elements(leaves: list[Leaf]) -> Iterator[bytes]:
    open_names: list[str] = []
    open_key: tuple[int, ...] = ()
    for leaf in leaves:
        steps = leaf.node.steps
        shared = 0
        while (
            shared < len(steps) - 1 and open_key[2 * shared : 2 * shared + 2] == leaf.key[2 * shared : 2 * shared + 2]
        ):
            shared += 1
        yield _closing(open_names, shared)
        yield _opening(steps[shared:-1], open_names)
        yield from _value(leaf, len(open_names) + 2)
        open_key = leaf.key[: 2 * len(open_names)]
    yield _closing(open_names, 0)


def _opening(steps: tuple[Node, ...], open_names: list[str]) -> bytes:
    made = []
    for step in steps:
        name = _full(step.name)
        made.append(f"{' ' * (len(open_names) + 2)}<{name}>\n")
        open_names.append(name)
    return "".join(made).encode()


def _closing(open_names: list[str], kept: int) -> bytes:
    made = []
    while len(open_names) > kept:
        name = open_names.pop()
        made.append(f"{' ' * (len(open_names) + 2)}</{name}>\n")
    return "".join(made).encode()


def _value(leaf: Leaf, depth: int) -> Iterator[bytes]:
    name = _full(leaf.node.name)
    head = name if leaf.number == ANY else f'{name} number="{leaf.number}"'
    if isinstance(leaf.value, memoryview):
        encoding = "" if leaf.number == ANY else ' encoding="base64"'
        yield f"{' ' * depth}<{head}{encoding}>".encode()
        for at in range(0, len(leaf.value), _PIECE):
            yield binascii.b2a_base64(leaf.value[at : at + _PIECE], newline=False)
        yield f"</{name}>\n".encode()
    elif leaf.number != ANY:
        subfields = (subfield.split("\x1f") for subfield in leaf.value.translate(_ESCAPES).split("\x1e"))
        made = (
            "".join(
                ("<mithaq:Subfield>", *(f"<mithaq:Item>{item}</mithaq:Item>" for item in items), "</mithaq:Subfield>")
            )
            for items in subfields
        )
        yield f"{' ' * depth}<{head}>{''.join(made)}</{name}>\n".encode()
    else:
        yield f"{' ' * depth}<{name}>{leaf.value.translate(_ESCAPES)}</{name}>\n".encode()


def _full(name: str) -> str:
    return name if ":" in name else f"biom:{name}"
