"""A partner's prints are for comparing and answering, and for nothing else (REQ-015): none of them is ever enrolled.

Held against the pixels of each print that came from a partner and is still kept: a hit's reference prints at the
requester, a query's prints at the holder. What was erased cannot be told any more, and cannot be exported either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mithaq.errors import TrustError
from mithaq.image import to_matcher
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import matters as store
from mithaq.units import GrayImage


def require_own(node: Node, images: Sequence[GrayImage], place: str) -> None:
    """TrustError NOD-247, and an entry in the ledger, where one of the images is a print that a partner sent."""
    with node.database.read() as tx:
        foreign = store.partners_prints(tx)
    for print_id in node.partners_pixels.keys() - {stored.id for stored in foreign}:
        del node.partners_pixels[print_id]
    for stored in foreign:
        if stored.id not in node.partners_pixels:
            node.partners_pixels[stored.id] = _pixels(node.gray(node.open_print(stored)))
    ours = {_pixels(image) for image in images}
    met = next((stored for stored in foreign if node.partners_pixels[stored.id] in ours), None)
    if met is None:
        return
    with node.database.write() as tx:
        journal.write(tx, node, "use-refused", subject=met.conversation, reason="enrolment", by="node")
    raise TrustError(
        "NOD-247",
        "this print came from a partner and may not be enrolled",
        place=place,
        expected="prints of our own file (REQ-015)",
        remedy="take the file out; the attempt is in the ledger",
    )


def _pixels(image: GrayImage) -> str:
    scaled = to_matcher(image)
    return hashlib.sha256(repr(scaled.pixels.shape).encode() + scaled.pixels.tobytes()).hexdigest()
