"""Two nodes with one conversation up to released data, for tests of what is kept and erased: only the search is scripted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.prints import impression
from mithaq.demo.ridges import finger
from mithaq.image import gray_image, png_bytes, print_image
from mithaq.node import flow, officers
from mithaq.node.gateway import Node
from mithaq.node.store import references
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.references import ReferencePrint
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.pact.lifecycle import Conclusion
from mithaq.search import Gallery
from mithaq.units import Candidate, FingerPosition, PrintImage, timestamp

REFERENCE = "US-TESTPERSON22"
IDENTITY = {"family_name": "Zubayribakthaf", "given_names": "Qutaybaworth", "birth_date": "1980-05-06"}


class Scripted:
    """A searcher that finds whom it is told to find."""

    def __init__(self, gallery: Any) -> None:
        self.gallery = gallery
        self.found: list[str] = []

    def search(self, probes: Sequence[Any], **_: Any) -> list[Candidate]:
        return [Candidate(one, FingerPosition.RIGHT_INDEX, 0, 0.9, {}, 0) for one in self.found]

    def count(self) -> Any:
        return self.gallery.count()

    def close(self) -> None:
        self.gallery.close()


def probe() -> bytes:
    return png_bytes(impression(finger(1), 1))


def keep_person(node: Node, reference: str = REFERENCE, person: str = "NATIONAL-1") -> PrintImage:
    """A person in the node's file: identity and one reference print, not in the gallery."""
    picture = png_bytes(impression(finger(1), 2))
    found = print_image(gray_image(node.box, picture), FingerPosition.RIGHT_INDEX, 0)
    now = timestamp(node.clock())
    with node.database.write() as tx:
        sealed = node.seal_reference(reference, found)
        references.add_reference_print(tx, ReferencePrint(reference, int(found.position), 0, sealed, now))
    with node.identities.write() as identities:
        key = node.identity_vault.digest(person)
        references.add_person(identities, reference, key, node.seal_person(reference, IDENTITY))
    return found


def make_pair(folder: Path, **terms: Any) -> Pair:
    with pytest.MonkeyPatch.context() as patch:  # passphrases that are cheap to try: these tests are not of them
        patch.setattr(officers, "create_credential", partial(create_credential, cost=Argon2Cost(1, 64, 1)))
        pair = Pair(folder, **terms)
    for home, node in ((pair.homes[code], node) for code, node in pair.nodes.items()):
        node.searcher.close()  # type: ignore[attr-defined]
        node.searcher = Scripted(Gallery(home / "gallery"))  # type: ignore[assignment]
    keep_person(pair.nodes["US"])
    pair.nodes["US"].searcher.found = [REFERENCE]  # type: ignore[attr-defined]
    return pair


def ask(pair: Pair) -> Conversation:
    sent = flow.submit_query(pair.nodes["QA"], probe(), ORDER)
    assert isinstance(sent, Conversation), sent
    return sent


def release(pair: Pair) -> Conversation:
    """A query, its hit, and the personal data released to QA."""
    sent = ask(pair)
    pair.run()
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    flow.conclude(requester, sent.id, officer="examiner-1", passphrase=PASSPHRASE, decision=Conclusion.IDENTIFIED)
    flow.request_data(
        requester, sent.id, officer="officer-1", passphrase=PASSPHRASE, fields=("family_name", "birth_date")
    )
    pair.run()
    fields = ("family_name", "birth_date")
    flow.prepare_release(holder, sent.id, officer="officer-1", passphrase=PASSPHRASE, fields=fields)
    flow.approve_release(holder, sent.id, officer="officer-2", passphrase=PASSPHRASE)
    pair.run()
    return sent
