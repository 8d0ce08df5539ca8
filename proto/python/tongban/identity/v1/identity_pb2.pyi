import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetApplicantRequest(_message.Message):
    __slots__ = ("subject", "pairwise_for_district", "handler_subject")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAIRWISE_FOR_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    HANDLER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    pairwise_for_district: str
    handler_subject: str
    def __init__(self, subject: _Optional[str] = ..., pairwise_for_district: _Optional[str] = ..., handler_subject: _Optional[str] = ...) -> None: ...

class Applicant(_message.Message):
    __slots__ = ("subject", "name", "id_number", "acr", "pairwise_subject", "kind", "handler_name", "handler_pairwise_subject", "item_codes")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACR_FIELD_NUMBER: _ClassVar[int]
    PAIRWISE_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    HANDLER_PAIRWISE_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEM_CODES_FIELD_NUMBER: _ClassVar[int]
    subject: str
    name: str
    id_number: str
    acr: str
    pairwise_subject: str
    kind: str
    handler_name: str
    handler_pairwise_subject: str
    item_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[str] = ..., name: _Optional[str] = ..., id_number: _Optional[str] = ..., acr: _Optional[str] = ..., pairwise_subject: _Optional[str] = ..., kind: _Optional[str] = ..., handler_name: _Optional[str] = ..., handler_pairwise_subject: _Optional[str] = ..., item_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetContactRequest(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    def __init__(self, subject: _Optional[str] = ...) -> None: ...

class Contact(_message.Message):
    __slots__ = ("subject", "email", "phone", "language")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    email: str
    phone: str
    language: str
    def __init__(self, subject: _Optional[str] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class RegisterClientRequest(_message.Message):
    __slots__ = ("client_id", "public_jwk", "roles")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_JWK_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    public_jwk: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client_id: _Optional[str] = ..., public_jwk: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class Client(_message.Message):
    __slots__ = ("client_id", "roles", "enabled", "registered_at")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    enabled: bool
    registered_at: _timestamp_pb2.Timestamp
    def __init__(self, client_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., enabled: _Optional[bool] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DisableAccountRequest(_message.Message):
    __slots__ = ("subject", "reason")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    subject: str
    reason: str
    def __init__(self, subject: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("subject", "enabled", "version")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    subject: str
    enabled: bool
    version: int
    def __init__(self, subject: _Optional[str] = ..., enabled: _Optional[bool] = ..., version: _Optional[int] = ...) -> None: ...

class ListEndedSessionsRequest(_message.Message):
    __slots__ = ("since",)
    SINCE_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListEndedSessionsResponse(_message.Message):
    __slots__ = ("sids", "until")
    SIDS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    sids: _containers.RepeatedScalarFieldContainer[str]
    until: _timestamp_pb2.Timestamp
    def __init__(self, sids: _Optional[_Iterable[str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RecordProofRequest(_message.Message):
    __slots__ = ("login", "name", "id_number")
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_NUMBER_FIELD_NUMBER: _ClassVar[int]
    login: str
    name: str
    id_number: str
    def __init__(self, login: _Optional[str] = ..., name: _Optional[str] = ..., id_number: _Optional[str] = ...) -> None: ...

class ProvenAccount(_message.Message):
    __slots__ = ("subject", "acr", "version")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    subject: str
    acr: str
    version: int
    def __init__(self, subject: _Optional[str] = ..., acr: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class AccountDisabled(_message.Message):
    __slots__ = ("subject", "reason", "version")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    subject: str
    reason: str
    version: int
    def __init__(self, subject: _Optional[str] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...
