"""The Merkle tree of RFC 6962 (section 2.1; RFC 9162 verifies), over node hashes that the caller stores.

    level 2               h(2,0)                    A node (level, index) is the root of the complete subtree over
    level 1        h(1,0)        h(1,1)             leaves index·2^level up to (index + 1)·2^level, exclusive.
    level 0     h(0,0) h(0,1) h(0,2) h(0,3) h(0,4)  Once it is complete it never changes, so it is stored once.

Every function takes `get(level, index)`, which reads a stored node, and reads O(log n) of them. Nothing is kept here.
Errors are `TrustError` PAC-150 to PAC-152.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from mithaq.errors import TrustError

Get: TypeAlias = Callable[[int, int], bytes]
"""Reads the stored hash of a complete subtree: get(level, index) -> 32 bytes."""

Node: TypeAlias = tuple[int, int, bytes]
"""Level, index, hash: what `append_nodes` asks the caller to store."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_PROOF = 63  # hashes: as many as C2SP's tlog-witness allows, enough for 2^62 leaves


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append_nodes(size: int, leaf: bytes, get: Get) -> list[Node]:
    """The nodes that become complete when a leaf hash joins a tree of `size` leaves, the leaf's own first."""
    nodes = [(0, size, leaf)]
    level, index, value = 0, size, leaf
    while index & 1:  # a right child completes its parent
        value = node_hash(get(level, index - 1), value)
        level, index = level + 1, index >> 1
        nodes.append((level, index, value))
    return nodes


def root(size: int, get: Get) -> bytes:
    """The root of the first `size` leaves; SHA-256 of nothing for none."""
    return _range(0, size, get) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, get: Get) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves, lowest first; TrustError PAC-152
    where there is no such leaf."""
    if not 0 <= index < size:
        raise _range_error(f"leaf {index} of {size}", "an index below the size")
    return _path(index, 0, size, get)


def consistency_proof(first: int, second: int, get: Get) -> list[bytes]:
    """The hashes that show the tree of `second` leaves to begin with the tree of `first`; empty where first is 0 or
    equal to second. TrustError PAC-152 where first is greater."""
    if not 0 <= first <= second:
        raise _range_error(f"sizes {first} and {second}", "sizes that do not fall")
    return [] if first in (0, second) else _subproof(first, 0, second, True, get)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_root: bytes) -> None:
    """Nothing where the leaf hash stands at `index` under the root (RFC 9162, 2.1.3.2); TrustError PAC-150, or PAC-152
    where there can be no such leaf."""
    if not 0 <= index < size:
        raise _range_error(f"leaf {index} of {size}", "an index below the size")
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _inclusion_error()
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or value != tree_root:
        raise _inclusion_error()


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Nothing where the tree of `second` leaves begins with that of `first` (RFC 9162, 2.1.4.2); TrustError PAC-151, or
    PAC-152 for sizes that fall. The empty tree begins every tree."""
    if not 0 <= first <= second:
        raise _range_error(f"sizes {first} and {second}", "sizes that do not fall")
    if first in (0, second):
        known = EMPTY_ROOT if first == 0 else second_root
        if proof or first_root != known or (second == 0 and second_root != EMPTY_ROOT):
            raise _consistency_error()
        return
    hashes = list(proof)
    if first & (first - 1) == 0:  # a power of two: the old root itself is the first node
        hashes.insert(0, first_root)
    if not hashes:
        raise _consistency_error()
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            raise _consistency_error()
        if position & 1 or position == last:
            old, new = node_hash(value, old), node_hash(value, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, value)
        position, last = position >> 1, last >> 1
    if last != 0 or old != first_root or new != second_root:
        raise _consistency_error()


def _split(count: int) -> int:
    """The largest power of two below count."""
    return 1 << ((count - 1).bit_length() - 1)


def _range(start: int, end: int, get: Get) -> bytes:
    """The root over leaves start up to end, where start is a multiple of the subtree's size, as RFC 6962 splits it."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return get(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range(start, middle, get), _range(middle, end, get))


def _path(index: int, start: int, end: int, get: Get) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, get), _range(middle, end, get)]
    return [*_path(index, middle, end, get), _range(start, middle, get)]


def _subproof(first: int, start: int, end: int, is_known: bool, get: Get) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2; `is_known` while the old root itself stands at this node."""
    if first == end:
        return [] if is_known else [_range(start, end, get)]
    middle = start + _split(end - start)
    if first <= middle:
        return [*_subproof(first, start, middle, is_known, get), _range(middle, end, get)]
    return [*_subproof(first, middle, end, False, get), _range(start, middle, get)]


def _inclusion_error() -> TrustError:
    return TrustError("PAC-150", "the inclusion proof does not lead to the root", place="ledger", expected="its root")


def _consistency_error() -> TrustError:
    return TrustError(
        "PAC-151", "the ledger does not extend the one known before", place="ledger", expected="a consistency proof"
    )


def _range_error(problem: str, expected: str) -> TrustError:
    return TrustError("PAC-152", problem, place="ledger", expected=expected)
