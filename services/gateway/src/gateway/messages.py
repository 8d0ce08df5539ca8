"""Contracts ↔ JSON of the public API; the only module that imports generated contracts.

`view` writes a message as the API shows it: every field under its own name, times aware in UTC, enums as lower-case
words ("under_review"), what is not set as null. `word` and `number` translate enums for the schemas and the requests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from tongban.case_routing.v1 import case_routing_pb2 as case_routing
from tongban.catalogue.v1 import catalogue_pb2 as catalogue
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1 import courier_pb2 as courier
from tongban.hotline.v1 import hotline_pb2 as hotline
from tongban.identity.v1 import identity_pb2 as identity
from tongban.notification.v1 import notification_pb2 as notification
from tongban.terminal_fleet.v1 import terminal_fleet_pb2 as terminal_fleet

CONTRACTS = {
    module.DESCRIPTOR.package.split(".")[1]: module
    for module in (case_routing, catalogue, courier, hotline, identity, notification, terminal_fleet)
}


@cache
def answer_type(method: str) -> type[Message]:
    """The response class of "<service>.<method>" as the bus names it. Raises KeyError for a method no contract has."""
    return GetMessageClass(_methods()[method].output_type)


@cache
def _methods() -> dict[str, MethodDescriptor]:
    return {
        f"{name}.{_snake(method.name)}": method
        for name, module in CONTRACTS.items()
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def _snake(camel: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in camel).lstrip("_")


def page(size: int, cursor: str) -> common.PageRequest:
    return common.PageRequest(size=size, cursor=cursor)


def view(message: Message) -> dict[str, Any]:
    """`message` as the API shows it."""
    return {name: read(message) for name, read in _plan(message.DESCRIPTOR)}


@cache
def words(enum: EnumDescriptor) -> dict[int, str | None]:
    """Number → the API's word for it; the unspecified value has none."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix).lower() if value.number else None for value in enum.values}


def number(enum: EnumDescriptor, word: str) -> int:
    """The enum's number for the API's word. Raises KeyError for a word it does not have."""
    return {word: number for number, word in words(enum).items()}[word]


Read = Callable[[Any], Any]


@cache
def _plan(kind: Descriptor) -> tuple[tuple[str, Read], ...]:
    return tuple((field.name, _reader(field)) for field in kind.fields)


def _reader(field: FieldDescriptor) -> Read:
    name, convert = field.name, _converter(field)
    if field.is_repeated:
        if convert is None:
            return lambda message: list(getattr(message, name))
        return lambda message: [convert(value) for value in getattr(message, name)]
    if convert is None:
        return lambda message: getattr(message, name)
    if field.message_type is not None:
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else None
    return lambda message: convert(getattr(message, name))


def _converter(field: FieldDescriptor) -> Read | None:
    if field.enum_type is not None:
        return words(field.enum_type).get
    if field.message_type is None:
        return None
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return lambda stamp: stamp.ToDatetime(tzinfo=UTC)
    return view
