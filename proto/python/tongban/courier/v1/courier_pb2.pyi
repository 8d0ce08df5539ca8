import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tongban.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LinkState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_STATE_UNSPECIFIED: _ClassVar[LinkState]
    LINK_STATE_UP: _ClassVar[LinkState]
    LINK_STATE_DOWN: _ClassVar[LinkState]
    LINK_STATE_SUSPENDED: _ClassVar[LinkState]
    LINK_STATE_CLOSED: _ClassVar[LinkState]
    LINK_STATE_NEW: _ClassVar[LinkState]

class MessageState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MESSAGE_STATE_UNSPECIFIED: _ClassVar[MessageState]
    MESSAGE_STATE_WAITING: _ClassVar[MessageState]
    MESSAGE_STATE_PUBLISHED: _ClassVar[MessageState]
    MESSAGE_STATE_RECEIPTED: _ClassVar[MessageState]
    MESSAGE_STATE_REFUSED: _ClassVar[MessageState]
    MESSAGE_STATE_EXPIRED: _ClassVar[MessageState]
LINK_STATE_UNSPECIFIED: LinkState
LINK_STATE_UP: LinkState
LINK_STATE_DOWN: LinkState
LINK_STATE_SUSPENDED: LinkState
LINK_STATE_CLOSED: LinkState
LINK_STATE_NEW: LinkState
MESSAGE_STATE_UNSPECIFIED: MessageState
MESSAGE_STATE_WAITING: MessageState
MESSAGE_STATE_PUBLISHED: MessageState
MESSAGE_STATE_RECEIPTED: MessageState
MESSAGE_STATE_REFUSED: MessageState
MESSAGE_STATE_EXPIRED: MessageState

class Link(_message.Message):
    __slots__ = ("peer", "state", "last_canary_at", "round_trip_ms", "clock_difference_ms", "waiting", "oldest_waiting_s", "sent", "receipted", "received", "refused_by_peer", "refused_here", "registry_version", "lights", "connected", "no_connection_since")
    PEER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_CANARY_AT_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_MS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_DIFFERENCE_MS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    OLDEST_WAITING_S_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIPTED_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BY_PEER_FIELD_NUMBER: _ClassVar[int]
    REFUSED_HERE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    NO_CONNECTION_SINCE_FIELD_NUMBER: _ClassVar[int]
    peer: str
    state: LinkState
    last_canary_at: _timestamp_pb2.Timestamp
    round_trip_ms: float
    clock_difference_ms: float
    waiting: int
    oldest_waiting_s: float
    sent: int
    receipted: int
    received: int
    refused_by_peer: int
    refused_here: int
    registry_version: int
    lights: _containers.RepeatedScalarFieldContainer[str]
    connected: bool
    no_connection_since: _timestamp_pb2.Timestamp
    def __init__(self, peer: _Optional[str] = ..., state: _Optional[_Union[LinkState, str]] = ..., last_canary_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., round_trip_ms: _Optional[float] = ..., clock_difference_ms: _Optional[float] = ..., waiting: _Optional[int] = ..., oldest_waiting_s: _Optional[float] = ..., sent: _Optional[int] = ..., receipted: _Optional[int] = ..., received: _Optional[int] = ..., refused_by_peer: _Optional[int] = ..., refused_here: _Optional[int] = ..., registry_version: _Optional[int] = ..., lights: _Optional[_Iterable[str]] = ..., connected: _Optional[bool] = ..., no_connection_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListLinksRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListLinksResponse(_message.Message):
    __slots__ = ("links",)
    LINKS_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[Link]
    def __init__(self, links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ...) -> None: ...

class SentMessage(_message.Message):
    __slots__ = ("id", "peer", "epoch", "number", "subject", "type", "state", "created_at", "receipted_at", "attempts", "refusal_code")
    ID_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIPTED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_CODE_FIELD_NUMBER: _ClassVar[int]
    id: str
    peer: str
    epoch: int
    number: int
    subject: str
    type: str
    state: MessageState
    created_at: _timestamp_pb2.Timestamp
    receipted_at: _timestamp_pb2.Timestamp
    attempts: int
    refusal_code: str
    def __init__(self, id: _Optional[str] = ..., peer: _Optional[str] = ..., epoch: _Optional[int] = ..., number: _Optional[int] = ..., subject: _Optional[str] = ..., type: _Optional[str] = ..., state: _Optional[_Union[MessageState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receipted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., refusal_code: _Optional[str] = ...) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("peer", "state", "page")
    PEER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    peer: str
    state: MessageState
    page: _common_pb2.PageRequest
    def __init__(self, peer: _Optional[str] = ..., state: _Optional[_Union[MessageState, str]] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("messages", "page")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[SentMessage]
    page: _common_pb2.PageInfo
    def __init__(self, messages: _Optional[_Iterable[_Union[SentMessage, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class QuarantinedMessage(_message.Message):
    __slots__ = ("id", "arrived_at", "written_by", "code", "size")
    ID_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_AT_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_BY_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    id: str
    arrived_at: _timestamp_pb2.Timestamp
    written_by: str
    code: str
    size: int
    def __init__(self, id: _Optional[str] = ..., arrived_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., written_by: _Optional[str] = ..., code: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class ListQuarantineRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListQuarantineResponse(_message.Message):
    __slots__ = ("messages", "page")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[QuarantinedMessage]
    page: _common_pb2.PageInfo
    def __init__(self, messages: _Optional[_Iterable[_Union[QuarantinedMessage, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class LinkOpened(_message.Message):
    __slots__ = ("peer", "at", "version")
    PEER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    peer: str
    at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, peer: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class MessageRefused(_message.Message):
    __slots__ = ("message_id", "peer", "type", "subject", "code", "reason", "at")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    peer: str
    type: str
    subject: str
    code: str
    reason: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, message_id: _Optional[str] = ..., peer: _Optional[str] = ..., type: _Optional[str] = ..., subject: _Optional[str] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegistryInstalled(_message.Message):
    __slots__ = ("version", "signed_registry")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIGNED_REGISTRY_FIELD_NUMBER: _ClassVar[int]
    version: int
    signed_registry: str
    def __init__(self, version: _Optional[int] = ..., signed_registry: _Optional[str] = ...) -> None: ...

class AgreementInstalled(_message.Message):
    __slots__ = ("peer", "version", "signed_agreement", "keys")
    PEER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    peer: str
    version: int
    signed_agreement: str
    keys: _containers.RepeatedCompositeFieldContainer[PartyKey]
    def __init__(self, peer: _Optional[str] = ..., version: _Optional[int] = ..., signed_agreement: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[PartyKey, _Mapping]]] = ...) -> None: ...

class PartyKey(_message.Message):
    __slots__ = ("district", "kid", "alg", "public_jwk")
    DISTRICT_FIELD_NUMBER: _ClassVar[int]
    KID_FIELD_NUMBER: _ClassVar[int]
    ALG_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_JWK_FIELD_NUMBER: _ClassVar[int]
    district: str
    kid: str
    alg: str
    public_jwk: str
    def __init__(self, district: _Optional[str] = ..., kid: _Optional[str] = ..., alg: _Optional[str] = ..., public_jwk: _Optional[str] = ...) -> None: ...

class SealedBody(_message.Message):
    __slots__ = ("opens", "message", "manifest")
    OPENS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    opens: str
    message: bytes
    manifest: Manifest
    def __init__(self, opens: _Optional[str] = ..., message: _Optional[bytes] = ..., manifest: _Optional[_Union[Manifest, _Mapping]] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("size", "sha256", "chunks")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    size: int
    sha256: bytes
    chunks: _containers.RepeatedCompositeFieldContainer[ChunkName]
    def __init__(self, size: _Optional[int] = ..., sha256: _Optional[bytes] = ..., chunks: _Optional[_Iterable[_Union[ChunkName, _Mapping]]] = ...) -> None: ...

class ChunkName(_message.Message):
    __slots__ = ("sha256", "size")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    size: int
    def __init__(self, sha256: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class ChunksWanted(_message.Message):
    __slots__ = ("sha256",)
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sha256: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, sha256: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("piece",)
    PIECE_FIELD_NUMBER: _ClassVar[int]
    piece: bytes
    def __init__(self, piece: _Optional[bytes] = ...) -> None: ...

class Standing(_message.Message):
    __slots__ = ("registry_version", "sent_epoch", "sent_number", "seen_epoch", "seen_number")
    REGISTRY_VERSION_FIELD_NUMBER: _ClassVar[int]
    SENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    SENT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEEN_EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEEN_NUMBER_FIELD_NUMBER: _ClassVar[int]
    registry_version: int
    sent_epoch: int
    sent_number: int
    seen_epoch: int
    seen_number: int
    def __init__(self, registry_version: _Optional[int] = ..., sent_epoch: _Optional[int] = ..., sent_number: _Optional[int] = ..., seen_epoch: _Optional[int] = ..., seen_number: _Optional[int] = ...) -> None: ...

class Canary(_message.Message):
    __slots__ = ("sequence", "sent_at", "standing")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    sent_at: _timestamp_pb2.Timestamp
    standing: Standing
    def __init__(self, sequence: _Optional[int] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., standing: _Optional[_Union[Standing, _Mapping]] = ...) -> None: ...

class CanaryEcho(_message.Message):
    __slots__ = ("sequence", "sent_at", "echoed_at", "standing")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    ECHOED_AT_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    sent_at: _timestamp_pb2.Timestamp
    echoed_at: _timestamp_pb2.Timestamp
    standing: Standing
    def __init__(self, sequence: _Optional[int] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., echoed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., standing: _Optional[_Union[Standing, _Mapping]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("signed_receipt",)
    SIGNED_RECEIPT_FIELD_NUMBER: _ClassVar[int]
    signed_receipt: str
    def __init__(self, signed_receipt: _Optional[str] = ...) -> None: ...

class MissingNumbers(_message.Message):
    __slots__ = ("epoch", "numbers")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, epoch: _Optional[int] = ..., numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class NumbersGone(_message.Message):
    __slots__ = ("epoch", "numbers")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, epoch: _Optional[int] = ..., numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class AgreementWanted(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class AgreementOffered(_message.Message):
    __slots__ = ("signed_agreement",)
    SIGNED_AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    signed_agreement: str
    def __init__(self, signed_agreement: _Optional[str] = ...) -> None: ...

class RegistryOffered(_message.Message):
    __slots__ = ("signed_registry",)
    SIGNED_REGISTRY_FIELD_NUMBER: _ClassVar[int]
    signed_registry: str
    def __init__(self, signed_registry: _Optional[str] = ...) -> None: ...
