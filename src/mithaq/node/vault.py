"""Sealing at rest: each record under a data key of its own, each data key wrapped by the store's key.

    plain ──AES-256-GCM, the record's key──► sealed            in the database
    the record's key ──wrapped by the store's key──► wrapped   in the key store, until the record is erased

sealed = 12 random bytes ‖ ciphertext ‖ 16-byte tag, bound to a label ("print:…") so that rows cannot be swapped. One
store key for prints, another for identities: a file of its own, or a key in a PKCS#11 token (`node.token`). With a
record's key destroyed, no copy of the record opens any more, wherever it lies (REQ-086).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mithaq.errors import SettingsError, TrustError
from mithaq.node.store import RecordKeys

KEY_BYTES = 32


class Wrapper(Protocol):
    """A store's key: it wraps data keys, and makes keyed digests."""

    def wrap(self, key: bytes, label: str) -> bytes:
        """The data key, sealed and bound to the label."""

    def unwrap(self, wrapped: bytes, label: str) -> bytes:
        """The inverse; ValueError where key, label or a byte is another."""

    def digest(self, text: str) -> bytes:
        """HMAC-SHA-256 of the text under a key that nobody else has."""

    def close(self) -> None:
        """Let go of what it holds."""


class FileKey:
    """A store's key that was read from a file."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, label: str) -> bytes:
        """The data key (or any bytes), sealed and bound to the label."""
        return _encrypt(self._cipher, key, label)

    def unwrap(self, wrapped: bytes, label: str) -> bytes:
        """The inverse; ValueError where key, label or a byte is another."""
        return _decrypt(self._cipher, wrapped, label)

    def digest(self, text: str) -> bytes:
        """HMAC-SHA-256 of the text."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()

    def close(self) -> None:
        """Nothing is held."""


class Vault:
    """One store's seal. `seal` and `open` are inverse for the same label; anything altered is a TrustError."""

    def __init__(self, wrapper: Wrapper, keys: RecordKeys, *, name: str) -> None:
        self.wrapper = wrapper
        self.keys = keys
        self.name = name

    def make_keys(self, labels: Iterable[str]) -> None:
        """Make the keys of records that are about to be sealed, in one step where `seal` would take one each."""
        self.keys.keep(self.name, labels, self._new_key)

    def seal(self, plain: bytes, label: str) -> bytes:
        """The sealed form of `plain` under the key of that record, which is made and on the disk where there was none."""
        wrapped = self.keys.find(self.name, label)
        if wrapped is None:
            wrapped = self.keys.keep(self.name, [label], self._new_key)[label]
        return _encrypt(AESGCM(self._unwrap(wrapped, label)), plain, label)

    def open(self, sealed: bytes, label: str) -> bytes:
        """The plain bytes; TrustError NOD-260 where the record's key was destroyed, NOD-020 where the store's key, the
        label or a byte is another."""
        wrapped = self.keys.find(self.name, label)
        if wrapped is None:
            raise TrustError(
                "NOD-260",
                "the record has no key any more: it was erased",
                place=f"{self.name} store",
                expected="a record that is still kept",
                remedy="nothing brings it back; remove the copy of the database that still lists it",
            )
        try:
            return _decrypt(AESGCM(self._unwrap(wrapped, label)), sealed, label)
        except ValueError:
            raise _does_not_open(self.name) from None

    def digest(self, text: str) -> str:
        """A keyed digest, hex: equal texts meet, and nobody without the key can try names or numbers out."""
        return self.wrapper.digest(text).hex()

    def _new_key(self, label: str) -> bytes:
        return self.wrapper.wrap(os.urandom(KEY_BYTES), label)

    def _unwrap(self, wrapped: bytes, label: str) -> bytes:
        try:
            return self.wrapper.unwrap(wrapped, label)
        except ValueError:
            raise _does_not_open(self.name) from None


def _encrypt(cipher: AESGCM, plain: bytes, label: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + cipher.encrypt(nonce, plain, label.encode())


def _decrypt(cipher: AESGCM, sealed: bytes, label: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:12], sealed[12:], label.encode())
    except InvalidTag:
        raise ValueError("the tag does not fit") from None


def _does_not_open(name: str) -> TrustError:
    return TrustError(
        "NOD-020",
        "stored data does not open",
        place=f"{name} store",
        expected="data sealed under this node's key for that row",
        remedy="restore the key file or the database that belongs to it",
    )


def make_key(path: Path) -> None:
    """Write a new key file that only its owner may read; an existing one is never replaced."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))


def read_key(path: Path) -> FileKey:
    """The store's key in `path`; SettingsError where the file is missing or of another length."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            "NOD-021",
            f"the key file cannot be read ({type(error).__name__})",
            file=str(path),
            remedy="restore it from the key back-up; without it what it sealed stays closed",
        ) from None
    if len(key) != KEY_BYTES:
        raise SettingsError(
            "NOD-022", f"the key file has {len(key)} bytes", file=str(path), expected=f"{KEY_BYTES} bytes"
        )
    return FileKey(key)
