"""A node process that kills itself with SIGKILL at a named point: `python serve_until.py HOME POINT [submit FILE PARTNER]`.

With POINT "-" it simply serves. With "submit" it sends one query instead of serving, and dies on the way. Its clock is
the machine's, put forward by as many seconds as the file `clock` beside HOME says, if there is one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from mithaq.node import flow
from mithaq.node.opening import open_node
from mithaq.node.serve import run
from mithaq.pact.gate import Offence
from mithaq.units import utc_now


def main() -> None:
    home, wanted = Path(sys.argv[1]), sys.argv[2]

    def stop_at(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_node(home, serving=True, stop_at=stop_at, clock=turned(home.parent)) as node:
        if len(sys.argv) > 3:
            flow.submit_query(node, Path(sys.argv[4]).read_bytes(), order(sys.argv[5]))
            return
        run(node, None, ready=lambda partner, _desk: print(partner, flush=True))


def turned(folder: Path) -> Callable[[], datetime]:
    """The clock of every process below a folder."""
    file = folder / "clock"
    return lambda: utc_now() + timedelta(seconds=float(file.read_text()) if file.exists() else 0)


def order(partner: str) -> flow.Order:
    return flow.Order(
        partner=partner,
        purpose="investigate-serious-crime",
        case="CASE-1",
        offence=Offence("robbery", 120),
        legal_basis="Criminal Procedure Code, section 1",
        ordered_by="captain-1",
        run_by="officer-1",
        approved_by="prosecutor-1",
    )


if __name__ == "__main__":
    main()
