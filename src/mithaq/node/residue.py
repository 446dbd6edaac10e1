"""The residue scanner: does anything of what was erased still lie in a node's files? (REQ-080, REQ-081, REQ-086)

    needles (a print's bytes, its pixels, its template; a name) ─ windows, raw and in base64 ─► each file

Every file below the node's folder is read whole: databases with their logs, the gallery, queues, locks, drop folder; and
temporary files of this account. Beside the bytes, the tables are asked for what should not be there: keys without a
record, records without a key, prints of queries that were answered, messages that were delivered. A needle is looked for
by windows spread over it, so a larger piece of it is found, too; what was compressed or encrypted is not. That is why a sealed
record counts as gone once its key is (docs/retention.md).
"""

from __future__ import annotations

import base64
import json
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mithaq.node import erasing
from mithaq.node.gateway import Node
from mithaq.node.intake import examine, read_prints
from mithaq.node.stages import Stages
from mithaq.node.store import messages, retention
from mithaq.pact.lifecycle import Side, State

WINDOW = 24  # bytes: 192 bits do not meet by chance
WINDOWS = 48  # of one needle, spread over its length
CODE = 8  # bytes of one word of a template's codes, which the gallery keeps word by word
VARIED = {WINDOW: 9, CODE: 6}  # least different bytes in a window: a run of one colour is in every picture
SHORTEST_TEXT = 6  # letters
# A requester needs its query's print no more in these (an identified hit keeps it with the case), a holder in all others.
ENDED = {State.NO_HIT, State.UNSEARCHABLE, State.REFUSED, State.EXPIRED, State.EXCLUDED, State.INCONCLUSIVE}
SEARCHED = {State.RECEIVED, State.ANSWERING, State.DELAYED}
CONFIRMED_HERE = {State.ANSWERED_HIT, State.EXAMINED, State.DISAGREEMENT, State.CONTESTED}  # where ours confirm, too


@dataclass(frozen=True, slots=True)
class Needle:
    """Something that must not be found, under the name that the report gives it."""

    name: str
    data: bytes
    window: int = WINDOW  # bytes


@dataclass(frozen=True, slots=True)
class Trace:
    """Something that was found: which needle, in which file (relative to the node's folder), at which byte."""

    needle: str
    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Residue:
    """What a scan found. `problems` are the tables' own: codes of what should not be there, with a count."""

    files: int
    bytes: int
    traces: tuple[Trace, ...]
    problems: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """True where nothing was found."""
        return not self.traces and not self.problems


def print_needles(node: Node, data: bytes, *, ppi: float | None = None) -> list[Needle]:
    """The needles of a print's file: its bytes, its pixels, the picture as it travels, and its template's codes."""
    needles = [Needle("file", data)]
    for picture in read_prints(node.box, data, stages=Stages(), user_ppi=ppi, place="needle"):
        examined = examine(*picture, stages=Stages(), network=node.settings.extract.network)
        needles += [
            Needle("pixels", picture[0].pixels.tobytes()),
            Needle("travelling", examined.print.data),
            Needle("template", examined.template.codes.tobytes(), CODE),
        ]
    return needles


def text_needles(text: str) -> list[Needle]:
    """The needles of a name or number, in the encodings in which programs write text."""
    forms = {text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")}
    return [Needle("text", form) for form in sorted(forms) if len(text) >= SHORTEST_TEXT]


def scan(node: Node, needles: Sequence[Needle]) -> Residue:
    """Look for the needles in every file of the node and of this account's temporary folder, and question the tables."""
    windows = [(needle.name, window) for needle in needles for window in _windows(needle)]
    traces: list[Trace] = []
    count = size = 0
    for path, shown in _files(node.settings.home):
        data = _contents(path)
        if data is None:
            continue
        count, size = count + 1, size + len(data)
        found: set[str] = set()
        for name, window in windows:
            if name not in found and (offset := data.find(window)) >= 0:
                found.add(name)
                traces.append(Trace(name, shown, offset))
        if isinstance(data, mmap.mmap):
            data.close()
    return Residue(count, size, tuple(traces), _problems(node))


def _windows(needle: Needle) -> Iterator[bytes]:
    """Windows of a needle, raw and (long ones) as base64 writes them at each of the three alignments; a short needle whole."""
    data, length = needle.data, needle.window
    if len(data) <= length:
        yield data
        return
    step = max((len(data) - length) // WINDOWS // CODE * CODE, CODE)
    for start in range(0, len(data) - length + 1, step):
        window = data[start : start + length]
        if len(set(window)) < VARIED[length]:
            continue
        yield window
        for encode in (base64.b64encode, base64.urlsafe_b64encode) if length == WINDOW else ():
            for skipped in range(3):
                yield encode(bytes(skipped) + window)[4 if skipped else 0 : -4]


def _files(home: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, str(path.relative_to(home))
    for path in sorted(Path(tempfile.gettempdir()).glob("mithaq*")):
        inner = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
        for one in inner:
            if one.is_file() and not one.is_symlink() and home not in one.parents:
                yield one, f"temporary/{one.name}"


def _contents(path: Path) -> bytes | mmap.mmap | None:
    """A file's bytes, mapped; None where it went meanwhile or may not be read."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError:
        return None


def _is_needed(node: Node, side: str, state: str, agreement_id: str) -> bool:
    """True where a conversation that stands there still needs its query's print."""
    if side == Side.REQUESTER:
        return state not in ENDED
    agreement = node.agreements.find(agreement_id)
    ours = agreement is not None and agreement.answer.confirm_by != "requester"
    return state in SEARCHED or (ours and state in CONFIRMED_HERE)


def _problems(node: Node) -> dict[str, int]:
    """What the tables and the key store say that should not be, by code."""
    with node.database.read() as tx:
        prints = retention.print_labels(tx)
        found = {
            "erasures-not-done": len(retention.planned_erasures(tx)),
            "prints-past-their-answer": sum(not _is_needed(node, *one) for one in retention.query_prints(tx)),
            "delivered-messages-kept": messages.count_delivered_and_sealed(tx),
        }
    with node.identities.read() as identities:
        persons = retention.identity_labels(identities)
    keys = {name: node.record_keys.labels(name) for name in ("prints", "identities")}
    found["keys-without-a-record"] = len(erasing.stray_keys(node))
    found["records-without-a-key"] = len(prints - keys["prints"]) + len(persons - keys["identities"])
    return {name: count for name, count in found.items() if count}


__all__ = ["Needle", "Residue", "Trace", "print_needles", "scan", "text_needles"]
