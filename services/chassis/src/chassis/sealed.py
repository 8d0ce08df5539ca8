"""Personal data at rest: sealed fields, keyed hashes to find them by, and masks for what pages show.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; HMAC-SHA-256 (RFC 2104) under a key of its own derived by
HKDF (RFC 5869), so that a hash says nothing about the sealing key.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORM = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed field does not open: altered, moved to another place, or sealed under another key."""


class FieldCipher:
    """Seals single fields under one 32-byte key of the service."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the field key must have 32 bytes")
        self._aead = AESGCM(_derive(key, b"tongban field seal 1"))
        self._hash_key = _derive(key, b"tongban field hash 1")

    def seal(self, text: str, context: str) -> bytes:
        """`text` sealed to its place: `context` names table, column and row, and the field opens nowhere else."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._aead.encrypt(nonce, text.encode(), context.encode())

    def open(self, blob: bytes, context: str) -> str:
        """The text that `seal` was given. Raises SealBroken."""
        blob = bytes(blob)
        if blob[:1] != _FORM or len(blob) < 1 + _NONCE + 16:
            raise SealBroken("not a sealed field")
        try:
            return self._aead.decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], context.encode()).decode()
        except InvalidTag:
            raise SealBroken("does not open here") from None

    def keyed_hash(self, text: str) -> str:
        """Hex of a keyed hash: equal texts are found without being kept, and cannot be guessed without the key."""
        return hmac.new(self._hash_key, text.encode(), sha256).hexdigest()


def mask_id_number(number: str) -> str:
    """First four and last four characters; a shorter number is masked whole."""
    if len(number) <= 8:
        return "*" * len(number)
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_name(name: str) -> str:
    """The family name's first character, the rest as stars; a single character is masked too."""
    name = name.strip()
    if len(name) <= 1:
        return "*" * len(name)
    return name[0] + "*" * (len(name) - 1)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
