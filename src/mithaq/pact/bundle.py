"""A bundle: chosen ledger entries with everything that proves them, in one file that checks without mithaq.

    period │ case │ sample ──indexes──► entries + inclusion proofs ─┐
    partner's co-signed checkpoints + consistency proofs ───────────┼──make_bundle──► JSON, for `verify_bundle.py`
    the head, signed by the node ──────────────────────────────────┘

A period is whole: each entry between its borders, and one more on either side. A sample is drawn by a seed that whoever
checks should choose. Bodies hold case numbers and officers' codes, no person and no print; erased ones stay erased.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from mithaq.errors import SettingsError
from mithaq.pact.checkpoint import Checkpoint, parse_checkpoint, parse_note, sign_checkpoint
from mithaq.pact.keys import CheckpointKey
from mithaq.pact.ledger import Entry
from mithaq.pact.merkle import Get, consistency_proof, inclusion_proof, root
from mithaq.pact.verify_bundle import SCHEMA, sample
from mithaq.units import timestamp

LARGEST_SAMPLE = 100_000


@dataclass(frozen=True)
class Selection:
    """What a bundle is to show: a `period` (start, not end), a `case`, or a `sample` by seed and count. Exactly one."""

    start: datetime | None = None
    end: datetime | None = None
    case: str = ""
    seed: str = ""
    count: int = 0

    def __post_init__(self) -> None:
        kinds = (self.start is not None or self.end is not None, bool(self.case), bool(self.seed or self.count))
        is_whole = bool(self.seed) == (0 < self.count <= LARGEST_SAMPLE) and (
            not kinds[0] or (self.start is not None and self.end is not None and self.start < self.end)
        )
        if sum(kinds) != 1 or not is_whole:
            raise SettingsError(
                "PAC-190",
                "what the bundle is to show is not clear",
                key="bundle",
                expected=f"a period with both ends, a case, or a seed with 1 to {LARGEST_SAMPLE} entries",
            )

    def as_dict(self) -> dict[str, Any]:
        """The selection as the bundle states it."""
        if self.start is not None and self.end is not None:
            return {"kind": "period", "from": timestamp(self.start), "to": timestamp(self.end)}
        if self.case:
            return {"kind": "case", "case": self.case}
        return {"kind": "sample", "seed": self.seed, "count": self.count}


def choose(selection: Selection, rows: Iterable[tuple[int, str, bytes | None]], size: int) -> list[int]:
    """The indexes of the entries that the selection means, rising. `rows` are (index, instant, body) of every entry in
    order; a sample does not read them."""
    if selection.seed:
        return sample(selection.seed, size, min(selection.count, size))
    if selection.case:
        return _of_case(selection.case, rows)
    period = selection.as_dict()
    return _of_period(period["from"], period["to"], rows, size)


def make_bundle(
    party: str,
    selection: Selection,
    entries: Sequence[Entry],
    *,
    size: int,
    get: Get,
    key: CheckpointKey,
    keys: Mapping[str, Sequence[str]],
    notes: Mapping[str, str],
    at: datetime,
) -> dict[str, Any]:
    """The bundle as JSON values: these entries of a ledger of `size` entries whose nodes `get` reads. `keys` are each
    party's verifier keys, `notes` the newest checkpoint that each partner co-signed."""
    head = Checkpoint(key.name, size, root(size, get))
    witnessed = []
    for partner, note in sorted(notes.items()):
        known = parse_checkpoint(parse_note(note)[0])
        proof = consistency_proof(known.size, size, get)
        witnessed.append({"by": partner, "note": note, "consistency": [value.hex() for value in proof]})
    return {
        "schema": SCHEMA,
        "node": party,
        "made": timestamp(at),
        "keys": {code: list(values) for code, values in keys.items()},
        "head": sign_checkpoint(head, key),
        "witnessed": witnessed,
        "selection": selection.as_dict(),
        "entries": [_entry(entry, size, get) for entry in entries],
    }


def verifier() -> bytes:
    """The single file that checks a bundle, as it is shipped."""
    return resources.files("mithaq.pact").joinpath("verify_bundle.py").read_bytes()


def _entry(entry: Entry, size: int, get: Get) -> dict[str, Any]:
    return {
        "index": entry.index,
        "commitment": entry.commitment.hex(),
        "salt": entry.salt.hex() if entry.salt is not None else None,
        "body": entry.body.decode("utf-8") if entry.body is not None else None,
        "proof": [value.hex() for value in inclusion_proof(entry.index, size, get)],
    }


def _of_period(start: str, end: str, rows: Iterable[tuple[int, str, bytes | None]], size: int) -> list[int]:
    first, last, before = size, -1, -1
    erased = set()
    for index, at, body in rows:
        if body is None:
            erased.add(index)
        if start <= at < end:
            first, last = min(first, index), index
        elif at < start and last < 0:
            before = index
    if last < 0:  # nothing happened: the entries on either side show it
        first, last = before + 1, before
    low, high = first - 1, last + 1  # the borders, which must still say when they were
    while low in erased:
        low -= 1
    while high in erased:
        high += 1
    return list(range(max(low, 0), min(high, size - 1) + 1))


def _of_case(case: str, rows: Iterable[tuple[int, str, bytes | None]]) -> list[int]:
    named: dict[int, str] = {}
    chosen: set[int] = set()
    conversations: set[str] = set()
    for index, _, body in rows:
        data = json.loads(body).get("data", {}) if body is not None else {}
        if data.get("case") == case:
            chosen.add(index)
            conversations.add(data.get("conversation", ""))
        elif data.get("conversation"):
            named[index] = data["conversation"]
    conversations.discard("")
    return sorted(chosen | {index for index, conversation in named.items() if conversation in conversations})
