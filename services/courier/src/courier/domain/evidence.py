"""The file of evidence of one case: from each side its records, the chain up to its signed head, and what binds the peer.

part   links      [seq, digest] of every log entry from the case's first one on; other cases show only their digest
       records    the case's entries (and every beginning of an epoch) in full, with the envelope's signature
       receipts   what the peers signed about the messages that this side sent
       anchors    canaries and the like that peers signed, each with the peer's head at that moment
       statement  this side's signature over all of it and over its head
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from courier.domain.canonical import canonical, digest, parse_canonical, parse_time, time_text
from courier.domain.chain import Entry, Head
from courier.domain.errors import EvidenceError, Malformed

FORMAT = "tongban-evidence/1"
STATEMENT_FORMAT = "tongban-evidence-statement/1"
#: A file of a million links is about this big.
MAX_FILE = 256 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One entry in full; `signed` is the compact JWS of its envelope, empty for the beginning of an epoch."""

    entry: Entry
    signed: str


@dataclass(frozen=True)
class Part:
    """One side's evidence, without its statement."""

    links: Sequence[tuple[int, str]]
    records: Sequence[Record]
    receipts: Sequence[str]
    anchors: Sequence[str]

    def content(self) -> dict[str, Any]:
        return {
            "links": [[seq, value] for seq, value in self.links],
            "records": [{"entry": record.entry.to_json(), "signed": record.signed} for record in self.records],
            "receipts": list(self.receipts),
            "anchors": list(self.anchors),
        }


@dataclass(frozen=True)
class Statement:
    """What a side signs about its part: the log before the first link, the log's head, and the part's own digest."""

    district: str
    subject: str
    at: datetime
    before: Head
    head: Head
    records: int
    content: str

    def encode(self) -> bytes:
        return canonical(
            {
                "format": STATEMENT_FORMAT,
                "district": self.district,
                "subject": self.subject,
                "at": time_text(self.at),
                "before": self.before.to_json(),
                "head": self.head.to_json(),
                "records": self.records,
                "content": self.content,
            }
        )

    @staticmethod
    def decode(data: bytes) -> Statement:
        value = parse_canonical(data, 16 * 1024)
        try:
            statement = Statement(
                value["district"],
                value["subject"],
                parse_time(value["at"]),
                Head.from_json(value["before"]),
                Head.from_json(value["head"]),
                value["records"],
                value["content"],
            )
        except (KeyError, TypeError, ValueError):
            raise Malformed("bad_statement") from None
        if statement.encode() != data:
            raise Malformed("bad_statement")
        return statement


@dataclass(frozen=True)
class SignedPart:
    """A part as it stands in the file."""

    statement: str
    part: Part


@dataclass(frozen=True)
class Evidence:
    """The whole file."""

    subject: str
    parts: Sequence[SignedPart] = field(default_factory=tuple)


def statement_of(part: Part, *, district: str, subject: str, at: datetime, before: Head, head: Head) -> Statement:
    """What the side has to sign."""
    return Statement(district, subject, at, before, head, len(part.records), digest(canonical(part.content())))


def write_part(signed: SignedPart) -> dict[str, Any]:
    """One side's part as it stands in the file."""
    return {"statement": signed.statement, **signed.part.content()}


def write(subject: str, parts: Sequence[dict[str, Any]]) -> bytes:
    """The file: canonical JSON, one line."""
    return canonical({"format": FORMAT, "subject": subject, "parts": list(parts)}) + b"\n"


def read(data: bytes) -> Evidence:
    """The file's content, nothing of it believed yet. Raises EvidenceError `unreadable`."""
    try:
        if not data.endswith(b"\n"):
            raise Malformed("no_end")
        value = parse_canonical(data[:-1], MAX_FILE)
        if value["format"] != FORMAT or set(value) != {"format", "subject", "parts"}:
            raise Malformed("format")
        return Evidence(value["subject"], tuple(_part(part) for part in value["parts"]))
    except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError("evidence_unreadable", str(error)) from None


def _part(value: Any) -> SignedPart:
    if set(value) != {"statement", "links", "records", "receipts", "anchors"}:
        raise ValueError("unknown parts")
    records = [Record(Entry.from_json(item["entry"]), item["signed"]) for item in value["records"] if len(item) == 2]
    links = [(seq, entry_digest) for seq, entry_digest in value["links"]]
    part = Part(tuple(links), tuple(records), tuple(value["receipts"]), tuple(value["anchors"]))
    texts = [
        value["statement"],
        *part.receipts,
        *part.anchors,
        *(item.signed for item in records),
        *(d for _, d in links),
    ]
    if not all(isinstance(text, str) for text in texts) or not all(type(seq) is int for seq, _ in links):
        raise ValueError("not text")
    return SignedPart(value["statement"], part)
