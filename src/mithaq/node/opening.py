"""Opening a node from its folder, for serving, for a command, or for a test with a clock of its own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from mithaq.errors import SettingsError, TrustError
from mithaq.finger import require_model
from mithaq.image import Box, Limits
from mithaq.node.agreements import Agreements
from mithaq.node.gateway import Files, Node, NodeKeys, log_name
from mithaq.node.settings import Settings, read_settings
from mithaq.node.standing import is_over
from mithaq.node.store import open_database, open_identities, open_record_keys
from mithaq.node.vault import Vault, Wrapper, read_key
from mithaq.pact.keys import checkpoint_key_from_pem, encryption_key_from_pem, signing_key_from_pem
from mithaq.search import Gallery, RemoteGallery, Searcher
from mithaq.units import utc_now

Key = TypeVar("Key")


def open_node(
    home: Path,
    *,
    serving: bool = False,
    clock: Callable[[], datetime] = utc_now,
    stop_at: Callable[[str], None] = lambda point: None,
    searcher: Searcher | None = None,
) -> Node:
    """The node in a folder; SettingsError, StorageError or TrustError where a part of it cannot be opened.

    A gallery of an older format or descriptor is such a part: GAL-040 and GAL-041 name the command that upgrades it.
    `searcher` stands in the place of the one that the settings name.

    The minutiae network must be there: without it a node does not open (there is no second-rate path).
    """
    settings = read_settings(home)
    if serving:
        log_to_stderr()
    require_model(settings.extract.network)
    files = Files(settings.home)
    keys = _keys(files, settings.node.party)
    former = [file.stem.removeprefix("sign-") for file in files.keys.glob("sign-*.pem")]
    agreements = Agreements(files.agreements, party=settings.node.party, anchor=keys.sign.thumbprint, former=former)
    record_keys = open_record_keys(settings.record_keys_url)
    database = open_database(settings.database_url(settings.database.url))
    identities = open_identities(settings.database_url(settings.database.identities_url))
    node = Node(
        settings,
        database=database,
        identities=identities,
        print_vault=Vault(store_key(settings, "prints"), record_keys, name="prints"),
        identity_vault=Vault(store_key(settings, "identities"), record_keys, name="identities"),
        record_keys=record_keys,
        keys=keys,
        agreements=agreements,
        box=Box(Limits(memory_mb=settings.image.memory_mb, time_s=settings.image.time_s, pixels=settings.image.pixels)),
        searcher=searcher or _searcher(settings),
        clock=clock,
        stop_at=stop_at,
    )
    agreements.is_over = lambda agreement, at: is_over(node, agreement, at)
    return node


def store_key(settings: Settings, name: str) -> Wrapper:
    """The key that wraps the data keys of one store; SettingsError where it is not there."""
    if settings.keys.module is not None:
        from mithaq.node.token import open_token  # the library of tokens is an extra

        return open_token(settings, name)
    return read_key(Files(settings.home).keys / f"{name}.key")


def open_gallery(node: Node) -> Gallery:
    """The node's own gallery for writing; SettingsError where an AFIS stands in its place."""
    return Gallery(gallery_place(node.settings), writable=True)


def gallery_place(settings: Settings) -> Path:
    """The folder of the node's own gallery; SettingsError where an AFIS stands in its place."""
    if settings.search.socket is not None:
        raise SettingsError(
            "NOD-170",
            "this node searches another process's file",
            file="node.toml",
            key="search.socket",
            remedy="enrol there, or remove the key",
        )
    return settings.path(settings.search.gallery)


def old_place(place: Path) -> Path:
    """Where a rebuild keeps the gallery that was there before."""
    return place.with_name(place.name + ".old")


def _searcher(settings: Settings) -> Searcher:
    if settings.search.socket is not None:
        return RemoteGallery(settings.path(settings.search.socket))
    return Gallery(settings.path(settings.search.gallery))


def _keys(files: Files, party: str) -> NodeKeys:
    def read(name: str, key_of: Callable[[bytes], Key]) -> Key:
        path = files.keys / f"{name}.pem"
        try:
            return key_of(path.read_bytes())
        except TrustError as error:
            raise SettingsError(
                "NOD-172",
                f"the key file holds no such key ({error.code}: {error.problem})",
                file=str(path),
                expected=error.expected,
                remedy="restore it from the key back-up",
            ) from None
        except OSError as error:
            raise SettingsError(
                "NOD-171",
                f"the key file cannot be read ({error.strerror})",
                file=str(path),
                remedy="mend its permissions, or restore it from the key back-up",
            ) from None

    return NodeKeys(
        read("sign", signing_key_from_pem),
        read("encrypt", encryption_key_from_pem),
        read("checkpoint", lambda pem: checkpoint_key_from_pem(pem, log_name(party))),
    )


def log_to_stderr() -> None:
    """JSON lines on standard error, one event each: codes and identifiers, never a person or a print."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"level": "%(levelname)s", "event": "%(name)s"}'
    )
    # What fails in a request our own handlers log already; here uvicorn only adds that it gave up idle connections.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
