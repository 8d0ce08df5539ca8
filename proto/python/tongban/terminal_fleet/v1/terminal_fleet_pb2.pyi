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

class PlacementState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLACEMENT_STATE_UNSPECIFIED: _ClassVar[PlacementState]
    PLACEMENT_STATE_OFFERED: _ClassVar[PlacementState]
    PLACEMENT_STATE_CONFIRMED: _ClassVar[PlacementState]
    PLACEMENT_STATE_DECLINED: _ClassVar[PlacementState]

class Health(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_UNSPECIFIED: _ClassVar[Health]
    HEALTH_NEVER_SEEN: _ClassVar[Health]
    HEALTH_ONLINE: _ClassVar[Health]
    HEALTH_SILENT: _ClassVar[Health]
PLACEMENT_STATE_UNSPECIFIED: PlacementState
PLACEMENT_STATE_OFFERED: PlacementState
PLACEMENT_STATE_CONFIRMED: PlacementState
PLACEMENT_STATE_DECLINED: PlacementState
HEALTH_UNSPECIFIED: Health
HEALTH_NEVER_SEEN: Health
HEALTH_ONLINE: Health
HEALTH_SILENT: Health

class Kiosk(_message.Message):
    __slots__ = ("id", "owner_district", "host_district", "name", "place", "placement", "health", "last_heartbeat_at", "software_version", "version", "client_id", "placement_reason", "attention")
    ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    HOST_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_AT_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_REASON_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    owner_district: str
    host_district: str
    name: str
    place: str
    placement: PlacementState
    health: Health
    last_heartbeat_at: _timestamp_pb2.Timestamp
    software_version: str
    version: int
    client_id: str
    placement_reason: str
    attention: str
    def __init__(self, id: _Optional[str] = ..., owner_district: _Optional[str] = ..., host_district: _Optional[str] = ..., name: _Optional[str] = ..., place: _Optional[str] = ..., placement: _Optional[_Union[PlacementState, str]] = ..., health: _Optional[_Union[Health, str]] = ..., last_heartbeat_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., software_version: _Optional[str] = ..., version: _Optional[int] = ..., client_id: _Optional[str] = ..., placement_reason: _Optional[str] = ..., attention: _Optional[str] = ...) -> None: ...

class RegisterKioskRequest(_message.Message):
    __slots__ = ("name", "host_district", "place", "public_jwk", "idempotency_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_JWK_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    host_district: str
    place: str
    public_jwk: str
    idempotency_key: str
    def __init__(self, name: _Optional[str] = ..., host_district: _Optional[str] = ..., place: _Optional[str] = ..., public_jwk: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class GetKioskRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListKiosksRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListKiosksResponse(_message.Message):
    __slots__ = ("kiosks", "page")
    KIOSKS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    kiosks: _containers.RepeatedCompositeFieldContainer[Kiosk]
    page: _common_pb2.PageInfo
    def __init__(self, kiosks: _Optional[_Iterable[_Union[Kiosk, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class RecordHeartbeatRequest(_message.Message):
    __slots__ = ("kiosk_id", "software_version", "sequence")
    KIOSK_ID_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    kiosk_id: str
    software_version: str
    sequence: int
    def __init__(self, kiosk_id: _Optional[str] = ..., software_version: _Optional[str] = ..., sequence: _Optional[int] = ...) -> None: ...

class RecordHeartbeatResponse(_message.Message):
    __slots__ = ("received_at", "next_due_s")
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    NEXT_DUE_S_FIELD_NUMBER: _ClassVar[int]
    received_at: _timestamp_pb2.Timestamp
    next_due_s: int
    def __init__(self, received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_due_s: _Optional[int] = ...) -> None: ...

class KioskChanged(_message.Message):
    __slots__ = ("kiosk",)
    KIOSK_FIELD_NUMBER: _ClassVar[int]
    kiosk: Kiosk
    def __init__(self, kiosk: _Optional[_Union[Kiosk, _Mapping]] = ...) -> None: ...

class PlacementOffered(_message.Message):
    __slots__ = ("kiosk",)
    KIOSK_FIELD_NUMBER: _ClassVar[int]
    kiosk: Kiosk
    def __init__(self, kiosk: _Optional[_Union[Kiosk, _Mapping]] = ...) -> None: ...

class PlacementAnswered(_message.Message):
    __slots__ = ("kiosk_id", "confirmed", "reason")
    KIOSK_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    kiosk_id: str
    confirmed: bool
    reason: str
    def __init__(self, kiosk_id: _Optional[str] = ..., confirmed: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class KioskHealthReported(_message.Message):
    __slots__ = ("kiosk_id", "health", "last_heartbeat_at", "version")
    KIOSK_ID_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    kiosk_id: str
    health: Health
    last_heartbeat_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, kiosk_id: _Optional[str] = ..., health: _Optional[_Union[Health, str]] = ..., last_heartbeat_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...
