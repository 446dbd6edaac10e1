"""Sealing at rest: AES-256-GCM under a key in a file of its own. One key for prints, another for identities.

sealed = 12 random bytes ‖ ciphertext ‖ 16-byte tag,  bound to a label ("conversation:…") so that rows cannot be swapped
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mithaq.errors import SettingsError, TrustError

KEY_BYTES = 32


class Vault:
    """One at-rest key. `seal` and `open` are inverse for the same label; anything altered is a TrustError."""

    def __init__(self, key: bytes, *, name: str) -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self.name = name

    def seal(self, plain: bytes, label: str) -> bytes:
        """The sealed form of `plain`, bound to `label`."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """The plain bytes; TrustError where the key, the label or a byte is another."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], label.encode())
        except InvalidTag:
            raise TrustError(
                "NOD-020",
                "stored data does not open",
                place=f"{self.name} store",
                expected="data sealed under this node's key for that row",
                remedy="restore the key file or the database that belongs to it",
            ) from None

    def digest(self, text: str) -> str:
        """A keyed digest, hex: equal texts meet, and nobody without the key can try names or numbers out."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def make_key(path: Path) -> None:
    """Write a new key file that only its owner may read; an existing one is never replaced."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))


def open_vault(path: Path, *, name: str) -> Vault:
    """The vault whose key lies in `path`; SettingsError where the file is missing or of another length."""
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
    return Vault(key, name=name)
