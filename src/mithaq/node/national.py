"""What a national system tells its node: persons added, changed and withdrawn. One form, two ways in.

    drop folder: NAME.json (with its picture files) ─┐
    loopback API: POST /v1/records ──────────────────┴─ read_change ─► apply ─► enrol · exposure · erasing

{"op": "add | change | withdraw", "person": KEY, "identity": {…}, "codes": {…}, "prints": [{"position": 1, "data": BASE64}],
"reason": CODE}. KEY is the agency's own; only a keyed digest of it is kept. In the drop folder a print may name a "file"
beside it in place of "data". What is done is overwritten and deleted; what cannot be used goes to `refused/`, with why.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from mithaq.errors import FormatError, ImageError, MithaqError, SettingsError
from mithaq.node import erasing, exposure, journal
from mithaq.node.enrol import LARGEST_FILE_BYTES, LARGEST_IMPRESSION, Item, Outcome, enrol_bytes
from mithaq.node.gateway import Node
from mithaq.node.opening import open_gallery
from mithaq.node.store import references
from mithaq.pact.schemes import require_schemes
from mithaq.units import FingerPosition

_log = structlog.get_logger("mithaq.national")
OPS = ("add", "change", "withdraw")
MOST_PRINTS = 14
BY = "national"  # who the ledger says did it
KEYS = {"op", "person", "identity", "codes", "prints", "reason"}
ENDING = ".json"


@dataclass(frozen=True, slots=True)
class Print:
    """One print of a change; FormatError was raised where its numbers do not fit."""

    position: FingerPosition
    impression: int
    ppi: float | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it was read."""

    op: str
    person: str
    identity: Mapping[str, Any]
    codes: Mapping[str, str]
    prints: tuple[Print, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a change: the reference number, whether it is exposed now, and each print's outcome."""

    reference: str | None
    exposed: bool
    prints: tuple[Outcome, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON values."""
        outcomes = [{"outcome": one.outcome, "reasons": [list(why) for why in one.reasons]} for one in self.prints]
        return {"reference": self.reference, "exposed": self.exposed, "prints": outcomes}


def read_change(data: bytes, *, folder: Path | None = None) -> Change:
    """The change that these bytes say; FormatError NOD-272 names what does not fit and never a value, PAC-270 a romanised name without a
    scheme. Prints are taken
    from `folder` only where there is one."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        raise _unfit("it is not JSON", "one JSON object") from None
    if not isinstance(values, dict) or not values.keys() <= KEYS or not {"op", "person"} <= values.keys():
        raise _unfit("its keys are not the known ones", ", ".join(sorted(KEYS)))
    op, person, reason = values["op"], values["person"], values.get("reason", "national-withdrawal")
    identity, codes, prints = values.get("identity", {}), values.get("codes", {}), values.get("prints", [])
    if op not in OPS:
        raise _unfit("the operation is not known", ", ".join(OPS))
    if not isinstance(person, str) or not 1 <= len(person) <= 200:
        raise _unfit("person is no key", "1 to 200 letters")
    if not isinstance(identity, dict) or not isinstance(reason, str):
        raise _unfit("identity or reason is of the wrong type", "an object, a code")
    require_schemes(identity)
    if not isinstance(codes, dict) or not codes.keys() <= set(exposure.CODES):
        raise _unfit("codes are not the known ones", ", ".join(exposure.CODES))
    if not all(isinstance(value, str) and len(value) <= 64 for value in codes.values()):
        raise _unfit("a code is no short text", "at most 64 letters")
    if not isinstance(prints, list) or len(prints) > MOST_PRINTS or (prints and op != "add"):
        raise _unfit("prints do not belong there", f"at most {MOST_PRINTS}, with the operation add")
    if op == "add" and not prints:
        raise _unfit("a person is added without prints", "one print or more")
    return Change(op, person, identity, codes, tuple(_print(one, folder) for one in prints), reason)


def _print(values: object, folder: Path | None) -> Print:
    known = {"position", "impression", "ppi", "data", "file"}
    if not isinstance(values, dict) or not values.keys() <= known or "position" not in values:
        raise _unfit("a print's keys are not the known ones", ", ".join(sorted(known)))
    position, impression, ppi = values["position"], values.get("impression", 0), values.get("ppi")
    if type(position) is not int or position not in set(FingerPosition) or not FingerPosition(position).is_one_finger:
        raise _unfit("a print's position is not of one finger", "0 to 12")
    if type(impression) is not int or not 0 <= impression <= LARGEST_IMPRESSION:
        raise _unfit("a print's impression is out of range", f"0 to {LARGEST_IMPRESSION}")
    if ppi is not None and (type(ppi) not in (int, float) or not 100 <= ppi <= 4000):
        raise _unfit("a print's ppi is out of range", "100 to 4000")
    return Print(FingerPosition(position), impression, ppi, _picture(values, folder))


def _picture(values: Mapping[str, Any], folder: Path | None) -> bytes:
    data, name = values.get("data"), values.get("file")
    if isinstance(data, str) and name is None:
        try:
            return base64.b64decode(data, validate=True)
        except ValueError:
            raise _unfit("a print's data is not base64", "base64 with padding") from None
    if folder is None or data is not None or not isinstance(name, str) or Path(name).name != name or "\0" in name:
        raise _unfit("a print has no picture", "data in base64, or in the drop folder the name of a file beside it")
    place = folder / name
    try:
        if not place.is_file() or place.is_symlink() or place.stat().st_size > LARGEST_FILE_BYTES:
            raise _unfit("a print's file cannot be used", f"an ordinary file of at most {LARGEST_FILE_BYTES} bytes")
        return place.read_bytes()
    except OSError:
        raise _unfit("a print's file cannot be read", "an ordinary file") from None


def apply(node: Node, change: Change) -> Applied:
    """Do what a change asks. FormatError where a person who is to be changed is not enrolled, SettingsError for a reason
    that is not a coded one, StorageError where another process is writing to the gallery: then it is to be sent again."""
    if change.op == "add":
        return _add(node, change)
    reference = exposure.reference_of(node, change.person)
    if change.op == "withdraw":
        exposure.withdraw(node, reference, reason=change.reason, by=BY)
        return Applied(reference, exposed=False)
    return _change(node, reference, change)


def _add(node: Node, change: Change) -> Applied:
    identity = {**change.identity, **change.codes}
    outcomes = []
    with open_gallery(node) as gallery:
        for number, one in enumerate(change.prints, 1):
            item = Item(
                Path(BY) / f"print {number}", change.person, one.position, one.impression, one.ppi, identity=identity
            )
            outcomes.append(enrol_bytes(node, gallery, item, one.data))
    enrolled = sum(one.outcome == "enrolled" for one in outcomes)
    if enrolled:
        with node.database.write() as tx:
            journal.write(tx, node, "enrolled", persons=1, impressions=enrolled, by=BY)
    try:
        reference = exposure.reference_of(node, change.person)
    except FormatError:  # no print of the person could be searched
        return Applied(None, False, tuple(outcomes))
    with node.database.read() as tx:
        return Applied(reference, exposure.is_exposed(tx, reference), tuple(outcomes))


def _change(node: Node, reference: str, change: Change) -> Applied:
    if change.identity:
        identity = {**node.person(reference), **change.identity}
        with node.identities.write() as identities:
            references.replace_person(identities, reference, node.seal_person(reference, identity))
    with node.database.write() as tx:
        journal.write(tx, node, "record-changed", references=[reference], by=BY)
    exposure.change(node, reference, change.codes, by=BY)
    with node.database.read() as tx:
        return Applied(reference, exposure.is_exposed(tx, reference))


# ---------------------------------------------------------------- the drop folder


def take_drop(node: Node, *, most_s: float = 0.5) -> int:
    """Do the changes that lie in the drop folder, by name, for about that long; returns how many were done or refused.

    Write a change under another ending and rename it to .json when it is whole.
    """
    drop = node.settings.national.drop
    folder = node.settings.path(drop) if drop is not None else None
    if folder is None or not folder.is_dir():
        return 0
    began, done = node.monotonic(), 0
    for file in sorted(folder.glob(f"*{ENDING}")):
        if file.is_symlink() or not file.is_file():
            continue
        try:
            data = file.read_bytes() if file.stat().st_size <= LARGEST_FILE_BYTES else b""
            apply(node, read_change(data, folder=folder))
        except (FormatError, ImageError, SettingsError) as error:
            _refuse(folder, file, error)
        except MithaqError as error:  # the gallery is being written to, the disk is full: next time
            _log.warning("a dropped change waits", code=error.code)
            break
        else:
            for name in _files_of(data):
                erasing.wipe(folder / name)
            erasing.wipe(file)
        done += 1
        if node.monotonic() - began >= most_s:
            break
    return done


def _files_of(data: bytes) -> list[str]:
    return [one["file"] for one in json.loads(data).get("prints", []) if "file" in one]


def _refuse(folder: Path, file: Path, error: MithaqError) -> None:
    """Set a change aside with why; the names say nothing of a person unless the sender's do."""
    refused = folder / "refused"
    refused.mkdir(mode=0o700, exist_ok=True)
    (refused / f"{file.stem}.why").write_text(json.dumps(error.as_dict()), encoding="utf-8")
    os.replace(file, refused / file.name)
    _log.warning("a dropped change was refused", code=error.code)


def _unfit(problem: str, expected: str) -> FormatError:
    return FormatError("NOD-272", f"the change cannot be used: {problem}", place="change", expected=expected)
