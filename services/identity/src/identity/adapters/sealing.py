"""Personal data at rest, and the key that pairwise subjects are made with: all from the one field key."""

from __future__ import annotations

from chassis.sealed import FieldCipher
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Sealing:
    """Seals columns, each to its own row."""

    def __init__(self, field_key: bytes) -> None:
        self._cipher = FieldCipher(field_key)
        self.pairwise_key = derived(field_key, "tongban pairwise subject 1")

    def seal(self, column: str, row: str, text: str, table: str = "accounts") -> bytes | None:
        return self._cipher.seal(text, f"{table}/{column}/{row}") if text else None

    def open(self, column: str, row: str, blob: bytes | None, table: str = "accounts") -> str:
        return self._cipher.open(blob, f"{table}/{column}/{row}") if blob else ""

    def id_number_hash(self, number: str) -> str | None:
        """To find one person's account by, and to keep a second from being made."""
        return self._cipher.keyed_hash(f"id_number/{number}") if number else None


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose (HKDF, RFC 5869), of which nothing about `key` can be learned."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)
