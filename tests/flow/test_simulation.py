"""A proposal tried on a real node's past."""

from __future__ import annotations

from pathlib import Path

import pytest
from pair import START, Pair

from mithaq.errors import SettingsError
from mithaq.node import audit, journal, simulation
from mithaq.node.initialise import read_party
from mithaq.node.store import ledger
from mithaq.pact.agreement import Agreement, parse_agreement
from mithaq.pact.proposal import propose


def proposal(pair: Pair, **terms: object) -> Agreement:
    parties = dict(read_party((home / "party.json").read_bytes(), place="test") for home in pair.homes.values())
    return parse_agreement(propose(parties, valid_from=START, **terms))


def test_a_node_replays_its_ledger(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    node = pair.nodes["QA"]
    try:
        with node.database.write() as tx:
            for number in range(6):
                journal.write(
                    tx, node, "query-sent", message=f"{number:032x}", conversation=f"{number:032x}",
                    agreement="sha256:" + "0" * 64, digest="0" * 64, sender="QA", sender_contact="qa-ncp",
                    recipient="US", recipient_contact="us-ncp", body_type="ansi-nist", body_bytes=1,
                    purpose="terrorism", offence="robbery", penalty_months=20 + 4 * number, case="CASE-1",
                    legal_basis="section 1", search_type="TP/TP", fingers=[2], expedited=False,
                    ordered_by="captain-1", run_by="clerk-1", approved_by="judge-1",
                )  # fmt: skip
            journal.write(
                tx, node, "query-held", conversation="f" * 32, search_type="TP/TP", reason="case-missing", party="US"
            )
        pair.clock.turn(hours=1)
        found = simulation.simulate(node, proposal(pair, crime={"min_max_penalty_months": 30}), days=30)
        assert (found.queries, found.unreadable) == (6, 1)
        assert [(one.reason, one.count, one.by_us) for one in found.refused] == [("offence-below-threshold", 3, True)]
        log = next(one for one in found.erasures if one.kind == "log")
        assert log.held > 7 and log.sooner == 0
        pair.clock.turn(days=40)
        assert simulation.simulate(node, proposal(pair), days=30).queries == 0
        with node.database.read() as tx:
            assert ledger.latest_entries(tx, 1)[0][1] == "log-read"
        assert audit.verify(node).agrees
        with pytest.raises(SettingsError) as error:
            simulation.simulate(node, proposal(pair), days=30, by="A Person")
        assert error.value.code == "NOD-190"
    finally:
        pair.close()
