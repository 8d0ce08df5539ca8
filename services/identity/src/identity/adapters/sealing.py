"""Personal data at rest, keyed hashes to find people by, and the key that pairwise subjects are made with."""

from __future__ import annotations

import base64
import binascii

from chassis.sealed import FieldCipher, FieldKey, FieldKeys, derived

_NUMBER = "id_number/{}"
_PAIRWISE = b"tongban pairwise subject 1"


class Sealing:
    """Seals columns, each to its own row."""

    def __init__(self, keys: FieldKeys, pairwise_key: bytes | None = None) -> None:
        self._cipher = FieldCipher(keys)
        self.pairwise_key = pairwise_key or derived(keys.first.secret, _PAIRWISE)

    def seal(self, column: str, row: str, text: str, table: str = "accounts") -> bytes | None:
        return self._cipher.seal(text, f"{table}/{column}/{row}") if text else None

    def open(self, column: str, row: str, blob: bytes | None, table: str = "accounts") -> str:
        return self._cipher.open(blob, f"{table}/{column}/{row}") if blob else ""

    def id_number_hash(self, number: str) -> str | None:
        """To find one person's account by, and to keep a second from being made."""
        return self._cipher.keyed_hash(_NUMBER.format(number)) if number else None

    def id_number_hashes(self, number: str) -> list[str]:
        """Where it may stand while keys change: under any of them."""
        return self._cipher.keyed_hashes(_NUMBER.format(number)) if number else []


def pairwise_key(keys: FieldKeys, setting: str) -> bytes:
    """The key that other districts' names for our people are made with: it never changes, whatever the field keys do.

    Unless it is set it is made from the field key that the district began with. Raises ValueError.
    """
    if not setting:
        if not keys.never_changed:
            raise ValueError(
                "TONGBAN_PAIRWISE_KEY: must be set once TONGBAN_FIELD_KEY was changed, or every other district would know our "
                "people by other names; `tongban district secrets` prints it"
            )
        return derived(keys.first.secret, _PAIRWISE)
    try:
        key = base64.b64decode(setting, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise ValueError("TONGBAN_PAIRWISE_KEY: must be 32 octets in base64")
    return key


def fixed_keys(keys: FieldKeys, setting: str) -> dict[str, tuple[str, str]]:
    """For chassis.resealing: the pairwise key must stay the one that the district began with. Raises ValueError."""
    return {"pairwise": ("TONGBAN_PAIRWISE_KEY", FieldKey(pairwise_key(keys, setting)).id)}
