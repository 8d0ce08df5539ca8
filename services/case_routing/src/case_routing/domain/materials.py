"""What an application must bring, and what a message can carry.

Materials cross inside the case file: a call on the bus has at most 4 MiB, and the courier takes bodies of that size in chunks
(infra/adr/0013).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from case_routing.domain.errors import BadMaterial, DigestMismatch, MaterialTooLarge, MissingMaterial, UnknownMaterial
from case_routing.domain.model import Guide, Material

#: Octets of one material, and of all materials of one application.
MATERIAL_LIMIT = 2 * 1024 * 1024
MATERIALS_LIMIT = 3 * 1024 * 1024
NAME_LIMIT = 200

# RFC 6838, section 4.2: restricted names.
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A material as it was sent. `sha256` may be empty: nobody claimed a digest."""

    key: str
    name: str
    media_type: str
    content: bytes = field(repr=False)
    sha256: str = ""


def check_materials(guide: Guide, uploads: Sequence[Upload]) -> tuple[Material, ...]:
    """The materials of a complete application. Raises the refusal that names what is missing, unknown or damaged."""
    keys = [upload.key for upload in uploads]
    if unknown := sorted(set(keys) - guide.required - guide.optional):
        raise UnknownMaterial(unknown)
    if missing := sorted(guide.required - set(keys)):
        raise MissingMaterial(missing)
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise BadMaterial(min(twice), "its key comes twice")
    materials = tuple(map(_material, uploads))
    if sum(material.size for material in materials) > MATERIALS_LIMIT:
        raise MaterialTooLarge("", MATERIALS_LIMIT)
    return materials


def _material(upload: Upload) -> Material:
    size = len(upload.content)
    if size > MATERIAL_LIMIT:
        raise MaterialTooLarge(upload.key, MATERIAL_LIMIT)
    if size == 0:
        raise BadMaterial(upload.key, "it is empty")
    if not 0 < len(upload.name.strip()) <= NAME_LIMIT or not upload.name.isprintable():
        raise BadMaterial(upload.key, f"its name must have 1 to {NAME_LIMIT} printable characters")
    if not _MEDIA_TYPE.fullmatch(upload.media_type):
        raise BadMaterial(upload.key, "its media type is not one (application/pdf, image/png …)")
    digest = sha256(upload.content).hexdigest()
    if upload.sha256.lower() not in ("", digest):
        raise DigestMismatch(upload.key)
    return Material(upload.key, upload.name.strip(), upload.media_type, size, digest, upload.content)
