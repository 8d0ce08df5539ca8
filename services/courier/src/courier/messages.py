"""The courier's contract ↔ its domain; the only module that knows generated code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.contracts import EnumWords, moment, timestamp
from chassis.outbox import ANSWERS_TO, ID, OPENS, SOURCE, SUBJECT, SUBJECT_SEQ, TARGET, TRACEPARENT, TYPE, VALID_UNTIL
from chassis.paging import Wish
from google.protobuf.message import DecodeError
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1 import courier_pb2 as pb

from courier.domain.envelope import Control
from courier.domain.errors import Malformed
from courier.domain.manifest import Manifest, Named
from courier.domain.registry import Key
from courier.usecases.ports import LinkState, LinkView, Opened, Outbound, Quarantined, SentView, Settled, Standing

CONTRACT = pb.DESCRIPTOR.services_by_name["CourierService"]


class MessageState(StrEnum):
    """What became of a sent message."""

    WAITING = "waiting"
    PUBLISHED = "published"
    RECEIPTED = "receipted"
    REFUSED = "refused"
    EXPIRED = "expired"


_LINK = EnumWords(LinkState, pb.LinkState, "LINK_STATE")
_STATE = EnumWords(MessageState, pb.MessageState, "MESSAGE_STATE")


def state_wanted(number: int) -> str:
    """The state to list; "" for every one."""
    return "" if number == pb.MESSAGE_STATE_UNSPECIFIED else _STATE.word(number, Malformed)


# What services hand over -----------------------------------------------------------------------------------------------


def outbound(headers: Mapping[str, Any], body: bytes) -> Outbound:
    """The message that a relay handed over. Raises Malformed."""
    try:
        answers_to, valid_until = headers.get(ANSWERS_TO), headers.get(VALID_UNTIL)
        message = Outbound(
            id=UUID(headers[ID]),
            service=str(headers[SOURCE]),
            type=str(headers[TYPE]),
            target=str(headers[TARGET]),
            subject=str(headers[SUBJECT]),
            seq=int(headers[SUBJECT_SEQ]),
            body=body,
            opens=str(headers.get(OPENS, "")),
            answers_to=UUID(answers_to) if answers_to else None,
            valid_until=datetime.fromisoformat(valid_until) if valid_until else None,
            trace=str(headers.get(TRACEPARENT, "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("bad_outbound", str(error)) from None
    if message.seq < 1 or (message.valid_until is not None and message.valid_until.tzinfo is None):
        raise Malformed("bad_outbound", "count or deadline")
    return message


def pack_outbound(message: Outbound) -> tuple[dict[str, str], bytes]:
    """The same again as headers and body, to be kept until its turn."""
    headers = {
        ID: str(message.id),
        SOURCE: message.service,
        TYPE: message.type,
        TARGET: message.target,
        SUBJECT: message.subject,
        SUBJECT_SEQ: str(message.seq),
        OPENS: message.opens,
        ANSWERS_TO: str(message.answers_to or ""),
        VALID_UNTIL: message.valid_until.isoformat() if message.valid_until else "",
        TRACEPARENT: message.trace,
    }
    return headers, message.body


def pack_body(opens: str, body: bytes, manifest: Manifest | None = None) -> bytes:
    """What is sealed."""
    wire = pb.SealedBody(opens=opens, message=body)
    if manifest is not None:
        chunks = [pb.ChunkName(sha256=bytes.fromhex(chunk.digest), size=chunk.size) for chunk in manifest.chunks]
        wire.manifest.CopyFrom(pb.Manifest(size=manifest.size, sha256=bytes.fromhex(manifest.digest), chunks=chunks))
    return wire.SerializeToString()


def unpack_body(data: bytes) -> Opened:
    """What was sealed. Raises Malformed."""
    try:
        sealed = pb.SealedBody.FromString(data)
    except DecodeError:
        raise Malformed("bad_body") from None
    manifest = _manifest(sealed.manifest) if sealed.HasField("manifest") else None
    return Opened(sealed.opens, sealed.message, manifest)


def _manifest(wire: pb.Manifest) -> Manifest:
    chunks = [Named(chunk.sha256.hex(), chunk.size) for chunk in wire.chunks]
    return Manifest(wire.size, wire.sha256.hex(), tuple(chunks))


# The chunks' lane -------------------------------------------------------------------------------------------------------


def chunk(piece: bytes) -> bytes:
    return pb.Chunk(piece=piece).SerializeToString()


def piece_of(data: bytes) -> bytes:
    """The piece in a chunk. Raises Malformed."""
    try:
        return pb.Chunk.FromString(data).piece
    except DecodeError:
        raise Malformed("bad_body") from None


def chunks_wanted(digests: Iterable[str]) -> bytes:
    return pb.ChunksWanted(sha256=[bytes.fromhex(one) for one in digests]).SerializeToString()


def wanted_chunks(data: bytes) -> list[str]:
    """The digests that a peer asks for. Raises Malformed."""
    try:
        return [one.hex() for one in pb.ChunksWanted.FromString(data).sha256]
    except DecodeError:
        raise Malformed("bad_body") from None


# The control lane ------------------------------------------------------------------------------------------------------

_CONTROL = {
    Control.RECEIPT: pb.Receipt,
    Control.CANARY: pb.Canary,
    Control.CANARY_ECHO: pb.CanaryEcho,
    Control.MISSING_NUMBERS: pb.MissingNumbers,
    Control.NUMBERS_GONE: pb.NumbersGone,
    Control.REGISTRY_OFFERED: pb.RegistryOffered,
    Control.AGREEMENT_WANTED: pb.AgreementWanted,
    Control.AGREEMENT_OFFERED: pb.AgreementOffered,
}


def control(type: str, data: bytes) -> Any:
    """A message of the control lane. Raises Malformed."""
    try:
        return _CONTROL[Control(type)].FromString(data)
    except DecodeError:
        raise Malformed("bad_body") from None


def receipt(jws: str) -> bytes:
    return pb.Receipt(signed_receipt=jws).SerializeToString()


def canary(sequence: int, now: datetime, standing: Standing) -> bytes:
    return pb.Canary(sequence=sequence, sent_at=timestamp(now), standing=_standing(standing)).SerializeToString()


def canary_echo(of: Any, now: datetime, standing: Standing) -> bytes:
    """The answer to the canary `of`."""
    echo = pb.CanaryEcho(
        sequence=of.sequence, sent_at=of.sent_at, echoed_at=timestamp(now), standing=_standing(standing)
    )
    return echo.SerializeToString()


def missing_numbers(epoch: int, numbers: Iterable[int]) -> bytes:
    return pb.MissingNumbers(epoch=epoch, numbers=numbers).SerializeToString()


def numbers_gone(epoch: int, numbers: Iterable[int]) -> bytes:
    return pb.NumbersGone(epoch=epoch, numbers=numbers).SerializeToString()


def registry_offered(text: str) -> bytes:
    return pb.RegistryOffered(signed_registry=text).SerializeToString()


def agreement_wanted(version: int) -> bytes:
    return pb.AgreementWanted(version=version).SerializeToString()


def agreement_offered(text: str) -> bytes:
    return pb.AgreementOffered(signed_agreement=text).SerializeToString()


def standing_of(wire: Any) -> Standing:
    return Standing(wire.registry_version, wire.sent_epoch, wire.sent_number, wire.seen_epoch, wire.seen_number)


def _standing(standing: Standing) -> pb.Standing:
    return pb.Standing(**vars(standing))


def at(stamp: Any) -> datetime:
    """A timestamp of the control lane. Raises Malformed."""
    try:
        return moment(stamp)
    except (ValueError, OverflowError):
        raise Malformed("bad_time") from None


# Local events ----------------------------------------------------------------------------------------------------------


def link_opened(peer: str, now: datetime, version: int) -> pb.LinkOpened:
    return pb.LinkOpened(peer=peer, at=timestamp(now), version=version)


def registry_installed(version: int, text: str) -> pb.RegistryInstalled:
    return pb.RegistryInstalled(version=version, signed_registry=text)


def agreement_installed(peer: str, version: int, text: str, keys: Iterable[tuple[str, Key]]) -> pb.AgreementInstalled:
    wire = [
        pb.PartyKey(district=code, kid=key.kid, alg=key.alg, public_jwk=json.dumps(key.public)) for code, key in keys
    ]
    return pb.AgreementInstalled(peer=peer, version=version, signed_agreement=text, keys=wire)


def message_refused(settled: Settled, code: str, reason: str, now: datetime) -> pb.MessageRefused:
    return pb.MessageRefused(
        message_id=str(settled.id),
        peer=settled.peer,
        type=settled.type,
        subject=settled.subject,
        code=code,
        reason=reason,
        at=timestamp(now),
    )


# Answers ---------------------------------------------------------------------------------------------------------------


def links(views: Iterable[LinkView]) -> pb.ListLinksResponse:
    return pb.ListLinksResponse(links=[_link(view) for view in views])


def _link(view: LinkView) -> pb.Link:
    return pb.Link(
        peer=view.peer,
        state=_LINK.number(view.state),
        last_canary_at=timestamp(view.last_echo),
        round_trip_ms=view.round_trip_ms,
        clock_difference_ms=view.clock_difference_ms,
        waiting=view.waiting,
        oldest_waiting_s=view.oldest_waiting_s,
        sent=view.sent,
        receipted=view.receipted,
        received=view.received,
        refused_by_peer=view.refused_by_peer,
        refused_here=view.refused_here,
        registry_version=view.registry_version,
        lights=list(view.lights),
        connected=view.connected,
        no_connection_since=timestamp(view.no_connection_since),
    )


def after(wanted: Wish) -> tuple[Any, ...] | None:
    """Where a page starts: a moment first, an id last, as the columns have them. Raises Malformed."""
    if wanted.after is None:
        return None
    try:
        return (datetime.fromisoformat(wanted.after[0]), *wanted.after[1:-1], str(UUID(wanted.after[-1])))
    except ValueError:
        raise Malformed("bad_page") from None


def sent_messages(views: Iterable[SentView], following: str) -> pb.ListMessagesResponse:
    wire = [
        pb.SentMessage(
            id=str(view.id),
            peer=view.peer,
            epoch=view.epoch,
            number=view.number,
            subject=view.subject,
            type=view.type,
            state=_STATE.number(MessageState(view.state)),
            created_at=timestamp(view.created_at),
            receipted_at=timestamp(view.settled_at),
            attempts=view.attempts,
            refusal_code=view.code,
        )
        for view in views
    ]
    return pb.ListMessagesResponse(messages=wire, page=common.PageInfo(next=following))


def quarantined(rows: Iterable[Quarantined], following: str) -> pb.ListQuarantineResponse:
    wire = [
        pb.QuarantinedMessage(
            id=str(row.id), arrived_at=timestamp(row.at), written_by=row.written_by, code=row.code, size=row.size
        )
        for row in rows
    ]
    return pb.ListQuarantineResponse(messages=wire, page=common.PageInfo(next=following))
