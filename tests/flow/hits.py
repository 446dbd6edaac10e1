"""A pair whose holder has one finger on file and finds it in every query: what tests of the steps after a hit need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pair import NAMES, PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.prints import finger, impression
from mithaq.errors import StorageError
from mithaq.finger import Template
from mithaq.image.write import png_bytes
from mithaq.node import flow, officers, views
from mithaq.node.store import references
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.references import ReferencePrint
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import Conclusion
from mithaq.units import Candidate, FingerPosition, PrintImage, timestamp

REFERENCES = ("US-FIRST", "US-SECOND")
PERSON = {
    "family_name": "الكواري",
    "aliases": ["Al-Kuwari", "Alkuwari"],
    "birth_date": "1984-02-11",
    "health": "a contagious illness",
}


@cache
def picture() -> bytes:
    """One synthetic finger, as a PNG file at 500 ppi."""
    return png_bytes(impression(finger(7), 1))


class Finds:
    """A searcher that finds what it was told to, or is broken: the search itself is tested elsewhere."""

    def __init__(self) -> None:
        self.found: Sequence[str] = REFERENCES[:1]
        self.broken = False
        self.asked = 0

    def search(self, probes: Sequence[Template], *, top: int, **_: Any) -> list[Candidate]:
        self.asked += 1
        if self.broken:
            raise StorageError("GAL-999", "the gallery cannot be read")
        return [Candidate(one, FingerPosition.RIGHT_INDEX, 0, 0.9) for one in self.found][:top]

    def count(self) -> Any:
        raise StorageError("GAL-999", "not asked for in these tests")


class Hits(Pair):
    """The pair, three examiners and three officers on each side, two records at the holder."""

    def __init__(self, folder: Path, **terms: Any) -> None:
        super().__init__(folder, **terms)
        self.searcher = Finds()
        self.nodes["US"].searcher = self.searcher
        for code, node in self.nodes.items():
            for role, number in (("examiner", 2), ("examiner", 3), ("officer", 3)):
                officers.add(node, f"{role}-{number}", roles=[role], name=NAMES[code], passphrase=PASSPHRASE)
        holder = self.nodes["US"]
        image = impression(finger(7), 1)
        found = PrintImage(FingerPosition.RIGHT_INDEX, 0, "PNG", image.width, image.height, 500.0, picture())
        with holder.database.write() as tx, holder.identities.write() as identities:
            for reference in REFERENCES:
                sealed = holder.seal_reference(reference, found)
                at = timestamp(self.clock())
                references.add_reference_print(tx, ReferencePrint(reference, 2, 0, sealed, at))
                references.add_person(identities, reference, reference, holder.seal_person(reference, PERSON))

    def ask(self, **changes: Any) -> Conversation:
        """Send a query; it is not answered yet."""
        sent = flow.submit_query(self.nodes["QA"], picture(), replace(ORDER, **changes))
        assert isinstance(sent, Conversation), sent
        return sent

    def hit(self) -> str:
        """The id of a conversation whose answer was a hit."""
        sent = self.ask()
        self.run()
        return sent.id

    def identified(self) -> str:
        """The id of a conversation whose candidate the requester's examiner has identified."""
        found = self.hit()
        self.conclude("QA", found, 1)
        return found

    def requested(self, **terms: Any) -> str:
        """The id of a conversation whose data were asked for."""
        found = self.identified()
        done = flow.request_data(self.nodes["QA"], found, **self.officer(1), **terms)
        assert isinstance(done, Conversation), done
        self.run()
        return found

    def officer(self, number: int) -> dict[str, str]:
        return {"officer": f"officer-{number}", "passphrase": PASSPHRASE}

    def conclude(
        self, code: str, found: str, examiner: int, decision: str = "identified", reference: str = REFERENCES[0]
    ) -> Conversation | Refused:
        done = flow.conclude(
            self.nodes[code], found, officer=f"examiner-{examiner}", passphrase=PASSPHRASE,
            decision=Conclusion(decision), reference=reference,
        )  # fmt: skip
        self.run()
        return done

    def state(self, code: str, found: str) -> str:
        return views.find(self.nodes[code], found).state

    def states(self, found: str) -> tuple[str, str]:
        return self.state("QA", found), self.state("US", found)
