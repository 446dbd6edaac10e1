"""Officers for the oversight of a node in tests, each under a role that stands alone, and a supervisor."""

from pair import NAMES, PASSPHRASE

from mithaq.node import officers
from mithaq.node.gateway import Node

PEOPLE = {"supervisor-1": ["supervisor"], "protection-1": ["protection-officer"], "auditor-1": ["auditor"]}


def add_people(node: Node) -> None:
    for code, roles in PEOPLE.items():
        officers.add(node, code, roles=roles, name=NAMES[node.party], passphrase=PASSPHRASE)
