"""Erasures that were decided, carried out: keys destroyed, rows of personal data deleted, templates overwritten.

    decided and logged (`store.retention.plan_erasures`) ─► finish ─► rows · keys · gallery ─► forgotten

The decision commits with the ledger; what follows is repeated until it is done, so a crash in between leaves an erasure
late and never undone. Labels: print:, reference: (keys of prints); person:, local:, released:, matter: (personal data, texts); gallery:
(templates of a reference number). A record that is exposed again is made searchable in the same way (searchable:).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import structlog

from mithaq.errors import SettingsError, StorageError
from mithaq.node.gateway import Node
from mithaq.node.intake import examine
from mithaq.node.opening import old_place, open_gallery
from mithaq.node.stages import Stages
from mithaq.node.store import references, retention
from mithaq.search import Gallery

_log = structlog.get_logger("mithaq.erasing")
KINDS = {"print", "reference", "person", "local", "released", "matter"}
HIDE, SHOW = "gallery:", "searchable:"


def finish(node: Node) -> int:
    """Carry out what was decided; returns how many erasures are done. What cannot be done now is left for the next time."""
    with node.database.read() as tx:
        planned = retention.planned_erasures(tx)
    if not planned:
        return 0
    templates = [label for label in planned if label.startswith((HIDE, SHOW))]
    done = [label for label in planned if label not in templates]
    with node.identities.write() as identities:
        for label in done:
            references.forget(identities, label)
    if done:
        node.record_keys.destroy([(vault, label) for label in done for vault in ("prints", "identities")])
    done += _in_gallery(node, templates)
    with node.database.write() as tx:
        retention.erasures_done(tx, done)
    return len(done)


def stray_keys(node: Node, *, older_than_s: float = 0.0) -> list[tuple[str, str]]:
    """(vault, label) of the keys that no record needs: their records were erased, and a copy of the key store was
    restored; or the process died between making a key and keeping its record."""
    keys = {name: node.record_keys.labels(name, older_than_s=older_than_s) for name in ("prints", "identities")}
    with node.database.read() as tx:  # read after the keys: what is sealed meanwhile has its row by now, or a young key
        needed = retention.print_labels(tx)
    with node.identities.read() as identities:
        needed |= retention.identity_labels(identities)
    return [
        (vault, label)
        for vault, labels in keys.items()
        for label in sorted(labels - needed)
        if label.partition(":")[0] in KINDS
    ]


def destroy_stray_keys(node: Node, *, older_than_s: float) -> int:
    """Destroy the keys that no record needs; returns how many there were."""
    stray = stray_keys(node, older_than_s=older_than_s)
    return node.record_keys.destroy(stray) if stray else 0


def _in_gallery(node: Node, labels: list[str]) -> list[str]:
    """Those of the labels that are done: templates overwritten, or a record's stored prints made searchable."""
    if not labels:
        return []
    try:
        with open_gallery(node) as gallery:
            for label in labels:
                if label.startswith(SHOW):
                    make_searchable(node, gallery, label.removeprefix(SHOW))
                else:
                    gallery.remove(label.removeprefix(HIDE))
        if any(label.startswith(HIDE) for label in labels):
            _forget_old_gallery(gallery.path)
    except StorageError as error:  # another process is enrolling: next time
        _log.warning("the gallery waits for its changes", code=error.code)
        return []
    except SettingsError as error:  # an AFIS stands in the gallery's place: its file is its keepers' matter
        _log.error("templates are in another process's file", code=error.code)
    return labels


def make_searchable(node: Node, gallery: Gallery, reference: str) -> int:
    """Put a record's stored prints (back) into the gallery; returns how many templates were added."""
    with node.database.read() as tx:
        stored = references.prints_of(tx, reference)
    added = 0
    for one in stored:
        found, network = node.open_reference(one), node.settings.extract.network
        examined = examine(node.gray(found), found.position, one.impression, stages=Stages(), network=network)
        added += gallery.add(reference, one.position, one.impression, examined.template)
    return added


def _forget_old_gallery(place: Path) -> None:
    """The gallery that a rebuild kept: no removal reaches what it holds, so it goes as a whole."""
    old = old_place(place)
    for file in [one for one in old.rglob("*") if one.is_file()]:
        wipe(file)
    shutil.rmtree(old, ignore_errors=True)


def wipe(file: Path) -> None:
    """Zeros over a file, on the disk before its name goes; nothing where it is not there."""
    if not file.is_file() or file.is_symlink():
        return
    with file.open("r+b") as open_file:
        left = os.fstat(open_file.fileno()).st_size
        while left > 0:
            left -= open_file.write(bytes(min(left, 1 << 20)))
        open_file.flush()
        os.fsync(open_file.fileno())
    file.unlink()


def settle(node: Node) -> None:
    """Carry out what was decided, and empty the databases' logs of the pages that held erased rows."""
    finish(node)
    node.database.truncate_log()
    node.identities.truncate_log()
