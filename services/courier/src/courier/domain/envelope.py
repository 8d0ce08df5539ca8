"""The envelope: what the sender signs, and how it stands on the wire.

Wire: `<compact JWS>` LF `<compact JWE>`, ASCII, at most 1 MiB. The JWS signs the claims below in canonical JSON, among
them the SHA-256 of the JWE as it stands there, so claims and body cannot be parted. The trace context travels beside the
envelope and is a hint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from courier.domain.canonical import parse_json, parse_time, time_text, written
from courier.domain.chain import Head
from courier.domain.errors import Malformed

MAX_ENVELOPE = 1024 * 1024
#: What the claims, the seal's own octets and base64 (4/3) leave of 1 MiB for a body; a larger one travels in chunks.
MAX_BODY = 760 * 1024
MAX_CLAIMS = 16 * 1024
MAX_SUBJECT = 200

_CODE = re.compile(r"[0-9]{6}\Z")
_TYPE = re.compile(r"tongban\.[a-z_]{1,40}\.v[0-9]{1,3}\.[A-Za-z]{1,60}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_BIG = 2**53 - 1


class Lane(StrEnum):
    """What waits for what: nothing in one lane ever waits for another."""

    #: Numbered, logged, kept until receipted, in order within a subject.
    MAIN = "main"
    #: Questions with a deadline: numbered, logged and receipted too, but in no order, and they expire.
    ASK = "ask"
    #: Receipts, canaries, missing numbers, registries: about the link itself; made again rather than kept.
    CONTROL = "control"
    #: Parts of bodies that are too large for one envelope, and the questions for them: asked for again rather than kept.
    CHUNK = "chunk"


class Control(StrEnum):
    """The types of the control lane."""

    RECEIPT = "tongban.courier.v1.Receipt"
    CANARY = "tongban.courier.v1.Canary"
    CANARY_ECHO = "tongban.courier.v1.CanaryEcho"
    MISSING_NUMBERS = "tongban.courier.v1.MissingNumbers"
    NUMBERS_GONE = "tongban.courier.v1.NumbersGone"
    REGISTRY_OFFERED = "tongban.courier.v1.RegistryOffered"
    AGREEMENT_WANTED = "tongban.courier.v1.AgreementWanted"
    AGREEMENT_OFFERED = "tongban.courier.v1.AgreementOffered"


class Bulk(StrEnum):
    """The types of the chunks' lane."""

    CHUNKS_WANTED = "tongban.courier.v1.ChunksWanted"
    CHUNK = "tongban.courier.v1.Chunk"


_CONTROL_TYPES = frozenset(control.value for control in Control)
_BULK_TYPES = frozenset(bulk.value for bulk in Bulk)


@dataclass(frozen=True)
class Claims:
    """Everything that the signature covers.

    `number` counts from 1 per lane and peer, `subject_seq` from 1 per subject, both anew in every epoch. The control and
    chunk lanes have neither (0), the ask lane no order within a subject.
    """

    id: UUID
    source: str
    target: str
    epoch: int
    number: int
    subject: str
    subject_seq: int
    type: str
    schema: int
    time: datetime
    agreement: int
    head: Head
    body: str
    valid_until: datetime | None = None
    answers_to: UUID | None = None

    @property
    def lane(self) -> Lane:
        """Follows from what is signed: the courier's own types, then whatever expires, then the rest."""
        if self.type in _CONTROL_TYPES:
            return Lane.CONTROL
        if self.type in _BULK_TYPES:
            return Lane.CHUNK
        return Lane.MAIN if self.valid_until is None else Lane.ASK


def schema_of(type: str) -> int:
    """The schema version that stands in a message's full proto name: `tongban.hotline.v1.TicketAnswered` → 1."""
    return int(type.split(".")[2].removeprefix("v"))


def encode(claims: Claims) -> bytes:
    """The claims as they are signed."""
    value: dict[str, Any] = {
        "id": str(claims.id),
        "source": claims.source,
        "target": claims.target,
        "epoch": claims.epoch,
        "number": claims.number,
        "subject": claims.subject,
        "subject_seq": claims.subject_seq,
        "type": claims.type,
        "schema": claims.schema,
        "time": time_text(claims.time),
        "agreement": claims.agreement,
        "head": claims.head.to_json(),
        "body": claims.body,
    }
    if claims.valid_until is not None:
        value["valid_until"] = time_text(claims.valid_until)
    if claims.answers_to is not None:
        value["answers_to"] = str(claims.answers_to)
    return written(value)


def decode(data: bytes) -> Claims:
    """The claims that were signed. Raises Malformed for anything that `encode` does not write."""
    value = parse_json(data, MAX_CLAIMS)
    try:
        claims = Claims(
            id=UUID(value["id"]),
            source=_matching(_CODE, value["source"]),
            target=_matching(_CODE, value["target"]),
            epoch=_count(value["epoch"]),
            number=_count(value["number"]),
            subject=_short(value["subject"]),
            subject_seq=_count(value["subject_seq"]),
            type=_matching(_TYPE, value["type"]),
            schema=_count(value["schema"]),
            time=parse_time(value["time"]),
            agreement=_count(value["agreement"]),
            head=Head.from_json(value["head"]),
            body=_matching(_DIGEST, value["body"]),
            valid_until=parse_time(value["valid_until"]) if "valid_until" in value else None,
            answers_to=UUID(value["answers_to"]) if "answers_to" in value else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Malformed("bad_claims") from None
    if encode(claims) != data:
        raise Malformed("bad_claims")
    numbered, ordered = claims.lane in (Lane.MAIN, Lane.ASK), claims.lane is Lane.MAIN
    if numbered != (claims.number > 0) or ordered != (claims.subject_seq > 0) or claims.epoch < 1:
        raise Malformed("bad_number")
    return claims


def join(signed: str, sealed: str) -> bytes:
    """Both parts as they travel."""
    return f"{signed}\n{sealed}".encode("ascii")


def split(wire: bytes) -> tuple[str, str]:
    """The JWS and the JWE of what arrived. Raises Malformed; looks at the size before anything else."""
    if len(wire) > MAX_ENVELOPE:
        raise Malformed("too_large")
    try:
        signed, sealed = wire.decode("ascii").split("\n")
    except ValueError:
        raise Malformed("not_an_envelope") from None
    if not signed or not sealed:
        raise Malformed("not_an_envelope")
    if len(signed) > MAX_CLAIMS:
        raise Malformed("too_large")
    return signed, sealed


def _matching(pattern: re.Pattern[str], text: Any) -> str:
    if not pattern.match(text):
        raise ValueError(text)
    return text


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _BIG:
        raise ValueError(value)
    return value


def _short(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MAX_SUBJECT or not text.isprintable():
        raise ValueError("subject")
    return text
