"""For tests of oversight: officers who look on, and the facts of a query as the ledger has them."""

from pair import NAMES, PASSPHRASE

from mithaq.node import officers
from mithaq.node.gateway import Node

PEOPLE = {"supervisor-1": ["supervisor"], "protection-1": ["protection-officer"], "auditor-1": ["auditor"]}

ENVELOPE = {
    "message": "0" * 32, "agreement": "sha256:" + "0" * 64, "digest": "0" * 64, "sender": "QA", "sender_contact": "qa-ncp",
    "recipient": "US", "recipient_contact": "us-ncp", "body_type": "ansi-nist", "body_bytes": 1,
}  # fmt: skip
QUERY = {
    "purpose": "terrorism", "offence": "robbery", "case": "CASE-1", "legal_basis": "law", "search_type": "TP/TP",
    "fingers": [2], "expedited": False, "ordered_by": "captain-1", "run_by": "officer-1", "approved_by": "protection-1",
}  # fmt: skip


def add_people(node: Node) -> None:
    for code, roles in PEOPLE.items():
        officers.add(node, code, roles=roles, name=NAMES[node.party], passphrase=PASSPHRASE)
