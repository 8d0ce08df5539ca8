"""Personal data at rest: sealed fields and messages, keyed hashes to find them by, and masks for what pages show.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; HMAC-SHA-256 (RFC 2104) under a key of its own derived by
HKDF (RFC 5869), so that a hash says nothing about the sealing key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORM = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """Something sealed does not open: altered, moved to another place, or sealed under another key."""


class FieldCipher:
    """Seals single fields under one 32-byte key of the service."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the field key must have 32 bytes")
        self._aead = AESGCM(_derive(key, b"tongban field seal 1"))
        self._hash_key = _derive(key, b"tongban field hash 1")

    def seal(self, text: str, context: str) -> bytes:
        """`text` sealed to its place: `context` names table, column and row, and the field opens nowhere else."""
        return _seal(self._aead, text.encode(), context.encode())

    def open(self, blob: bytes, context: str) -> str:
        """The text that `seal` was given. Raises SealBroken."""
        return _open((self._aead,), blob, context.encode()).decode()

    def keyed_hash(self, text: str) -> str:
        """Hex of a keyed hash: equal texts are found without being kept, and cannot be guessed without the key."""
        return hmac.new(self._hash_key, text.encode(), sha256).hexdigest()


class TransitSeal:
    """Seals messages for or from other districts while they lie in this one: in outboxes and in queues.

    One key of the district, which its services and its courier share; between districts the courier's own seal holds.
    The first key seals and every key opens, so that a new one is put in front before the old one is taken away.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ValueError("every transit key must have 32 bytes")
        self._aeads = [AESGCM(_derive(key, b"tongban transit seal 1")) for key in keys]

    @classmethod
    def of(cls, setting: str) -> TransitSeal:
        """From keys in base64, separated by commas. Raises ValueError."""
        try:
            return cls([base64.b64decode(key, validate=True) for key in setting.split(",")])
        except binascii.Error:
            raise ValueError("must be keys of 32 octets in base64, separated by commas") from None

    def seal(self, body: bytes, *, id: str, type: str) -> bytes:
        """The body of the message `id`, which opens under no other id and as no other type."""
        return _seal(self._aeads[0], body, f"{id} {type}".encode())

    def open(self, blob: bytes, *, id: str, type: str) -> bytes:
        """The body that `seal` was given. Raises SealBroken."""
        return _open(self._aeads, blob, f"{id} {type}".encode())


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


def _seal(aead: AESGCM, content: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _FORM + nonce + aead.encrypt(nonce, content, context)


def _open(aeads: Sequence[AESGCM], blob: bytes, context: bytes) -> bytes:
    blob = bytes(blob)  # a database gives a memoryview
    if blob[:1] != _FORM or len(blob) < 1 + _NONCE + 16:
        raise SealBroken("not sealed")
    for aead in aeads:
        try:
            return aead.decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], context)
        except InvalidTag:
            continue
    raise SealBroken("does not open here")
