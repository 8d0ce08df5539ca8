"""A body that is too large for one envelope: cut into pieces, each sealed to the target and known by the digest of what travels.

The envelope then carries the manifest in the body's place, so its signature covers every chunk. The taker asks for what it
lacks, in any order and as often as it must; nothing but these very octets fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from courier.domain.canonical import digest
from courier.domain.errors import Malformed, Rejected

#: The largest body that this protocol carries; settings may allow less.
MAX_WHOLE = 64 * 1024 * 1024
#: The largest sealed chunk.
MAX_CHUNK = 256 * 1024
#: What the seal's own octets and base64 (4/3) leave of it.
PIECE = 188 * 1024
_MOST = -(-MAX_WHOLE // PIECE)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Named:
    """One sealed chunk: the SHA-256 of it as it travels, and its octets."""

    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What the body consists of: its octets and SHA-256, and its chunks in their order."""

    size: int
    digest: str
    chunks: tuple[Named, ...]


def cut(body: bytes, piece: int = PIECE) -> list[bytes]:
    """The body in pieces of at most so many octets, in their order."""
    return [body[at : at + piece] for at in range(0, len(body), piece)]


def manifest_of(body: bytes, sealed: Sequence[str]) -> Manifest:
    """Names what `body` was sealed as."""
    chunks = [Named(digest(one.encode("ascii")), len(one)) for one in sealed]
    return Manifest(len(body), digest(body), tuple(chunks))


def check(manifest: Manifest, limit: int) -> None:
    """Raises Malformed for what no sender makes, Rejected for a body above `limit` octets."""
    names = [chunk.digest for chunk in manifest.chunks]
    right = all(_DIGEST.match(name) for name in (manifest.digest, *names))
    sizes = manifest.size > 0 and all(0 < chunk.size <= MAX_CHUNK for chunk in manifest.chunks)
    if not right or not sizes or not 0 < len(names) <= _MOST or len(set(names)) < len(names):
        raise Malformed("bad_manifest")
    if manifest.size > limit:
        raise Rejected("too_large", str(manifest.size))


def join(manifest: Manifest, pieces: Iterable[bytes]) -> bytes:
    """The body again. Raises Malformed unless it is the one that was cut."""
    kept = list(pieces)
    body = b"".join(kept)
    if len(kept) != len(manifest.chunks) or len(body) != manifest.size or digest(body) != manifest.digest:
        raise Malformed("pieces_differ")
    return body
