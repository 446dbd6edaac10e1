"""A node as one object: everything it owns, opened once and closed once. What it does is in `flow`.

settings ─► databases · vaults (prints, identities) · keys · agreements · box · searcher · ways to partners · clock
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from mithaq.image import Box, gray_image
from mithaq.node.agreements import Agreements
from mithaq.node.peer import Post, client_context
from mithaq.node.settings import Settings
from mithaq.node.store import Database, RecordKeys, references
from mithaq.node.store.conversations import StoredPrint
from mithaq.node.store.life import LifeEvent, events_with
from mithaq.node.store.references import ReferencePrint
from mithaq.node.vault import Vault
from mithaq.pact.agreement import Agreement
from mithaq.pact.certificate import certificate_fingerprint
from mithaq.pact.keys import CheckpointKey, EncryptionKey, SigningKey, encryption_key_from_pem
from mithaq.pact.message import Context, Manifest, Partner, Standing, partner_of
from mithaq.pact.rotation import partner_now
from mithaq.pact.terms import Bilingual
from mithaq.pact.wording import label, reason_terms
from mithaq.search import Searcher
from mithaq.units import FingerPosition, GrayImage, PrintImage, timestamp, utc_now

SERVED = ("TP/TP",)  # the search types this node serves: single fingers against single fingers
COSIGN_EVERY_S = 2.0  # a checkpoint is offered at most this often
COSIGN_RETRY_S = 5.0  # to a partner that could not be reached
COMPARE_RETRY_S = 1.0  # while queries wait for it


class Poster(Protocol):
    """The way to one partner; tests put a scripted one in its place."""

    def deliver(self, sealed: bytes) -> bytes:
        """Hand over a sealed message; returns the receipt."""

    def exchange_checkpoint(self, body: bytes) -> tuple[int, str]:
        """Offer a checkpoint; returns status and answer."""


def log_name(party: str) -> str:
    """The origin line of a party's ledger, which is also the name of its checkpoint key."""
    return f"mithaq/{party}/ledger"


class Metrics:
    """What Prometheus reads. Labels are codes of the agreement and of this program, never of a person or a case."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queries = self._counter("queries", "queries sent and received", "direction", "search_type")
        self.refused = self._counter("refused", "refusals by the gate", "reason", "side")
        self.answers = self._counter("answers", "answers given", "outcome")
        self.conclusions = self._counter("conclusions", "examiners' conclusions", "decision")
        self.releases = self._counter("releases", "follow-up requests ended", "outcome")
        self.deliveries = self._counter("deliveries", "delivery attempts", "outcome")
        self.received = self._counter("messages_received", "messages received", "kind", "novelty")
        self.late = self._counter("limits_passed", "limits of the agreement that passed", "clock", "side")
        self.ledger_size = Gauge("mithaq_ledger_size", "entries in the ledger", registry=self.registry)
        self.waiting = Gauge("mithaq_messages_waiting", "messages without a receipt yet", registry=self.registry)
        self.overdue = Gauge("mithaq_matters_overdue", "matters past their time", registry=self.registry)
        self.agreement_alarm = Gauge(
            "mithaq_agreement_alarm_days", "an agreement ends within so many days", ["partner"], registry=self.registry
        )
        self.extracts_late = Gauge(
            "mithaq_extracts_late", "authority's extracts past their day", registry=self.registry
        )
        self.gallery = Gauge("mithaq_gallery_impressions", "searchable impressions", registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"mithaq_{name}", text, labels, registry=self.registry)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """A node's private keys: to sign messages, to open them, and for checkpoints: its own and the partner's."""

    sign: SigningKey
    encrypt: EncryptionKey
    checkpoint: CheckpointKey


@dataclass(frozen=True, slots=True)
class Files:
    """Where a node keeps what."""

    home: Path

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def certificate(self) -> Path:
        return self.home / "tls" / "certificate.pem"

    @property
    def agreements(self) -> Path:
        return self.home / "agreements"


class Node:
    """One agency's node, open. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        identities: Database,
        print_vault: Vault,
        identity_vault: Vault,
        record_keys: RecordKeys,
        keys: NodeKeys,
        agreements: Agreements,
        box: Box,
        searcher: Searcher,
        clock: Callable[[], datetime] = utc_now,
        stop_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.settings = settings
        self.party = settings.node.party
        self.contact = settings.node.contact
        self.database = database
        self.identities = identities
        self.print_vault = print_vault
        self.identity_vault = identity_vault
        self.record_keys = record_keys
        self.keys = keys
        self.agreements = agreements
        self.box = box
        self.searcher = searcher
        self.clock = clock
        self.stop_at = stop_at  # named points at which tests kill the process
        self.monotonic = time.monotonic
        self.wake = threading.Event()
        self.metrics = Metrics()
        self.served: Collection[str] = SERVED
        self.posters: dict[str, Poster] = {}
        self._poster_lock = threading.Lock()
        self._cosign_at: dict[str, float] = {}
        self.partners_pixels: dict[str, str] = {}  # of the prints kept of partners, by their id (`exchanges.replies`)
        self.uncounted: set[str] = set()  # partners whose count of our quotas is not in yet (`quotas.begin`)
        self._opened_keys: tuple[set[str], tuple[EncryptionKey, ...]] = (set(), (keys.encrypt,))
        self.refused_heads: dict[str, str] = {}  # partner: digest of its last checkpoint that was refused
        self.unreached: dict[str, float] = {}  # partners that cannot be reached, and when we last knocked (monotonic)
        self.exposed_on = ""  # the day (UTC) for which the records' ages were last looked at (`upkeep.birthdays`)
        self.held: dict[str, str] = {}  # partners with whom queries wait, and the code of why (`witness.begin`)

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close everything the node opened."""
        self.box.close()
        close = getattr(self.searcher, "close", None)
        if close is not None:
            close()
        for poster in self.posters.values():
            closing = getattr(poster, "close", None)
            if closing is not None:
                closing()
        self.database.close()
        self.identities.close()
        for vault in (self.print_vault, self.identity_vault):
            vault.wrapper.close()
        self.record_keys.close()

    def new_id(self) -> str:
        """A new random identifier."""
        return uuid.uuid4().hex

    def opening(self, certificate: bytes) -> Context:
        """What this node knows when a message comes in over a connection with that certificate (DER)."""
        return Context(
            party=self.party,
            keys=self._encryption_keys(),
            certificate=certificate_fingerprint(certificate),
            now=self.clock(),
            partner=self.partner_with,
            standing=self._standing,
            max_skew_s=self.settings.delivery.clock_skew_s,
        )

    def partner_with(self, fingerprint: str) -> Partner | None:
        """What is pinned for the partner whose certificate has that SHA-256; None for a stranger's."""
        agreements = self.agreements.all()
        for code in self.agreements.partners():
            pinned = partner_of((one for one in agreements if one.party(code) is not None), code)
            if fingerprint in pinned.certificates:
                return partner_now(pinned, self.told(code))  # without what it revoked
        return None

    def told(self, partner: str) -> list[LifeEvent]:
        """What this node and the partner declared to each other, oldest first."""
        with self.database.read() as tx:
            return events_with(tx, partner)

    def _encryption_keys(self) -> tuple[EncryptionKey, ...]:
        """Every key that a message to us may be sealed with: the one in use, a next one and former ones. The folder is
        looked at each time, since a command in another process makes the next one."""
        folder = Files(self.settings.home).keys
        names = {name for name in os.listdir(folder) if name.startswith(("encrypt", "next-encrypt"))}
        if names != self._opened_keys[0] or self._opened_keys[1][0] != self.keys.encrypt:
            files = [folder / name for name in sorted(names - {"encrypt.pem"})]
            others = [encryption_key_from_pem(file.read_bytes()) for file in files]
            self._opened_keys = names, (self.keys.encrypt, *others)
        return self._opened_keys[1]

    def former_signing(self) -> frozenset[str]:
        """The thumbprints of the keys that this node signed with before its present one."""
        return self._former("sign")

    def former_encryption(self) -> frozenset[str]:
        """The thumbprints of the keys that this node was sealed to before its present one."""
        return self._former("encrypt")

    def former_ledger(self) -> frozenset[str]:
        """The thumbprints of the keys with which this node signed its ledger before its present one."""
        return self._former("checkpoint")

    def _former(self, kind: str) -> frozenset[str]:
        files = Files(self.settings.home).keys.glob(f"{kind}-*.pem")
        return frozenset(file.stem.removeprefix(f"{kind}-") for file in files)

    def _standing(self, manifest: Manifest) -> Standing:
        """Known, or not. Whether it is still in force is the gate's question, so that a query that comes too late is
        answered with the clause; and a conversation ends under the agreement that it began with."""
        agreement = self.agreements.find(manifest.agreement)
        known = agreement is not None and set(agreement.parties) == {manifest.sender, manifest.recipient}
        return Standing.IN_FORCE if known else Standing.UNKNOWN

    # ------------------------------------------------------------ partners

    def post(self, partner: str, agreement: Agreement) -> Poster:
        """The way to a partner, over TLS that accepts that partner's pinned certificates only."""
        with self._poster_lock:
            if partner not in self.posters:
                pinned = self.agreements.pinned_certificates().get(partner, [])
                context: ssl.SSLContext = client_context(
                    Files(self.settings.home).certificate, Files(self.settings.home).keys / "tls.pem", pinned
                )
                url = agreement.parties[partner].contact_points[0].url
                self.posters[partner] = Post(url, context, timeout_s=self.settings.delivery.timeout_s)
            return self.posters[partner]

    def own_contact(self, agreement: Agreement, role: str) -> str:
        """Our contact point for a role: the one in the settings where it has that role, else the agreement's first."""
        points = [point for point in agreement.parties[self.party].contact_points if role in point.roles]
        points = [point for point in points if point.acts_at(self.clock())] or points
        ours = [point.id for point in points if point.id == self.contact]
        return (ours or [point.id for point in points] or [self.contact])[0]

    def partner_contact(self, agreement: Agreement, partner: str, role: str) -> str:
        """The partner's contact point for a role; "" where the agreement names none (the gate then refuses)."""
        party = agreement.party(partner)
        points = [point for point in (party.contact_points if party else ()) if role in point.roles]
        points = [point for point in points if point.acts_at(self.clock())] or points
        return points[0].id if points else ""

    def may_cosign(self, partner: str) -> bool:
        """True where it is time to offer our checkpoint to that partner."""
        return self.monotonic() >= self._cosign_at.get(partner, 0.0)

    def cosign_done(self, partner: str) -> None:
        """The partner is up to date for now."""
        self._cosign_at[partner] = self.monotonic() + COSIGN_EVERY_S

    def cosign_failed(self, partner: str) -> None:
        """The partner could not co-sign; leave it alone for a while."""
        self._cosign_at[partner] = self.monotonic() + (COMPARE_RETRY_S if partner in self.held else COSIGN_RETRY_S)

    # ------------------------------------------------------------ prints and persons, opened and sealed

    def seal_prints(
        self, conversation_id: str, role: str, prints: Sequence[PrintImage], *, reference: str = ""
    ) -> list[StoredPrint]:
        """Prints of a conversation, sealed for keeping."""
        now = timestamp(self.clock())
        named = [(self.new_id(), found) for found in prints]
        self.print_vault.make_keys(f"print:{conversation_id}:{one}" for one, _ in named)
        return [
            StoredPrint(
                print_id,
                conversation_id,
                role,
                reference,
                int(found.position),
                found.impression,
                self.print_vault.seal(_pack(found), f"print:{conversation_id}:{print_id}"),
                now,
            )
            for print_id, found in named
        ]

    def open_print(self, stored: StoredPrint) -> PrintImage:
        """The print that was kept for a conversation."""
        return _unpack(self.print_vault.open(stored.sealed, f"print:{stored.conversation}:{stored.id}"))

    def seal_reference(self, reference: str, found: PrintImage) -> bytes:
        """A reference print, sealed under its number, position and impression."""
        return self.print_vault.seal(_pack(found), reference_label(reference, found))

    def open_reference(self, stored: ReferencePrint) -> PrintImage:
        """The reference print that was kept under a number."""
        label_ = f"reference:{stored.reference}:{stored.position}:{stored.impression}"
        return _unpack(self.print_vault.open(stored.sealed, label_))

    def gray(self, found: PrintImage) -> GrayImage:
        """The pixels of a print, decoded in the box."""
        return gray_image(self.box, found)

    def seal_person(self, reference: str, identity: Mapping[str, Any]) -> bytes:
        """A person's identity, sealed under the reference number."""
        return self.identity_vault.seal(json.dumps(dict(identity), ensure_ascii=False).encode(), f"person:{reference}")

    def person(self, reference: str) -> dict[str, Any]:
        """The identity behind a reference number; only a release asks for it (Law 6). Empty where there is none."""
        with self.identities.read() as tx:
            sealed = references.sealed_person(tx, reference)
        return {} if sealed is None else dict(json.loads(self.identity_vault.open(sealed, f"person:{reference}")))

    def keep_released(self, conversation_id: str, fields: Mapping[str, Any], handling: Mapping[str, Any]) -> None:
        """Keep personal data that a partner released, sealed together with the conditions that they came under."""
        kept = {"fields": dict(fields), "handling": dict(handling)}
        sealed = self.identity_vault.seal(json.dumps(kept, ensure_ascii=False).encode(), f"released:{conversation_id}")
        with self.identities.write() as tx:
            references.keep_received(tx, conversation_id, sealed, timestamp(self.clock()))

    def released(self, conversation_id: str) -> dict[str, Any]:
        """What a partner released in a conversation: {"fields": …, "handling": …}; empty where there is nothing."""
        with self.identities.read() as tx:
            sealed = references.sealed_received(tx, conversation_id)
        if sealed is None:
            return {}
        kept = dict(json.loads(self.identity_vault.open(sealed, f"released:{conversation_id}")))
        if kept.keys() != {"fields", "handling"}:  # kept before conditions travelled with a release
            kept = {"fields": kept, "handling": {"caveats": [], "source": None, "accuracy": None}}
        return kept

    def text(self, code: str) -> Bilingual:
        """What a code means, in both languages; the code itself where this version does not know it."""
        try:
            return label(code)
        except KeyError:
            terms = reason_terms(code)
            return terms.sentence if terms else Bilingual(ar=code, en=code)


def reference_label(reference: str, found: PrintImage) -> str:
    """The label under which a reference print is sealed."""
    return f"reference:{reference}:{int(found.position)}:{found.impression}"


def _pack(found: PrintImage) -> bytes:
    """A print's description as one JSON line, then its bytes."""
    head = {
        "position": int(found.position),
        "impression": found.impression,
        "compression": found.compression,
        "width": found.width,
        "height": found.height,
        "ppi": found.ppi,
    }
    return json.dumps(head).encode() + b"\n" + found.data


def _unpack(data: bytes) -> PrintImage:
    head, _, pixels = data.partition(b"\n")
    values = json.loads(head)
    return PrintImage(
        FingerPosition(values["position"]),
        values["impression"],
        values["compression"],
        values["width"],
        values["height"],
        values["ppi"],
        pixels,
    )
