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

class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIENCE_UNSPECIFIED: _ClassVar[Audience]
    AUDIENCE_PERSON: _ClassVar[Audience]
    AUDIENCE_FIRM: _ClassVar[Audience]
    AUDIENCE_BOTH: _ClassVar[Audience]

class CrossProvinceMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CROSS_PROVINCE_MODE_UNSPECIFIED: _ClassVar[CrossProvinceMode]
    CROSS_PROVINCE_MODE_FULLY_ONLINE: _ClassVar[CrossProvinceMode]
    CROSS_PROVINCE_MODE_PROXY_COLLECTION: _ClassVar[CrossProvinceMode]
    CROSS_PROVINCE_MODE_JOINT_HANDLING: _ClassVar[CrossProvinceMode]
AUDIENCE_UNSPECIFIED: Audience
AUDIENCE_PERSON: Audience
AUDIENCE_FIRM: Audience
AUDIENCE_BOTH: Audience
CROSS_PROVINCE_MODE_UNSPECIFIED: CrossProvinceMode
CROSS_PROVINCE_MODE_FULLY_ONLINE: CrossProvinceMode
CROSS_PROVINCE_MODE_PROXY_COLLECTION: CrossProvinceMode
CROSS_PROVINCE_MODE_JOINT_HANDLING: CrossProvinceMode

class MaterialRequirement(_message.Message):
    __slots__ = ("key", "name_zh", "name_en", "required")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    key: str
    name_zh: str
    name_en: str
    required: bool
    def __init__(self, key: _Optional[str] = ..., name_zh: _Optional[str] = ..., name_en: _Optional[str] = ..., required: _Optional[bool] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("code", "handling_district", "name_zh", "name_en", "audience", "theme", "mode", "statutory_limit_days", "promised_limit_days", "materials", "source", "provenance", "terms_provenance", "version", "published_at")
    CODE_FIELD_NUMBER: _ClassVar[int]
    HANDLING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATUTORY_LIMIT_DAYS_FIELD_NUMBER: _ClassVar[int]
    PROMISED_LIMIT_DAYS_FIELD_NUMBER: _ClassVar[int]
    MATERIALS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    TERMS_PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_FIELD_NUMBER: _ClassVar[int]
    code: str
    handling_district: str
    name_zh: str
    name_en: str
    audience: Audience
    theme: str
    mode: CrossProvinceMode
    statutory_limit_days: int
    promised_limit_days: int
    materials: _containers.RepeatedCompositeFieldContainer[MaterialRequirement]
    source: str
    provenance: _common_pb2.Provenance
    terms_provenance: _common_pb2.Provenance
    version: int
    published_at: _timestamp_pb2.Timestamp
    def __init__(self, code: _Optional[str] = ..., handling_district: _Optional[str] = ..., name_zh: _Optional[str] = ..., name_en: _Optional[str] = ..., audience: _Optional[_Union[Audience, str]] = ..., theme: _Optional[str] = ..., mode: _Optional[_Union[CrossProvinceMode, str]] = ..., statutory_limit_days: _Optional[int] = ..., promised_limit_days: _Optional[int] = ..., materials: _Optional[_Iterable[_Union[MaterialRequirement, _Mapping]]] = ..., source: _Optional[str] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, str]] = ..., terms_provenance: _Optional[_Union[_common_pb2.Provenance, str]] = ..., version: _Optional[int] = ..., published_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PublishItemRequest(_message.Message):
    __slots__ = ("item",)
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: Item
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ...) -> None: ...

class PublishItemResponse(_message.Message):
    __slots__ = ("item", "changed")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    item: Item
    changed: bool
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ..., changed: _Optional[bool] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class FindItemsRequest(_message.Message):
    __slots__ = ("query", "handling_district", "page", "mode")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    HANDLING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    query: str
    handling_district: str
    page: _common_pb2.PageRequest
    mode: CrossProvinceMode
    def __init__(self, query: _Optional[str] = ..., handling_district: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ..., mode: _Optional[_Union[CrossProvinceMode, str]] = ...) -> None: ...

class FindItemsResponse(_message.Message):
    __slots__ = ("items", "page")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    page: _common_pb2.PageInfo
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class ListItemsRequest(_message.Message):
    __slots__ = ("handling_district", "page", "mode")
    HANDLING_DISTRICT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    handling_district: str
    page: _common_pb2.PageRequest
    mode: CrossProvinceMode
    def __init__(self, handling_district: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ..., mode: _Optional[_Union[CrossProvinceMode, str]] = ...) -> None: ...

class ListItemsResponse(_message.Message):
    __slots__ = ("items", "page")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    page: _common_pb2.PageInfo
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., page: _Optional[_Union[_common_pb2.PageInfo, _Mapping]] = ...) -> None: ...

class ItemPublished(_message.Message):
    __slots__ = ("item",)
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: Item
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ...) -> None: ...
