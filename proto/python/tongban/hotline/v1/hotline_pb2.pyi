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

class TicketState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_STATE_UNSPECIFIED: _ClassVar[TicketState]
    TICKET_STATE_OPEN: _ClassVar[TicketState]
    TICKET_STATE_TRANSFERRING: _ClassVar[TicketState]
    TICKET_STATE_TRANSFERRED: _ClassVar[TicketState]
    TICKET_STATE_ANSWERED: _ClassVar[TicketState]
    TICKET_STATE_RETURNED: _ClassVar[TicketState]
TICKET_STATE_UNSPECIFIED: TicketState
TICKET_STATE_OPEN: TicketState
TICKET_STATE_TRANSFERRING: TicketState
TICKET_STATE_TRANSFERRED: TicketState
TICKET_STATE_ANSWERED: TicketState
TICKET_STATE_RETURNED: TicketState

class Ticket(_message.Message):
    __slots__ = ("number", "opened_in", "holder", "state", "subject_line", "body", "answer", "answered_by_district", "opened_at", "answered_at", "version", "turn", "timeline", "case_number", "offered_to", "came_from", "attention")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OPENED_IN_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_LINE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_BY_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    CASE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    OFFERED_TO_FIELD_NUMBER: _ClassVar[int]
    CAME_FROM_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    number: str
    opened_in: str
    holder: str
    state: TicketState
    subject_line: str
    body: str
    answer: str
    answered_by_district: str
    opened_at: _timestamp_pb2.Timestamp
    answered_at: _timestamp_pb2.Timestamp
    version: int
    turn: int
    timeline: _containers.RepeatedCompositeFieldContainer[_common_pb2.TimelineEntry]
    case_number: str
    offered_to: str
    came_from: str
    attention: str
    def __init__(self, number: _Optional[str] = ..., opened_in: _Optional[str] = ..., holder: _Optional[str] = ..., state: _Optional[_Union[TicketState, str]] = ..., subject_line: _Optional[str] = ..., body: _Optional[str] = ..., answer: _Optional[str] = ..., answered_by_district: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., turn: _Optional[int] = ..., timeline: _Optional[_Iterable[_Union[_common_pb2.TimelineEntry, _Mapping]]] = ..., case_number: _Optional[str] = ..., offered_to: _Optional[str] = ..., came_from: _Optional[str] = ..., attention: _Optional[str] = ...) -> None: ...

class OpenTicketRequest(_message.Message):
    __slots__ = ("subject_line", "body", "case_number", "idempotency_key")
    SUBJECT_LINE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    CASE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    subject_line: str
    body: str
    case_number: str
    idempotency_key: str
    def __init__(self, subject_line: _Optional[str] = ..., body: _Optional[str] = ..., case_number: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class GetTicketRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: str
    def __init__(self, number: _Optional[str] = ...) -> None: ...

class ListTicketsRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListTicketsResponse(_message.Message):
    __slots__ = ("tickets", "page")
    TICKETS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    tickets: _containers.RepeatedCompositeFieldContainer[Ticket]
    page: _common_pb2.PageInfo
    def __init__(self, tickets: _Optional[_Iterable[_Union[Ticket, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class TransferTicketRequest(_message.Message):
    __slots__ = ("number", "to_district", "reason", "idempotency_key")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TO_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    number: str
    to_district: str
    reason: str
    idempotency_key: str
    def __init__(self, number: _Optional[str] = ..., to_district: _Optional[str] = ..., reason: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class AnswerTicketRequest(_message.Message):
    __slots__ = ("number", "answer", "idempotency_key")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    number: str
    answer: str
    idempotency_key: str
    def __init__(self, number: _Optional[str] = ..., answer: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class BounceTicketRequest(_message.Message):
    __slots__ = ("number", "reason", "idempotency_key")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    number: str
    reason: str
    idempotency_key: str
    def __init__(self, number: _Optional[str] = ..., reason: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class TicketProgressed(_message.Message):
    __slots__ = ("number", "state", "acting_district", "event", "at", "version", "opener_subject")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPENER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    number: str
    state: TicketState
    acting_district: str
    event: str
    at: _timestamp_pb2.Timestamp
    version: int
    opener_subject: str
    def __init__(self, number: _Optional[str] = ..., state: _Optional[_Union[TicketState, str]] = ..., acting_district: _Optional[str] = ..., event: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., opener_subject: _Optional[str] = ...) -> None: ...

class TicketTransferOffered(_message.Message):
    __slots__ = ("ticket", "turn", "reason", "opener_subject")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OPENER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ticket: Ticket
    turn: int
    reason: str
    opener_subject: str
    def __init__(self, ticket: _Optional[_Union[Ticket, _Mapping]] = ..., turn: _Optional[int] = ..., reason: _Optional[str] = ..., opener_subject: _Optional[str] = ...) -> None: ...

class TicketTransferTaken(_message.Message):
    __slots__ = ("number", "turn")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ...) -> None: ...

class TicketAnswered(_message.Message):
    __slots__ = ("number", "turn", "answer", "answered_at", "answered_by_district")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_BY_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    answer: str
    answered_at: _timestamp_pb2.Timestamp
    answered_by_district: str
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., answer: _Optional[str] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answered_by_district: _Optional[str] = ...) -> None: ...

class TicketBounced(_message.Message):
    __slots__ = ("number", "turn", "reason", "bounced_at")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BOUNCED_AT_FIELD_NUMBER: _ClassVar[int]
    number: str
    turn: int
    reason: str
    bounced_at: _timestamp_pb2.Timestamp
    def __init__(self, number: _Optional[str] = ..., turn: _Optional[int] = ..., reason: _Optional[str] = ..., bounced_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
