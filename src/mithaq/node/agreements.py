"""The agreements this node acts under: signed files in one folder, verified when read, found by id or by partner.

A file that does not verify is never used; it is kept in `problems`, so that `status` can say why. The folder is read
again when it changes, so an agreement that was installed by a command takes effect without a restart.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from mithaq.errors import MithaqError, StorageError, TrustError
from mithaq.pact.agreement import Agreement, active
from mithaq.pact.signed import Signed, parse_signed, verify
from mithaq.pact.standing import governing

LARGEST_FILE_BYTES = 2 * 1024 * 1024


class Agreements:
    """The signed agreements in a folder. `anchor` is our own key's thumbprint, `former` those of the keys before it: one
    signature must be ours."""

    def __init__(self, folder: Path, *, party: str, anchor: str, former: Collection[str] = ()) -> None:
        self._folder = folder
        self._party = party
        self._anchors = (anchor, *former)
        self._lock = threading.Lock()
        self._seen: frozenset[tuple[str, int, int]] = frozenset()
        self._by_id: dict[str, Agreement] = {}
        self._signed_at: dict[str, str] = {}
        self.is_over: Callable[[Agreement, datetime], bool] = lambda agreement, at: False  # by a termination
        self.problems: dict[str, TrustError] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the folder again if a file in it changed."""
        with self._lock:
            seen = self._listed()
            if seen == self._seen:
                return
            by_id, problems = {}, {}
            for name in sorted(name for name, *_ in seen):
                try:
                    agreement, signed_at = self._read(self._folder / name)
                    by_id[agreement.id] = agreement
                    self._signed_at[agreement.id] = signed_at
                except TrustError as error:
                    problems[name] = error
                except OSError as error:
                    problems[name] = TrustError(
                        "NOD-136", f"the file cannot be read ({error.strerror})", place=name, remedy="mend or remove it"
                    )
            self._by_id, self.problems, self._seen = by_id, problems, seen

    def _listed(self) -> frozenset[tuple[str, int, int]]:
        """Name, time and size of each agreement's file. StorageError where the folder cannot be read: no agreement would
        look like none ever signed."""
        try:
            with os.scandir(self._folder) as entries:
                found = [entry for entry in entries if entry.name.endswith(".json")]
            facts = [(one.name, one.stat(follow_symlinks=False)) for one in found]
        except OSError as error:
            raise StorageError(
                "NOD-135",
                f"the folder of agreements cannot be read ({error.strerror})",
                place=str(self._folder),
                expected="a folder that this account may read",
                remedy="restore it or mend its permissions",
            ) from None
        return frozenset((name, fact.st_mtime_ns, fact.st_size) for name, fact in facts)

    def _read(self, file: Path) -> tuple[Agreement, str]:
        """The agreement in a file, and the instant of its first signature."""
        if file.stat().st_size > LARGEST_FILE_BYTES:
            raise TrustError("NOD-130", "the file is too large to be an agreement", place=file.name)
        signed = parse_signed(file.read_bytes())
        agreement = verify(signed, anchor=self._anchor_of(signed))
        if agreement.party(self._party) is None:
            raise TrustError("NOD-131", "this node is no party to the agreement", place=file.name, expected=self._party)
        return agreement, min(signature.signed_at for signature in signed.signatures.values())

    def trust(self, thumbprint: str) -> None:
        """From now on, agreements signed with that key of ours are ours, too: the key rotated (REQ-124)."""
        self._anchors = (thumbprint, *self._anchors)

    def _anchor_of(self, signed: Signed) -> str:
        """Our key among those that signed, the present one where none of them is ours (and `verify` then refuses)."""
        keys = {signature.key for signature in signed.signatures.values()}
        return next((anchor for anchor in self._anchors if anchor in keys), self._anchors[0])

    def all(self) -> list[Agreement]:
        """Every verified agreement, by partner and version."""
        self.refresh()
        return sorted(self._by_id.values(), key=lambda one: (one.other(self._party), one.version))

    def by_id(self, agreement_id: str) -> Agreement:
        """The agreement that a message or conversation names; TrustError where it is not one that both signed."""
        found = self.find(agreement_id)
        if found is None:
            raise TrustError(
                "NOD-132",
                "no agreement of that id is signed by both and installed here",
                place=agreement_id[:71],
                remedy="install the agreement on both sides; compare `mithaq agreement show`",
            )
        return found

    def find(self, agreement_id: str) -> Agreement | None:
        """The agreement of that id, or None."""
        self.refresh()
        return self._by_id.get(agreement_id)

    def current(self, partner: str, at: datetime) -> Agreement:
        """The newest agreement with a partner that is in force; where none is, the newest of all (the gate refuses).

        TrustError where there is no agreement with that partner at all.
        """
        known = [one for one in self.all() if one.other(self._party) == partner]
        in_force = [one for one in known if active(one, at)]
        if len(in_force) > 1:
            in_force = [one for one in in_force if not self.is_over(one, at)] or in_force
        if not known:
            raise TrustError(
                "NOD-133",
                f"there is no agreement with {partner[:8]}",
                expected=", ".join(sorted(self.partners())) or "an agreement signed by both",
                remedy="install one with `mithaq agreement sign`",
            )
        return max(in_force or known, key=lambda one: one.version)

    def signed_at(self, agreement_id: str) -> str:
        """The instant of the agreement's first signature, as `units.timestamp` writes it; "" for an unknown one."""
        return self._signed_at.get(agreement_id, "")

    def governing(self, agreement_id: str, at: datetime) -> Agreement:
        """Under which version a conversation that began under this one goes on at that instant (REQ-161); TrustError
        NOD-132 where it is not installed."""
        return governing(self.by_id(agreement_id), self._by_id.values(), at)

    def partners(self) -> set[str]:
        """The codes of all partners."""
        return {one.other(self._party) for one in self.all()}

    def pinned_certificates(self) -> dict[str, list[bytes]]:
        """The partners' DER certificates, by partner."""
        pinned: dict[str, list[bytes]] = {}
        for one in self.all():
            partner = one.other(self._party)
            pinned.setdefault(partner, []).extend(one.parties[partner].keys.certificates)
        return pinned

    def _file(self, agreement_id: str) -> Path:
        return self._folder / f"{agreement_id.removeprefix('sha256:')[:16]}.json"

    def signed_file(self, agreement_id: str) -> bytes:
        """The signed agreement as its file holds it; StorageError NOD-137 where that cannot be read."""
        try:
            return self._file(agreement_id).read_bytes()
        except OSError as error:
            raise StorageError(
                "NOD-137", f"the agreement's file cannot be read ({error.strerror})", place=agreement_id[:71]
            ) from None

    def install(self, data: bytes) -> Agreement:
        """Verify a signed agreement and keep it, whole or not at all; MithaqError where it does not verify."""
        signed = parse_signed(data)
        agreement = verify(signed, anchor=self._anchor_of(signed))
        if agreement.party(self._party) is None:
            raise TrustError("NOD-131", "this node is no party to the agreement", expected=self._party)
        target = self._file(agreement.id)
        temporary = target.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                file.write(signed.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            raise _cannot_write(error, target) from None
        self.refresh()
        return agreement

    @property
    def _proposals(self) -> Path:
        return self._folder.parent / "proposals"

    def keep_proposal(self, signed: Signed) -> None:
        """Keep a document that not both have signed yet, for review at the desk (REQ-161); nothing is done under it."""
        self._proposals.mkdir(mode=0o700, exist_ok=True)
        target = self._proposals / f"{signed.id.removeprefix('sha256:')[:16]}.json"
        try:
            target.write_bytes(signed.to_bytes())
        except OSError as error:
            raise _cannot_write(error, target) from None

    def proposals(self) -> list[Signed]:
        """The documents under review, those left out that were installed since or that cannot be read."""
        found = []
        for file in sorted(self._proposals.glob("*.json")) if self._proposals.is_dir() else []:
            try:
                signed = parse_signed(file.read_bytes())
            except (OSError, MithaqError):
                continue  # a draft: whoever wrote it sees the error when signing it
            if self.find(signed.id) is None:
                found.append(signed)
        return found


def _cannot_write(error: OSError, target: Path) -> MithaqError:
    return StorageError(
        "NOD-134",
        f"the agreement could not be kept ({error.strerror})",
        place=str(target),
        remedy="free space or mend the permissions, then install it again",
    )
