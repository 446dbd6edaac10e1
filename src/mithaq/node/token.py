"""A store's key in a PKCS#11 token (an HSM, a smart card, SoftHSM) in place of a key file. The only importer of pkcs11.

    data key ──AES-256-GCM in the token, bound to the label──► wrapped        mithaq-NAME
    text ──HMAC-SHA-256 in the token──► keyed digest                          mithaq-NAME-digest

The keys are made sensitive and not extractable, so that who copies this machine's disk copies no store key. Node keys for
TLS, signing and opening messages stay in files: the libraries that use them want them there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from mithaq.errors import SettingsError, StorageError
from mithaq.node.settings import Settings

try:
    import pkcs11
    from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
except ImportError:  # the extra "token" is not installed
    pkcs11 = None

_sessions: dict[tuple[str, str], Any] = {}  # a token takes one login of a process
_turn = threading.RLock()  # and one caller of a session at a time


class TokenKey:
    """A store's key that lies in a token (`vault.Wrapper`)."""

    def __init__(self, session: Any, name: str) -> None:
        self._wrap = _find(session, f"mithaq-{name}")
        self._digest = _find(session, f"mithaq-{name}-digest")

    def wrap(self, key: bytes, label: str) -> bytes:
        """The data key, sealed in the token and bound to the label. StorageError where the token does not answer."""
        nonce = os.urandom(12)
        with _turn:
            try:
                return nonce + bytes(self._wrap.encrypt(key, **_gcm(nonce, label)))
            except pkcs11.exceptions.PKCS11Error as error:
                raise _gone(error) from None

    def unwrap(self, wrapped: bytes, label: str) -> bytes:
        """The inverse; ValueError where key, label or a byte is another. StorageError where the token does not answer."""
        with _turn:
            try:
                return bytes(self._wrap.decrypt(wrapped[12:], **_gcm(wrapped[:12], label)))
            except _DOES_NOT_FIT:
                raise ValueError("the tag does not fit") from None
            except pkcs11.exceptions.PKCS11Error as error:
                raise _gone(error) from None

    def digest(self, text: str) -> bytes:
        """HMAC-SHA-256 of the text."""
        with _turn:
            try:
                return bytes(self._digest.sign(text.encode(), mechanism=Mechanism.SHA256_HMAC))
            except pkcs11.exceptions.PKCS11Error as error:
                raise _gone(error) from None

    def close(self) -> None:
        """The session stays for the process: another node of it may use the token, too."""


_DOES_NOT_FIT: tuple[type[Exception], ...] = () if pkcs11 is None else (
    pkcs11.exceptions.GeneralError,  # what SoftHSM says of a wrong tag
    pkcs11.exceptions.EncryptedDataInvalid,
    pkcs11.exceptions.EncryptedDataLenRange,
    pkcs11.exceptions.DataInvalid,
)  # fmt: skip


def _gcm(nonce: bytes, label: str) -> dict[str, Any]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce=nonce, aad=label.encode(), tag_bits=128)}


def open_token(settings: Settings, name: str) -> TokenKey:
    """The key of one store in the token that the settings name; SettingsError NOD-275 where the token cannot be opened,
    NOD-276 where it does not hold that key."""
    with _turn:
        return TokenKey(_session(settings), name)


def make_keys(settings: Settings, name: str, digest_key: bytes) -> None:
    """Make one store's keys in the token, where they are not there yet; `digest_key` is taken over, so that persons who
    are enrolled are known again."""
    with _turn:
        session = _session(settings)
        shut = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
        for label in (f"mithaq-{name}", f"mithaq-{name}-digest"):
            try:
                _find(session, label)
                continue
            except SettingsError:
                pass
            try:
                if label.endswith("-digest"):
                    session.create_object(
                        {
                            Attribute.CLASS: ObjectClass.SECRET_KEY,
                            Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
                            Attribute.VALUE: digest_key,
                            Attribute.LABEL: label,
                            Attribute.TOKEN: True,
                            Attribute.SIGN: True,
                            **shut,
                        }
                    )
                else:
                    session.generate_key(KeyType.AES, 256, label=label, store=True, template=shut)
            except pkcs11.exceptions.PKCS11Error as error:
                raise _unusable(f"it does not make the key {label} ({type(error).__name__})") from None


def _session(settings: Settings) -> Any:
    keys = settings.keys
    if pkcs11 is None:
        raise SettingsError(
            "NOD-275", "the settings name a token, and the library for tokens is not installed", key="keys.module",
            remedy="install mithaq with the extra `token`",
        )  # fmt: skip
    module, label = str(keys.module), keys.token
    if (module, label) in _sessions:
        return _sessions[module, label]
    try:
        pin = settings.path(keys.pin_file or Path()).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise _unusable("the file with its PIN cannot be read", key="keys.pin_file") from None
    try:
        session = pkcs11.lib(module).get_token(token_label=label).open(user_pin=pin, rw=True)
    except (pkcs11.exceptions.PKCS11Error, RuntimeError) as error:
        raise _unusable(f"it does not open ({type(error).__name__})") from None
    _sessions[module, label] = session
    return session


def _find(session: Any, label: str) -> Any:
    try:
        return session.get_key(label=label, object_class=ObjectClass.SECRET_KEY)
    except pkcs11.exceptions.PKCS11Error as error:
        raise SettingsError(
            "NOD-276",
            f"the token holds no key {label} that can be used ({type(error).__name__})",
            key="keys.token",
            remedy="`mithaq node token` moves the keys from their files into the token",
        ) from None


def _unusable(why: str, key: str = "keys.token") -> SettingsError:
    return SettingsError("NOD-275", f"the token cannot be used: {why}", file="node.toml", key=key)


def _gone(error: Exception) -> StorageError:
    return StorageError(
        "NOD-277",
        f"the token does not answer ({type(error).__name__})",
        place="token",
        remedy="see to it, and start again",
    )
