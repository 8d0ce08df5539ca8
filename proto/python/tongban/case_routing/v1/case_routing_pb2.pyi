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

class CaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATE_UNSPECIFIED: _ClassVar[CaseState]
    CASE_STATE_SUBMITTED: _ClassVar[CaseState]
    CASE_STATE_RECEIVED: _ClassVar[CaseState]
    CASE_STATE_FORWARDED: _ClassVar[CaseState]
    CASE_STATE_ACCEPTED: _ClassVar[CaseState]
    CASE_STATE_UNDER_REVIEW: _ClassVar[CaseState]
    CASE_STATE_GRANTED: _ClassVar[CaseState]
    CASE_STATE_REFUSED: _ClassVar[CaseState]
    CASE_STATE_PRODUCED: _ClassVar[CaseState]
    CASE_STATE_DELIVERED: _ClassVar[CaseState]
    CASE_STATE_CLOSED: _ClassVar[CaseState]
    CASE_STATE_WITHDRAWN: _ClassVar[CaseState]

class ResponsibilityState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESPONSIBILITY_STATE_UNSPECIFIED: _ClassVar[ResponsibilityState]
    RESPONSIBILITY_STATE_HELD: _ClassVar[ResponsibilityState]
    RESPONSIBILITY_STATE_OFFERED: _ClassVar[ResponsibilityState]
CASE_STATE_UNSPECIFIED: CaseState
CASE_STATE_SUBMITTED: CaseState
CASE_STATE_RECEIVED: CaseState
CASE_STATE_FORWARDED: CaseState
CASE_STATE_ACCEPTED: CaseState
CASE_STATE_UNDER_REVIEW: CaseState
CASE_STATE_GRANTED: CaseState
CASE_STATE_REFUSED: CaseState
CASE_STATE_PRODUCED: CaseState
CASE_STATE_DELIVERED: CaseState
CASE_STATE_CLOSED: CaseState
CASE_STATE_WITHDRAWN: CaseState
RESPONSIBILITY_STATE_UNSPECIFIED: ResponsibilityState
RESPONSIBILITY_STATE_HELD: ResponsibilityState
RESPONSIBILITY_STATE_OFFERED: ResponsibilityState

class Responsibility(_message.Message):
    __slots__ = ("holder", "state", "offered_to", "turn")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_TO_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    holder: str
    state: ResponsibilityState
    offered_to: str
    turn: int
    def __init__(self, holder: _Optional[str] = ..., state: _Optional[_Union[ResponsibilityState, str]] = ..., offered_to: _Optional[str] = ..., turn: _Optional[int] = ...) -> None: ...

class Material(_message.Message):
    __slots__ = ("key", "name", "media_type", "size", "sha256", "content")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    key: str
    name: str
    media_type: str
    size: int
    sha256: str
    content: bytes
    def __init__(self, key: _Optional[str] = ..., name: _Optional[str] = ..., media_type: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class CustodyEntry(_message.Message):
    __slots__ = ("material_key", "from_district", "to_district", "at", "sha256")
    MATERIAL_KEY_FIELD_NUMBER: _ClassVar[int]
    FROM_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    TO_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    material_key: str
    from_district: str
    to_district: str
    at: _timestamp_pb2.Timestamp
    sha256: str
    def __init__(self, material_key: _Optional[str] = ..., from_district: _Optional[str] = ..., to_district: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sha256: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("granted", "reasons", "document_no", "decided_at", "district")
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_NO_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    DISTRICT_FIELD_NUMBER: _ClassVar[int]
    granted: bool
    reasons: str
    document_no: str
    decided_at: _timestamp_pb2.Timestamp
    district: str
    def __init__(self, granted: _Optional[bool] = ..., reasons: _Optional[str] = ..., document_no: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., district: _Optional[str] = ...) -> None: ...

class Case(_message.Message):
    __slots__ = ("number", "item_code", "item_name_zh", "item_name_en", "intake_district", "handling_district", "state", "responsibility", "version", "applicant_name_masked", "applicant_id_masked", "materials", "custody", "decision", "submitted_at", "received_at", "accepted_at", "closed_at", "updated_at", "item_provenance", "item_mode", "due_act", "attention", "kiosk_id", "applicant_kind", "handler_name_masked", "materials_open")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ITEM_CODE_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_EN_FIELD_NUMBER: _ClassVar[int]
    INTAKE_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    HANDLING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESPONSIBILITY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_NAME_MASKED_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ID_MASKED_FIELD_NUMBER: _ClassVar[int]
    MATERIALS_FIELD_NUMBER: _ClassVar[int]
    CUSTODY_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ITEM_PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    ITEM_MODE_FIELD_NUMBER: _ClassVar[int]
    DUE_ACT_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    KIOSK_ID_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_KIND_FIELD_NUMBER: _ClassVar[int]
    HANDLER_NAME_MASKED_FIELD_NUMBER: _ClassVar[int]
    MATERIALS_OPEN_FIELD_NUMBER: _ClassVar[int]
    number: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    intake_district: str
    handling_district: str
    state: CaseState
    responsibility: Responsibility
    version: int
    applicant_name_masked: str
    applicant_id_masked: str
    materials: _containers.RepeatedCompositeFieldContainer[Material]
    custody: _containers.RepeatedCompositeFieldContainer[CustodyEntry]
    decision: Decision
    submitted_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    accepted_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    item_provenance: _common_pb2.Provenance
    item_mode: str
    due_act: str
    attention: str
    kiosk_id: str
    applicant_kind: str
    handler_name_masked: str
    materials_open: bool
    def __init__(self, number: _Optional[str] = ..., item_code: _Optional[str] = ..., item_name_zh: _Optional[str] = ..., item_name_en: _Optional[str] = ..., intake_district: _Optional[str] = ..., handling_district: _Optional[str] = ..., state: _Optional[_Union[CaseState, str]] = ..., responsibility: _Optional[_Union[Responsibility, _Mapping]] = ..., version: _Optional[int] = ..., applicant_name_masked: _Optional[str] = ..., applicant_id_masked: _Optional[str] = ..., materials: _Optional[_Iterable[_Union[Material, _Mapping]]] = ..., custody: _Optional[_Iterable[_Union[CustodyEntry, _Mapping]]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., item_provenance: _Optional[_Union[_common_pb2.Provenance, str]] = ..., item_mode: _Optional[str] = ..., due_act: _Optional[str] = ..., attention: _Optional[str] = ..., kiosk_id: _Optional[str] = ..., applicant_kind: _Optional[str] = ..., handler_name_masked: _Optional[str] = ..., materials_open: _Optional[bool] = ...) -> None: ...

class SubmitCaseRequest(_message.Message):
    __slots__ = ("item_code", "materials", "idempotency_key", "kiosk_id")
    ITEM_CODE_FIELD_NUMBER: _ClassVar[int]
    MATERIALS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    KIOSK_ID_FIELD_NUMBER: _ClassVar[int]
    item_code: str
    materials: _containers.RepeatedCompositeFieldContainer[Material]
    idempotency_key: str
    kiosk_id: str
    def __init__(self, item_code: _Optional[str] = ..., materials: _Optional[_Iterable[_Union[Material, _Mapping]]] = ..., idempotency_key: _Optional[str] = ..., kiosk_id: _Optional[str] = ...) -> None: ...

class GetCaseRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: str
    def __init__(self, number: _Optional[str] = ...) -> None: ...

class GetMaterialRequest(_message.Message):
    __slots__ = ("number", "key")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    number: str
    key: str
    def __init__(self, number: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class ListMyCasesRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListWorklistRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases", "page")
    CASES_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[Case]
    page: _common_pb2.PageInfo
    def __init__(self, cases: _Optional[_Iterable[_Union[Case, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class ActOnCaseRequest(_message.Message):
    __slots__ = ("number", "expected_version", "idempotency_key")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    number: str
    expected_version: int
    idempotency_key: str
    def __init__(self, number: _Optional[str] = ..., expected_version: _Optional[int] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DecideCaseRequest(_message.Message):
    __slots__ = ("number", "expected_version", "idempotency_key", "reasons")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    number: str
    expected_version: int
    idempotency_key: str
    reasons: str
    def __init__(self, number: _Optional[str] = ..., expected_version: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., reasons: _Optional[str] = ...) -> None: ...

class GetTimelineResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_common_pb2.TimelineEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[_common_pb2.TimelineEntry, _Mapping]]] = ...) -> None: ...

class CaseTrace(_message.Message):
    __slots__ = ("trace_id", "district", "event", "at")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    DISTRICT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    district: str
    event: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, trace_id: _Optional[str] = ..., district: _Optional[str] = ..., event: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetCaseTracesResponse(_message.Message):
    __slots__ = ("traces", "districts")
    TRACES_FIELD_NUMBER: _ClassVar[int]
    DISTRICTS_FIELD_NUMBER: _ClassVar[int]
    traces: _containers.RepeatedCompositeFieldContainer[CaseTrace]
    districts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, traces: _Optional[_Iterable[_Union[CaseTrace, _Mapping]]] = ..., districts: _Optional[_Iterable[str]] = ...) -> None: ...

class CaseProgressed(_message.Message):
    __slots__ = ("number", "item_code", "item_name_zh", "item_name_en", "intake_district", "handling_district", "state", "acting_district", "event", "at", "version", "applicant_subject", "item_provenance")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ITEM_CODE_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_EN_FIELD_NUMBER: _ClassVar[int]
    INTAKE_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    HANDLING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEM_PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    number: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    intake_district: str
    handling_district: str
    state: CaseState
    acting_district: str
    event: str
    at: _timestamp_pb2.Timestamp
    version: int
    applicant_subject: str
    item_provenance: _common_pb2.Provenance
    def __init__(self, number: _Optional[str] = ..., item_code: _Optional[str] = ..., item_name_zh: _Optional[str] = ..., item_name_en: _Optional[str] = ..., intake_district: _Optional[str] = ..., handling_district: _Optional[str] = ..., state: _Optional[_Union[CaseState, str]] = ..., acting_district: _Optional[str] = ..., event: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., applicant_subject: _Optional[str] = ..., item_provenance: _Optional[_Union[_common_pb2.Provenance, str]] = ...) -> None: ...

class CaseEntry(_message.Message):
    __slots__ = ("entry", "turn", "state", "traceparent")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    entry: _common_pb2.TimelineEntry
    turn: int
    state: CaseState
    traceparent: str
    def __init__(self, entry: _Optional[_Union[_common_pb2.TimelineEntry, _Mapping]] = ..., turn: _Optional[int] = ..., state: _Optional[_Union[CaseState, str]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class CaseFile(_message.Message):
    __slots__ = ("case", "applicant_subject", "applicant_name", "applicant_id_number", "applicant_acr", "materials", "history", "applicant_home", "applicant_kind", "handler_subject", "handler_name")
    CASE_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_NAME_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ID_NUMBER_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ACR_FIELD_NUMBER: _ClassVar[int]
    MATERIALS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_HOME_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_KIND_FIELD_NUMBER: _ClassVar[int]
    HANDLER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    case: Case
    applicant_subject: str
    applicant_name: str
    applicant_id_number: str
    applicant_acr: str
    materials: _containers.RepeatedCompositeFieldContainer[Material]
    history: _containers.RepeatedCompositeFieldContainer[CaseEntry]
    applicant_home: str
    applicant_kind: str
    handler_subject: str
    handler_name: str
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., applicant_subject: _Optional[str] = ..., applicant_name: _Optional[str] = ..., applicant_id_number: _Optional[str] = ..., applicant_acr: _Optional[str] = ..., materials: _Optional[_Iterable[_Union[Material, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[CaseEntry, _Mapping]]] = ..., applicant_home: _Optional[str] = ..., applicant_kind: _Optional[str] = ..., handler_subject: _Optional[str] = ..., handler_name: _Optional[str] = ...) -> None: ...

class HandOverOffered(_message.Message):
    __slots__ = ("number", "turn", "purpose", "file")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    purpose: str
    file: CaseFile
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., purpose: _Optional[str] = ..., file: _Optional[_Union[CaseFile, _Mapping]] = ...) -> None: ...

class HandOverTaken(_message.Message):
    __slots__ = ("number", "turn", "entry")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    entry: CaseEntry
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ...) -> None: ...

class HandOverDeclined(_message.Message):
    __slots__ = ("number", "turn", "code", "reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    code: str
    reason: str
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class HandOverRecallAsked(_message.Message):
    __slots__ = ("number", "turn", "entry")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    entry: CaseEntry
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ...) -> None: ...

class HandOverRecallAnswered(_message.Message):
    __slots__ = ("number", "turn", "given_back", "entry")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    GIVEN_BACK_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    given_back: bool
    entry: CaseEntry
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., given_back: _Optional[bool] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ...) -> None: ...

class CaseActed(_message.Message):
    __slots__ = ("number", "entry", "decision")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    number: str
    entry: CaseEntry
    decision: Decision
    def __init__(self, number: _Optional[str] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class WithdrawalAsked(_message.Message):
    __slots__ = ("number", "entry")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    number: str
    entry: CaseEntry
    def __init__(self, number: _Optional[str] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ...) -> None: ...

class WithdrawalAnswered(_message.Message):
    __slots__ = ("number", "withdrawn", "code", "entry")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    number: str
    withdrawn: bool
    code: str
    entry: CaseEntry
    def __init__(self, number: _Optional[str] = ..., withdrawn: _Optional[bool] = ..., code: _Optional[str] = ..., entry: _Optional[_Union[CaseEntry, _Mapping]] = ...) -> None: ...
