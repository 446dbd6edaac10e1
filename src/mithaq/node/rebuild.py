"""The gallery made anew from the node's own database: every reference print is kept there, sealed.

    reference_prints ─ open ─ box ─ extract ─► gallery.new ─► in the place of gallery, which is kept as gallery.old

For a gallery that was lost or damaged, and after a change of the extractor. What an earlier run has done is known by
its place (reference, finger, impression), so that a break costs the print under way. The node must not be serving.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mithaq.errors import ImageError, StorageError
from mithaq.node.gateway import Node
from mithaq.node.intake import examine
from mithaq.node.opening import old_place
from mithaq.node.stages import Stages
from mithaq.node.store import exposures, references
from mithaq.search import Gallery


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many reference prints were made searchable, were so already, and could not be: (position, code) of each."""

    added: int
    known: int
    left_out: list[tuple[int, str]]


def new_place(place: Path) -> Path:
    """Where the new gallery grows until it is whole."""
    return place.with_name(place.name + ".new")


def rebuild(node: Node, gallery: Gallery, progress: Callable[[int, int], None]) -> Rebuilt:
    """Puts every reference print of the node's database into `gallery`; `progress` gets (done, total)."""
    with node.database.read() as tx:
        hidden = exposures.all_hidden(tx)
        wanted = [slot for slot in references.all_reference_prints(tx) if slot[0] not in hidden]
    there = Counter(gallery.slots())
    added, known = 0, 0
    left_out: list[tuple[int, str]] = []
    for done, slot in enumerate(wanted, 1):
        if there[slot]:
            known += 1
        else:
            reference, position, impression = slot
            with node.database.read() as tx:
                stored = [
                    one for one in references.prints_of(tx, reference) if (one.position, one.impression) == slot[1:]
                ]
            for one in stored:
                found = node.open_reference(one)
                try:
                    examined = examine(
                        node.gray(found), found.position, impression, stages=Stages(),
                        network=node.settings.extract.network,
                    )  # fmt: skip
                except ImageError as error:
                    left_out.append((position, error.code))
                    continue
                added += gallery.add(reference, position, impression, examined.template)
        progress(done, len(wanted))
    return Rebuilt(added, known, left_out)


def put_in_place(place: Path) -> None:
    """Puts the whole new gallery where the node looks for it. What was there is kept beside it, as `….old`."""
    new, old = new_place(place), old_place(place)
    try:
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.rename(place, old)
        os.rename(new, place)
    except OSError as error:
        raise StorageError(
            "NOD-182",
            f"the new gallery could not be put in its place ({error.strerror})",
            place=str(place),
            expected="a folder that this account may rename",
            remedy="mend that and run the command again; nothing was lost",
        ) from None
