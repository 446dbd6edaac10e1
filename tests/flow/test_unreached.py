"""What waited out a long back-off leaves as soon as the partner is there again: one message knocks for all."""

from pathlib import Path

from hits import Hits

from mithaq.node import delivery, flow
from mithaq.node.store import messages
from mithaq.units import timestamp


def test_one_message_knocks_and_the_others_follow_it(tmp_path: Path) -> None:
    pair = Hits(tmp_path)
    node, hour = pair.nodes["QA"], [0.0]
    node.monotonic = lambda: hour[0]

    def due() -> list[str]:
        with node.database.read() as tx:
            return messages.due_messages(tx, timestamp(pair.clock()), limit=10)

    asked = [pair.ask().id for _ in range(3)]
    pair.wires["QA"].cut = True
    for _ in range(12):  # each attempt doubles the wait
        flow.deliver(node, *due())
        pair.clock.turn(minutes=10)
    flow.deliver(node, *due())
    pair.clock.turn(seconds=1)
    delivery.knock(node)
    assert due() == [], "it was tried a moment ago"
    hour[0] += delivery.KNOCK_EVERY_S
    delivery.knock(node)
    assert len(due()) == 1
    flow.deliver(node, *due())
    assert due() == []
    pair.wires["QA"].cut = False
    hour[0] += delivery.KNOCK_EVERY_S
    delivery.knock(node)
    flow.deliver(node, *due())
    assert len(due()) == 2
    assert not node.unreached
    pair.run()
    assert {pair.state("QA", one) for one in asked} == {"candidate"}
    pair.close()
