"""A message under an agreement that is not one between these two: another pair's, or nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest
from forged import letter, query_body, turned_away
from hits import Hits
from pair import START

from mithaq.errors import TrustError
from mithaq.node.initialise import initialise, read_party
from mithaq.node.opening import open_node
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned

FRANCE = {"en": "A ministry of interior (demonstration)", "ar": "وزارة داخلية (عرض توضيحي)"}


@pytest.fixture(scope="module")
def foreign(hits: Hits, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a sound agreement between US and FR, which US keeps, too."""
    home: Path = tmp_path_factory.mktemp("foreign") / "FR"
    initialise(home, party="FR", contact="fr-ncp", name=FRANCE, url="https://127.0.0.1:1")
    homes = (home, hits.homes["US"])
    parties = dict(read_party((one / "party.json").read_bytes(), place="test") for one in homes)
    signed = unsigned(propose(parties, valid_from=START))
    with open_node(home, clock=hits.clock) as france:
        for node in (france, hits.nodes["US"]):
            key = node.keys.sign
            signed = sign(signed, node.party, signer=key.sign, thumbprint=key.thumbprint, at=hits.clock())
    hits.nodes["US"].agreements.install(signed.to_bytes())
    with pytest.raises(TrustError):
        hits.nodes["QA"].agreements.install(signed.to_bytes())
    return signed.id


@pytest.mark.parametrize("kind", ["query", "request", "notice"])
def test_under_another_pairs_agreement(hits: Hits, foreign: str, kind: str) -> None:
    sealed = letter(hits, query_body(hits), kind=kind, agreement=foreign)  # type: ignore[arg-type]
    turned_away(hits, sealed, "PAC-112", "agreement-unknown")


@pytest.mark.parametrize("kind", ["query", "answer", "request", "release", "notice"])
def test_under_nobodys_agreement(hits: Hits, kind: str) -> None:
    sealed = letter(hits, query_body(hits), kind=kind, agreement="sha256:" + "5" * 64)  # type: ignore[arg-type]
    turned_away(hits, sealed, "PAC-112", "agreement-unknown")


def test_signed_by_another_partners_key(hits: Hits) -> None:
    """The manifest says QA, the connection is QA's, and the signature is US's own."""
    sealed = letter(hits, query_body(hits), kind="query", key=hits.nodes["US"].keys.sign)
    turned_away(hits, sealed, "PAC-109", "message-not-trusted")
