"""Erasures that were decided, carried out: keys destroyed, rows of personal data deleted, templates overwritten.

    decided and logged (`store.retention.plan_erasures`) ─► finish ─► rows · keys · gallery ─► forgotten

The decision commits with the ledger; what follows is repeated until it is done, so a crash in between leaves an erasure
late and never undone. Labels: print:, reference: (keys of prints); person:, local:, released: (personal data); gallery:
(templates of a reference number).
"""

from __future__ import annotations

import structlog

from mithaq.errors import MithaqError, StorageError
from mithaq.node.gateway import Node
from mithaq.node.opening import open_gallery
from mithaq.node.store import references, retention

_log = structlog.get_logger("mithaq.erasing")


def finish(node: Node) -> int:
    """Carry out what was decided; returns how many erasures are done. What cannot be done now is left for the next time."""
    with node.database.read() as tx:
        planned = retention.planned_erasures(tx)
    if not planned:
        return 0
    done = [label for label in planned if not label.startswith("gallery:")]
    with node.identities.write() as identities:
        for label in done:
            references.forget(identities, label)
    node.record_keys.destroy([(vault, label) for label in done for vault in ("prints", "identities")])
    done += _overwrite(node, [label for label in planned if label.startswith("gallery:")])
    with node.database.write() as tx:
        retention.erasures_done(tx, done)
    return len(done)


def _overwrite(node: Node, labels: list[str]) -> list[str]:
    """Those of the labels whose templates are gone from the gallery; its bytes are overwritten when this returns."""
    if not labels:
        return []
    try:
        with open_gallery(node) as gallery:
            for label in labels:
                gallery.remove(label.removeprefix("gallery:"))
    except StorageError as error:  # another process is enrolling: next time
        _log.warning("templates not overwritten yet", code=error.code)
        return []
    except MithaqError as error:  # an AFIS stands in the gallery's place: withdrawing there is its keepers' matter
        _log.error("templates are in another process's file", code=error.code)
    return labels


def settle(node: Node) -> None:
    """Carry out what was decided, and empty the databases' logs of the pages that held erased rows."""
    finish(node)
    node.database.truncate_log()
    node.identities.truncate_log()
