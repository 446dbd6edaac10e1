#!/usr/bin/env python3
"""Checks a bundle of ledger proofs on any machine: this one file and Python 3.8 or newer, nothing else.

    python3 verify_bundle.py BUNDLE [--agreement FILE] [--key VKEY]... [--language en|ar|both]

    entry (salt, body) ─SHA-256─► commitment ─► leaf ─proof─► the head that the node signed ◄─proof─ co-signed checkpoint

It stands by itself and imports nothing of mithaq: who checks a node should not have to trust the node's own program. It
has its own Merkle proofs (RFC 6962, RFC 9162), notes and co-signatures (C2SP signed-note, tlog-checkpoint,
tlog-cosignature) and Ed25519 (RFC 8032). It is shipped as data; of its functions mithaq uses `sample` alone. The keys
must come from the agreement that both parties signed (--agreement) or from whoever orders the check (--key); a bundle's
own list of keys proves nothing about who signed, and that is said.

Exit status: 0 all of it holds; 1 something does not; 2 wrong usage; 3 this is not a bundle.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import datetime, timezone
from typing import Any

SCHEMA = "mithaq-ledger-bundle-1"
LARGEST_BYTES = 1 << 30


class NotABundle(Exception):
    """The file is not what it should be."""


class Wrong(Exception):
    """Something that the bundle says does not hold; its two texts say what."""

    def __init__(self, en: str, ar: str) -> None:
        super().__init__(en)
        self.texts = (en, ar)


# ---------------------------------------------------------------- Ed25519, RFC 8032 section 5.1

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)
# A point is (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z


def add(a: Any, b: Any) -> Any:
    """The sum of two points in extended coordinates (RFC 8032, 5.1.4)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Any) -> Any:
    """scalar times the point. Only public values go through here, so its time may depend on them."""
    result: Any = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decode_point(data: bytes) -> Any:
    """The point that 32 bytes stand for (RFC 8032, 5.1.3), or None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_MINUS_1 % P
    if x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode_point(bytes([0x58]) + bytes([0x66]) * 31)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """True where the 64 bytes are the key's signature over the message (RFC 8032, 5.1.7, without the cofactor)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, nonce = decode_point(public), decode_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(scalar, BASE), add(nonce, multiply(challenge, key))
    return all((left[n] * right[2] - right[n] * left[2]) % P == 0 for n in (0, 1))


# ---------------------------------------------------------------- the Merkle tree, RFC 6962 and RFC 9162


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


def is_included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """True where the leaf stands at that index under the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes]) -> bool:
    """True where the tree of `second` leaves begins with the tree of `first` (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    if first == second:
        return not proof and first_root == second_root
    hashes = ([first_root] if first & (first - 1) == 0 else []) + proof
    if not hashes:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(value, old), node_hash(value, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, value)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


# ---------------------------------------------------------------- notes, C2SP


def parse_key(text: str) -> tuple[str, bytes]:
    """Name and public key of a verifier key, whose identifier must belong to it."""
    name, _, rest = text.partition("+")
    number, _, encoded = rest.partition("+")
    raw = unbase64(encoded)
    if not name or len(raw) != 33 or raw[0] not in (1, 4):
        raise NotABundle("a verifier key is not an Ed25519 one")
    if hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != number:
        raise NotABundle("a verifier key's identifier does not belong to it")
    return name, raw[1:]


def parse_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text, and for each signature line the name, four identifying bytes and the signature."""
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NotABundle("a checkpoint is not a signed note")
    lines = []
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        raw = unbase64(match.group(2)) if match else b""
        if match is None or len(raw) <= 4:
            raise NotABundle("a signature line of a checkpoint cannot be read")
        lines.append((match.group(1), raw[:4], raw[4:]))
    return head + "\n", lines


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes with which a key's signature lines begin."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_head(text: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint's text."""
    lines = text.split("\n")
    root = unbase64(lines[2]) if len(lines) >= 4 else b""
    if len(root) != 32 or re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]) is None:
        raise NotABundle("a checkpoint has no size or no root")
    return lines[0], int(lines[1]), root


def signed_head(note: str, keys: list[tuple[str, bytes]]) -> tuple[str, int, bytes]:
    """The checkpoint, where one of the node's keys signed it."""
    text, lines = parse_note(note)
    origin, size, root = read_head(text)
    for name, public in keys:
        for line_name, number, signature in lines:
            if (line_name, number) == (name, key_id(name, 1, public)) and name == origin:
                if ed25519_verifies(public, text.encode(), signature):
                    return origin, size, root
                break
    raise Wrong(
        "the checkpoint of %d entries is not signed by the node's key" % size,
        "نقطة التحقّق ذات %d قيدًا غير موقّعة بمفتاح العقدة" % size,
    )


def cosigned_at(note: str, keys: list[tuple[str, bytes]]) -> datetime:
    """When the partner co-signed the note."""
    text, lines = parse_note(note)
    found = []
    for name, public in keys:
        if name == read_head(text)[0]:
            continue  # the node's own key witnesses nothing
        for line_name, number, signature in lines:
            if (line_name, number) == (name, key_id(name, 4, public)) and len(signature) == 72:
                seconds = int.from_bytes(signature[:8], "big")
                message = ("cosignature/v1\ntime %d\n%s" % (seconds, text)).encode()
                if seconds < 1 << 36 and ed25519_verifies(public, message, signature[8:]):
                    found.append(datetime.fromtimestamp(seconds, timezone.utc))
    if not found:
        raise Wrong("a checkpoint is not co-signed by the partner's key", "إحدى نقاط التحقّق غير موقّعة بمفتاح الشريك")
    return max(found)


def unbase64(text: str) -> bytes:
    """The bytes, or none where the text is not base64 in its one form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


# ---------------------------------------------------------------- the bundle


def sample(seed: str, size: int, count: int) -> list[int]:
    """The indexes that the seed draws: nobody who did not choose the seed chose them."""
    drawn: list[int] = []
    turn = 0
    while len(drawn) < min(count, size):
        digest = hashlib.sha256(("mithaq-sample-1\n%s\n%d\n%d" % (seed, size, turn)).encode()).digest()
        index = int.from_bytes(digest, "big") % size
        if index not in drawn:
            drawn.append(index)
        turn += 1
    return sorted(drawn)


def need(value: Any, kind: type, what: str) -> Any:
    """The value, which must be of that type."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise NotABundle(f"{what} is missing or of another type")
    return value


def hashes(values: Any, what: str) -> list[bytes]:
    """A list of hexadecimal hashes as bytes."""
    texts = need(values, list, what)
    if not all(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) for text in texts):
        raise NotABundle(f"{what} is not a list of hashes")
    return [bytes.fromhex(text) for text in texts]


def check(bundle: Any, trusted: dict[str, list[str]] | None) -> list[tuple[str, str]]:
    """What the bundle proves, each in English and Arabic. `trusted` are the keys of each party from outside; without
    them the bundle's own are used, and the first line says so. Wrong or NotABundle where it does not hold."""
    if need(bundle, dict, "the bundle").get("schema") != SCHEMA:
        raise NotABundle(f"the schema is not {SCHEMA}")
    said: list[tuple[str, str]] = []
    node = need(bundle.get("node"), str, "node")
    named = need(bundle.get("keys"), dict, "keys") if trusted is None else trusted
    keys = {party: [parse_key(need(key, str, "a key")) for key in need(named[party], list, "keys")] for party in named}
    if trusted is None:
        said.append((
            "NOTE: the keys are the bundle's own; who signed is not proved. Give --agreement or --key.",
            "تنبيه: المفاتيح مأخوذة من الحزمة نفسها، فلا يثبت بها من وقّع. استعمل ‎--agreement أو ‎--key.",
        ))  # fmt: skip
    origin, size, root = signed_head(need(bundle.get("head"), str, "head"), keys.get(node, keys.get("", [])))
    said.append((
        "%s signed a ledger of %d entries, root %s" % (origin, size, root.hex()),
        "وقّعت %s سجلًا من %d قيدًا، جذره %s" % (origin, size, root.hex()),
    ))  # fmt: skip
    covered = 0
    for one in need(bundle.get("witnessed"), list, "witnessed"):
        by, note = need(need(one, dict, "a co-signature").get("by"), str, "by"), need(one.get("note"), str, "note")
        witness_keys = keys.get(by, keys.get("", []))
        if by == node:
            raise NotABundle("a node does not witness its own ledger")
        at = cosigned_at(note, witness_keys)
        their_origin, their_size, their_root = read_head(parse_note(note)[0])
        proof = hashes(one.get("consistency"), "a consistency proof")
        if their_origin != origin or not is_consistent(their_size, their_root, size, root, proof):
            raise Wrong(
                f"the ledger does not continue the one that {by} co-signed: it was rewritten or forked",
                f"السجل لا يكمّل السجل الذي وقّعه {by}: أُعيدت كتابته أو تفرّع",
            )
        covered = max(covered, their_size)
        said.append((
            "%s co-signed the first %d entries at %s; this ledger continues exactly those" % (by, their_size, at),
            "وقّع %s على أول %d قيدًا في %s؛ وهذا السجل تكملة لها بعينها" % (by, their_size, at),
        ))  # fmt: skip
    entries = need(bundle.get("entries"), list, "entries")
    bodies: dict[int, Any] = {}
    previous = -1
    erased = 0
    for entry in entries:
        index = need(need(entry, dict, "an entry").get("index"), int, "index")
        if index <= previous:
            raise NotABundle("the entries do not stand in order")
        previous = index
        (commitment,) = hashes([entry.get("commitment")], "a commitment")
        if not is_included(leaf_hash(commitment), index, size, hashes(entry.get("proof"), "a proof"), root):
            raise Wrong("entry %d does not stand in the ledger" % index, "القيد %d ليس في السجل" % index)
        if entry.get("body") is None and entry.get("salt") is None:
            erased += 1
            bodies[index] = None
            continue
        body = need(entry.get("body"), str, "a body")
        salt = need(entry.get("salt"), str, "a salt")
        if re.fullmatch("[0-9a-f]{32}", salt) is None:
            raise NotABundle("a salt is not of 16 bytes")
        try:
            encoded = body.encode()
        except UnicodeEncodeError:
            raise NotABundle("a body is not Unicode text") from None
        if hashlib.sha256(bytes.fromhex(salt) + encoded).digest() != commitment:
            raise Wrong("entry %d is not what was logged" % index, "القيد %d ليس ما سُجّل" % index)
        try:
            bodies[index] = need(json.loads(body), dict, "an entry's body")
        except ValueError:
            raise NotABundle("an entry's body is not JSON") from None
    said.append((
        "all %d entries of the bundle stand in the ledger unchanged (%d of them with their body erased)"
        % (len(entries), erased),
        "قيود الحزمة وعددها %d كلها في السجل دون تغيير (منها %d مُحي مضمونها)" % (len(entries), erased),
    ))  # fmt: skip
    beyond = sum(index >= covered for index in bodies)
    if beyond:
        said.append((
            "NOTE: %d of them lie past the last co-signature: they have the node's own word alone" % beyond,
            "تنبيه: %d منها بعد آخر توقيع للشريك: لا يشهد عليها إلا كلام العقدة نفسها" % beyond,
        ))  # fmt: skip
    said.extend(check_selection(need(bundle.get("selection"), dict, "selection"), bodies, size))
    return said


def check_selection(selection: Any, bodies: dict[int, Any], size: int) -> list[tuple[str, str]]:
    """Whether the entries are those that the selection promises, as far as that can be shown."""
    kind = selection.get("kind")
    if kind == "sample":
        seed = need(selection.get("seed"), str, "seed")
        count = need(selection.get("count"), int, "count")
        if not 0 < count <= 1_000_000 or sample(seed, size, min(count, size)) != sorted(bodies):
            raise Wrong("the sample is not the one that its seed draws", "العيّنة ليست ما تحدّده بذرتها")
        return [(
            f"the sample is exactly the one that the seed {seed!r} draws",
            f"العيّنة هي بعينها ما تحدّده البذرة {seed!r}",
        )]  # fmt: skip
    if kind == "period":
        return check_period(selection, bodies, size)
    if kind != "case":
        raise NotABundle("the selection is neither a period, nor a case, nor a sample")
    case = need(selection.get("case"), str, "case")
    conversations = {body["data"].get("conversation") for body in bodies.values() if has_case(body, case)}
    for index, body in bodies.items():
        if body is not None and not has_case(body, case) and conversation_of(body) not in conversations:
            raise Wrong("entry %d is of another case" % index, "القيد %d لقضية أخرى" % index)
    return [(
        "all of them are of the case; that there are no others of it, a case's bundle cannot prove (take a period)",
        "كلها للقضية المطلوبة؛ أما أنه ليس لها غيرها فلا تثبته حزمة قضية (استعمل حزمة مدة)",
    )]  # fmt: skip


def has_case(body: Any, case: str) -> bool:
    """True for an entry that names the case."""
    return body is not None and isinstance(body.get("data"), dict) and body["data"].get("case") == case


def conversation_of(body: Any) -> Any:
    """The conversation that an entry names."""
    return body["data"].get("conversation", "") if isinstance(body.get("data"), dict) else ""


def check_period(selection: Any, bodies: dict[int, Any], size: int) -> list[tuple[str, str]]:
    """Every entry from the one before the period to the one after it is there, and those two lie outside it."""
    start, end = need(selection.get("from"), str, "from"), need(selection.get("to"), str, "to")
    indexes = sorted(bodies)
    if not indexes and size:
        raise Wrong("a period's bundle needs the entries at its borders", "حزمة المدة تحتاج إلى القيدين عند طرفيها")
    if indexes and indexes != list(range(indexes[0], indexes[-1] + 1)):
        raise Wrong("an entry is missing between two of the period", "ينقص قيد بين قيدين من المدة")
    before = indexes and indexes[0] > 0 and not at_of(bodies[indexes[0]]) < start
    after = indexes and indexes[-1] < size - 1 and not at_of(bodies[indexes[-1]], "") >= end
    if before or after:
        raise Wrong(
            "the bundle does not show the period's border: entries of it may be missing",
            "لا تُظهر الحزمة طرف المدة: قد تنقصها قيود",
        )
    return [(
        f"no entry is left out between the first and the last one here, and the period {start} to {end} lies within",
        f"لا ينقص أي قيد بين أول القيود هنا وآخرها، والمدة من {start} إلى {end} داخلة فيها",
    )]  # fmt: skip


def at_of(body: Any, missing: str = "~") -> str:
    """The instant of an entry; for one whose body is erased, `missing`, which decides for neither border."""
    return missing if body is None else need(body.get("at"), str, "at")


def keys_of_agreement(data: bytes) -> tuple[str, dict[str, list[str]]]:
    """The id of the agreement in a file, signed or not, and each party's checkpoint keys."""
    prefix = '{"document":'  # a signed file is canonical JSON, so its document's bytes are those that were signed
    try:
        text = data.decode("utf-8").rstrip("\n")
        if text.startswith(prefix):
            text = text[len(prefix) : json.JSONDecoder().raw_decode(text, len(prefix))[1]]
        keys = {party: list(one["keys"]["checkpoint"]) for party, one in json.loads(text)["parties"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotABundle("the agreement cannot be read") from None
    return hashlib.sha256(text.encode()).hexdigest(), keys


def main(arguments: list[str]) -> int:
    """Check the bundle that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description="Check a bundle of ledger proofs; needs nothing but Python.")
    parser.add_argument("bundle")
    parser.add_argument("--agreement", help="the agreement that both parties signed: its keys are trusted")
    parser.add_argument("--key", action="append", default=[], help="a verifier key that is trusted; may be repeated")
    parser.add_argument("--language", choices=("en", "ar", "both"), default="both")
    chosen = parser.parse_args(arguments)
    languages = {"en": (0,), "ar": (1,), "both": (0, 1)}[chosen.language]

    def say(texts: tuple[str, str]) -> None:
        for language in languages:
            print(texts[language])

    try:
        trusted = {"": list(chosen.key)} if chosen.key else None
        if chosen.agreement:
            number, of_parties = keys_of_agreement(read(chosen.agreement))
            trusted = {**of_parties, **(trusted or {})}
            say((
                f"agreement sha256:{number} (compare this with the one that was signed)",
                f"الاتفاقية sha256:{number} (قارنه برقم الاتفاقية الموقّعة)",
            ))  # fmt: skip
        try:
            bundle = json.loads(read(chosen.bundle))
        except (ValueError, RecursionError):
            raise NotABundle("the file is not JSON") from None
        for texts in check(bundle, trusted):
            say(texts)
    except NotABundle as error:
        say((f"NOT A BUNDLE: {error}", f"ليست حزمة إثباتات: {error}"))
        return 3
    except Wrong as error:
        say((f"DOES NOT HOLD: {error.texts[0]}", f"لا يصح: {error.texts[1]}"))
        return 1
    say(("ALL OF IT HOLDS", "كل ذلك صحيح"))
    return 0


def read(path: str) -> bytes:
    """A file's bytes."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise NotABundle(f"{path} cannot be read ({error.strerror})") from None
    if len(data) > LARGEST_BYTES:
        raise NotABundle(f"{path} is larger than any bundle")
    return data


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:]))
