"""The contract of the stand-in services, made here: the chassis belongs to no service, so it has no proto file."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

METHODS = ("Echo", "Wait", "Forward", "Fail", "Crash", "Mislead", "ForClerks", "WhoAmI")


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="echo.proto", package="tongban.echo.v1", syntax="proto3")
    note = file.message_type.add(name="Note")
    for number, (name, kind) in enumerate((("text", "STRING"), ("seconds", "DOUBLE"), ("content", "BYTES")), 1):
        type_ = getattr(FieldDescriptorProto, f"TYPE_{kind}")
        note.field.add(name=name, number=number, type=type_, label=FieldDescriptorProto.LABEL_OPTIONAL)
    service = file.service.add(name="EchoService")
    for method in METHODS:
        service.method.add(name=method, input_type=".tongban.echo.v1.Note", output_type=".tongban.echo.v1.Note")
    return file


_POOL = DescriptorPool()
_POOL.Add(_file())
CONTRACT = _POOL.FindServiceByName("tongban.echo.v1.EchoService")
Note = GetMessageClass(_POOL.FindMessageTypeByName("tongban.echo.v1.Note"))
