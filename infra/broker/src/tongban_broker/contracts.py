"""One message's own contract cut out of proto/: its definition with its comments, and whatever of the same file it uses."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from pathlib import Path

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

PROTO = Path(__file__).parents[4] / "proto"
#: A definition at the left margin with the comment above it; everything inside is indented.
_DEFINITION = re.compile(r"^((?://.*\n)*)(message|enum) (\w+) \{(?:\}|\n(?:(?: .*)?\n)*?\})\n", re.M)
_COMMENT = re.compile(r"^// ?", re.M)


def descriptor_of(type_name: str) -> Descriptor:
    """The message `tongban.<service>.v1.<Name>`. Raises KeyError where the contracts have none."""
    package, _, name = type_name.rpartition(".")
    module = importlib.import_module(f"{package}.{package.split('.')[1]}_pb2")
    found: Descriptor = module.DESCRIPTOR.message_types_by_name[name]
    return found


def contract(message: Descriptor) -> str:
    """A proto3 file with `message` first, then what it uses; what stands in other files is imported."""
    used, imported = _used(message)
    parts = _definitions(message.file.name)
    head = [
        'syntax = "proto3";',
        f"package {message.file.package};",
        *(f'import "{name}";' for name in sorted(imported)),
    ]
    return "\n".join([*head, "", "\n".join(parts[name] for name in used)])


def meaning(message: Descriptor) -> str:
    """The comment above a message, as one line; "" where it has none."""
    above, _, _ = _definitions(message.file.name)[message.name].partition("message ")
    return " ".join(_COMMENT.sub("", above).split())


def _used(message: Descriptor) -> tuple[list[str], set[str]]:
    """Names in the message's file that it needs, itself first, and the other files that it needs."""
    names: list[str] = []
    files: set[str] = set()
    waiting: list[Descriptor | EnumDescriptor] = [message]
    while waiting:
        one = _outermost(waiting.pop(0))
        if one.file.name != message.file.name:
            files.add(one.file.name)
        elif one.name not in names:
            names.append(one.name)
            waiting += _named_in(one)
    return names, files


def _named_in(one: Descriptor | EnumDescriptor) -> list[Descriptor | EnumDescriptor]:
    if isinstance(one, EnumDescriptor) or not isinstance(one, Descriptor):
        return []
    found = [field.message_type or field.enum_type for field in one.fields]
    inner = [each for nested in one.nested_types for each in _named_in(nested)]
    return [each for each in found if each is not None] + inner


def _outermost(one: Descriptor | EnumDescriptor) -> Descriptor | EnumDescriptor:
    while one.containing_type is not None:
        one = one.containing_type
    return one


@lru_cache
def _definitions(file: str) -> dict[str, str]:
    """Each definition at the left margin of one file, by name."""
    text = (PROTO / file).read_text()
    return {match[3]: match[0] for match in _DEFINITION.finditer(text)}


def definitions_missing(file: FileDescriptor) -> set[str]:
    """What the generated code has of a file and its text was not seen to define; for the tests."""
    return {*file.message_types_by_name, *file.enum_types_by_name} - _definitions(file.name).keys()
