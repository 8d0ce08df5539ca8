"""Personal data at rest: sealed fields and messages, keyed hashes to find them by, and masks for what pages show.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; HMAC-SHA-256 (RFC 2104) under a key of its own derived by
HKDF (RFC 5869), so that a hash says nothing about the sealing key. A service may have several field keys while they are changed:
the first seals, every one opens, and what is sealed names its key (infra/adr/0029, chassis.resealing).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: What is sealed begins with its form: 1 names no key, 2 is followed by the four octets of its key's id.
FORM, NAMED_FORM = b"\x01", b"\x02"
_ID = 4
_NONCE = 12


class SealBroken(Exception):
    """Something sealed does not open: altered, moved to another place, or sealed under another key."""


@dataclass(frozen=True)
class FieldKey:
    """32 octets, and whether what they seal names them: the one from before keys had names is not named."""

    secret: bytes = field(repr=False)
    named: bool = True

    def __post_init__(self) -> None:
        if len(self.secret) != 32:
            raise ValueError("every field key must have 32 octets")

    @property
    def id(self) -> str:
        """Eight hexadecimal digits made from the key, which say nothing about it."""
        return derived(self.secret, b"tongban field key id 1")[:_ID].hex()

    @property
    def begins(self) -> bytes:
        """How everything begins that is sealed under it."""
        return NAMED_FORM + bytes.fromhex(self.id) if self.named else FORM

    def as_text(self) -> str:
        """As it stands in the setting."""
        text = base64.b64encode(self.secret).decode()
        return f"{self.id}:{text}" if self.named else text


class FieldKeys:
    """A service's keys for data at rest: the first seals, every one opens.

    The setting holds them separated by commas, each as `id:base64`; one may stand without its id, as the only one did before.
    """

    def __init__(self, keys: Sequence[FieldKey]) -> None:
        self.all = tuple(keys)
        if not self.all:
            raise ValueError("must hold at least one key of 32 octets")
        if sum(not key.named for key in self.all) > 1:
            raise ValueError("only the key from before keys had names may stand without its id")
        if len({key.id for key in self.all}) < len(self.all):
            raise ValueError("holds the same key twice")

    @classmethod
    def of(cls, setting: str) -> FieldKeys:
        """Raises ValueError."""
        return cls([_field_key(text) for text in setting.split(",")])

    @classmethod
    def plain(cls, secret: bytes) -> FieldKeys:
        """One key without a name."""
        return cls([FieldKey(secret, named=False)])

    @property
    def first(self) -> FieldKey:
        return self.all[0]

    @property
    def never_changed(self) -> bool:
        """Whether the only key is the one that the service began with, or cannot be told from it."""
        return len(self.all) == 1 and not self.first.named

    def derived(self, purpose: str) -> FieldKeys:
        """Keys for one purpose, in the same order."""
        return FieldKeys([FieldKey(derived(key.secret, purpose.encode()), key.named) for key in self.all])


class FieldCipher:
    """Seals single fields under the keys of the service."""

    def __init__(self, keys: FieldKeys) -> None:
        self.keys = keys
        self._aeads = {key.id: AESGCM(derived(key.secret, b"tongban field seal 1")) for key in keys.all}
        self._hash_keys = [derived(key.secret, b"tongban field hash 1") for key in keys.all]

    def seal(self, text: str, context: str) -> bytes:
        """`text` sealed to its place: `context` names table, column and row, and the field opens nowhere else."""
        key = self.keys.first
        return _seal(self._aeads[key.id], text.encode(), context.encode(), key.begins)

    def open(self, blob: bytes, context: str) -> str:
        """The text that `seal` was given. Raises SealBroken."""
        blob = bytes(blob)  # a database gives a memoryview
        if blob[:1] != NAMED_FORM:
            return _open(list(self._aeads.values()), blob, context.encode()).decode()
        id = blob[1 : 1 + _ID].hex()
        if id not in self._aeads:
            raise SealBroken(f"sealed under the field key {id}, which is not known here")
        return _open([self._aeads[id]], blob, context.encode(), blob[: 1 + _ID]).decode()

    def keyed_hash(self, text: str) -> str:
        """Hex of a keyed hash: equal texts are found without being kept, and cannot be guessed without the key."""
        return self.keyed_hashes(text)[0]

    def keyed_hashes(self, text: str) -> list[str]:
        """The hash under every key, the first key's first: while keys change, what is looked for may stand under any."""
        return [hmac.new(key, text.encode(), sha256).hexdigest() for key in self._hash_keys]


class TransitSeal:
    """Seals messages for or from other districts while they lie in this one: in outboxes and in queues.

    One key of the district, which its services and its courier share; between districts the courier's own seal holds.
    The first key seals and every key opens, so that a new one is put in front before the old one is taken away.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ValueError("every transit key must have 32 bytes")
        self._aeads = [AESGCM(derived(key, b"tongban transit seal 1")) for key in keys]

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


def derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (HKDF, RFC 5869), of which nothing about `secret` can be learned."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _field_key(text: str) -> FieldKey:
    """Raises ValueError."""
    id, named, encoded = text.strip().rpartition(":")
    try:
        key = FieldKey(base64.b64decode(encoded, validate=True), bool(named))
    except binascii.Error:
        raise ValueError(
            "must be keys of 32 octets in base64, separated by commas, each after its id and a colon"
        ) from None
    if named and id != key.id:
        raise ValueError(f"the key called {id} is not the one that this id was made from: its own is {key.id}")
    return key


def _seal(aead: AESGCM, content: bytes, context: bytes, begins: bytes = FORM) -> bytes:
    nonce = os.urandom(_NONCE)
    return begins + nonce + aead.encrypt(nonce, content, _bound(begins, context))


def _open(aeads: Sequence[AESGCM], blob: bytes, context: bytes, begins: bytes = FORM) -> bytes:
    blob, at = bytes(blob), len(begins)
    if blob[:at] != begins or len(blob) < at + _NONCE + 16:
        raise SealBroken("not sealed")
    for aead in aeads:
        try:
            return aead.decrypt(blob[at : at + _NONCE], blob[at + _NONCE :], _bound(begins, context))
        except InvalidTag:
            continue
    raise SealBroken("does not open here")


def _bound(begins: bytes, context: bytes) -> bytes:
    """What the seal is bound to: a form that names its key, to that name too."""
    return context if begins == FORM else begins + context
