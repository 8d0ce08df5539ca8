"""Frames from the broker, read so that nothing a peer wrote into a message can end the connection."""

from __future__ import annotations

import struct
from typing import Any

from pika import BasicProperties
from pika.data import encode_table
from pika.frame import Header, decode_frame
from pika.spec import FRAME_HEADER

#: Header in place of those that cannot be read, so that the message can be answered and acked instead of coming back.
UNREADABLE_HEADER = "tongban.unreadable"

FRAME_HEAD = struct.Struct(">BHL")


def decode(kind: int, channel: int, data: bytes) -> Any:
    """The whole frame `data` as pika's own class."""
    try:
        return decode_frame(data)[1]
    except Exception:
        if kind != FRAME_HEADER:
            raise
        # Any peer may write headers that the broker takes and pika does not (a time beyond year 9999). Losing the
        # connection over one would bring it back for ever.
        (body_size,) = struct.unpack_from(">Q", data, FRAME_HEAD.size + 4)
        return Header(channel, body_size, _readable_properties(data[FRAME_HEAD.size + 12 : -1]))


def _readable_properties(encoded: bytes) -> BasicProperties:
    """The properties but for the headers, in whose place stands UNREADABLE_HEADER: who wrote them can still be answered."""
    marked: list[bytes] = []
    encode_table(marked, {UNREADABLE_HEADER: True})
    properties = BasicProperties()
    try:
        (flags,) = struct.unpack_from(">H", encoded)
        at = 2
        for flag in (BasicProperties.FLAG_CONTENT_TYPE, BasicProperties.FLAG_CONTENT_ENCODING):
            at += 1 + encoded[at] if flags & flag else 0
        (length,) = struct.unpack_from(">L", encoded, at)
        properties.decode(encoded[:at] + b"".join(marked) + encoded[at + 4 + length :])
    except Exception:  # not the headers, then
        return BasicProperties(headers={UNREADABLE_HEADER: True})
    return properties
