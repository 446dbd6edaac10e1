"""What a person says when ordering a query, for tests."""

from mithaq.node.flow import Order
from mithaq.pact.gate import Offence

ORDER = Order(
    partner="US",
    purpose="investigate-serious-crime",
    case="CASE-1",
    offence=Offence("robbery", 120),
    legal_basis="Criminal Procedure Code, section 1",
    ordered_by="captain-1",
    run_by="officer-1",
    approved_by="prosecutor-1",
)
