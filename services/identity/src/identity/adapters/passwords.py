"""Password hashes by argon2id (RFC 9106), with the parameters that OWASP's Password Storage Cheat Sheet names as a minimum.

Only the web process and the sample loader import this: a hash takes some 30 ms of a core, which an eventlet process
would stand still for.
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: Verified against where nobody has the name, so that the answer takes as long.
NOBODY = _HASHER.hash("nobody has this password, because this hash is never stored")

hash_password = _HASHER.hash
needs_new_hash = _HASHER.check_needs_rehash


def matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
