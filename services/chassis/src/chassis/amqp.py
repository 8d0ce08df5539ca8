"""pika's AMQP connection carried by two greenlets of eventlet, one that reads and one that writes.

pika's own loops were measured beside it (services/chassis/README.md, "The adapter"). Every greenlet may use a connection
directly, because no call on it switches: what is written goes into a buffer, and the writer sends whatever one turn of
the hub has gathered as one piece. Only greenlets of the thread that opened it, though: eventlet has one hub a thread.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import eventlet
from eventlet import hubs, tpool
from eventlet.event import Event
from pika import BasicProperties, ConnectionParameters
from pika.channel import Channel
from pika.connection import Connection
from pika.credentials import ExternalCredentials, PlainCredentials
from pika.data import encode_table
from pika.exceptions import AMQPConnectionError, AMQPError, StreamLostError
from pika.frame import Header, decode_frame
from pika.spec import FRAME_HEADER

from chassis.green import spawn_apart

log = logging.getLogger(__name__)

HEARTBEAT_S = 20
#: The broker stops reading while an alarm is on; a connection that stays blocked for so long is given up.
BLOCKED_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 5.0
#: Octets waiting to be sent beyond which publishing is refused: the broker does not keep up, or is blocked.
BUFFER_LIMIT = 32 * 1024 * 1024
#: Header in place of those that cannot be read, so that the message can be answered and acked instead of coming back.
UNREADABLE_HEADER = "tongban.unreadable"

_CHUNK = 16 * 1024
_FRAME_HEAD = struct.Struct(">BHL")


@dataclass(frozen=True)
class Address:
    """Where a broker is and how to log in; from a URL by `parse`, RabbitMQ's URI query parameters included."""

    parameters: ConnectionParameters
    tls: ssl.SSLContext | None
    server_name: str

    @property
    def user(self) -> str:
        """Who the messages come from, as the broker will check."""
        return str(getattr(self.parameters.credentials, "username", ""))

    @classmethod
    def parse(cls, url: str, connection_name: str) -> Address:
        """From `amqp[s]://user:password@host:port/vhost?cacertfile=…&certfile=…&keyfile=…&server_name_indication=…`.

        With a certificate and no user the broker takes the name from the certificate (SASL EXTERNAL). The peer's
        certificate is always checked.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError("a broker's address looks like amqp[s]://user:password@host:port/vhost")
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if options.get("verify", "verify_peer") != "verify_peer":
            raise ValueError("a broker's certificate is always verified")
        credentials: PlainCredentials | ExternalCredentials = ExternalCredentials()
        if parts.username:
            credentials = PlainCredentials(unquote(parts.username), unquote(parts.password or ""))
        tls = _tls_context(options) if parts.scheme == "amqps" else None
        parameters = ConnectionParameters(
            host=parts.hostname,
            port=parts.port or (5671 if tls else 5672),
            virtual_host=unquote(parts.path[1:]) or "/",
            credentials=credentials,
            heartbeat=int(options.get("heartbeat", HEARTBEAT_S)),
            blocked_connection_timeout=BLOCKED_TIMEOUT_S,
            client_properties={"connection_name": connection_name, "product": "tongban"},
        )
        return cls(parameters, tls, options.get("server_name_indication", parts.hostname))


def _tls_context(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("cacertfile"))
    # One greenlet reads while another writes: a renegotiation would make the writer read.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if "certfile" in options:
        context.load_cert_chain(options["certfile"], options.get("keyfile"))
    return context


class GreenConnection(Connection):  # type: ignore[misc]  # pika's adapter interface is its underscore methods
    """One connection over one socket. Use `open`."""

    def __init__(self, address: Address, stream: socket.socket) -> None:
        self._stream = stream
        self._outgoing: list[bytes] = []
        self._waiting = 0
        self._wake: Event | None = None
        self._tasks: list[Any] = []
        self._ended = False
        self._frame_buffer = b""
        #: Sent the reason when the connection is over, however it came to that.
        self.over: Event = Event()
        self.ready: Event = Event()
        self.blocked = False
        super().__init__(address.parameters, self._on_open, self._on_over, self._on_over, True)
        self.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
        self.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))

    @classmethod
    def open(cls, address: Address, timeout_s: float = CONNECT_TIMEOUT_S) -> GreenConnection:
        """A connection that is ready. Raises OSError or AMQPError within about twice `timeout_s` seconds."""
        where = _numeric(address.parameters.host, timeout_s), address.parameters.port
        stream = socket.create_connection(where, timeout_s)
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls:
                stream = address.tls.wrap_socket(stream, server_hostname=address.server_name)
            stream.settimeout(None)
        except BaseException:
            stream.close()
            raise
        connection = cls(address, stream)
        with eventlet.Timeout(timeout_s, False):
            connection.ready.wait()
            return connection
        connection.abort(AMQPConnectionError("the broker did not finish the handshake in time"))
        raise AMQPConnectionError("the broker did not finish the handshake in time")

    def open_channel(self, timeout_s: float = CONNECT_TIMEOUT_S) -> GreenChannel:
        """A channel that is ready. Raises AMQPError."""
        opened: Event = Event()
        channel = GreenChannel(self.channel(on_open_callback=opened.send), opened)
        channel.wait_for(opened, timeout_s)
        return channel

    def abort(self, reason: Exception | None = None) -> None:
        """Ends the connection without a word to the broker."""
        self._finish(reason or StreamLostError("given up on our side"))

    def give_up(self, reason: Exception) -> None:
        """`abort`, unless it is being closed in good order already."""
        if self.is_open:
            self.abort(reason)

    def end(self, timeout_s: float) -> None:
        """Sends what is buffered, says goodbye, and waits for the broker's answer; after `timeout_s` it just ends."""
        if self.is_open:
            self.close()
            with eventlet.Timeout(timeout_s, False):
                self.over.wait()
        self.abort()

    @property
    def congested(self) -> bool:
        """Whether nothing more should be published for now."""
        return self.blocked or self._waiting > BUFFER_LIMIT

    # What pika asks of an adapter.

    def _adapter_connect_stream(self) -> None:
        self._tasks = [spawn_apart(self._read), spawn_apart(self._write)]
        self._on_stream_connected()

    def _adapter_disconnect_stream(self) -> None:
        hubs.get_hub().schedule_call_global(0, self._finish, None)

    def _adapter_call_later(self, delay: float, callback: Callable[[], None]) -> object:
        return hubs.get_hub().schedule_call_global(delay, callback)

    def _adapter_remove_timeout(self, timeout_id: Any) -> None:
        timeout_id.cancel()

    def _adapter_add_callback_threadsafe(self, callback: Callable[[], None]) -> None:
        hubs.get_hub().schedule_call_global(0, callback)

    def _adapter_emit_data(self, data: bytes) -> None:
        self._outgoing.append(data)
        self._waiting += len(data)
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.send()

    def _on_data_available(self, data_in: bytes) -> None:
        self.bytes_received += len(data_in)  # what the heartbeat checker looks at
        buffer = self._frame_buffer + data_in
        at, size = 0, len(buffer)
        while size - at >= _FRAME_HEAD.size:
            if buffer.startswith(b"AMQP", at):
                raise AMQPConnectionError("the broker speaks another version of AMQP")
            kind, channel, length = _FRAME_HEAD.unpack_from(buffer, at)
            end = at + _FRAME_HEAD.size + length + 1
            if end > size or self._ended:
                break
            self._process_frame(_decode(kind, channel, buffer[at:end]))
            at = end
        self._frame_buffer = buffer[at:]

    # The two greenlets, and their end.

    def _read(self) -> None:
        error: Exception = StreamLostError("the broker closed the connection")
        try:
            while data := self._stream.recv(_CHUNK):
                self._on_data_available(data)
                eventlet.sleep(0)  # a stream that is always full must not keep the handlers from running
        except Exception as problem:
            if not isinstance(problem, (OSError, AMQPError)):
                log.exception("reading from the broker failed")
            error = problem
        self._finish(error)

    def _write(self) -> None:
        try:
            while True:
                if not self._outgoing:
                    self._wake = Event()
                    self._wake.wait()
                pieces, self._outgoing = self._outgoing, []
                data = b"".join(pieces)
                self._stream.sendall(data)
                self._waiting -= len(data)
        except OSError as error:
            self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        here = eventlet.getcurrent()
        for task in self._tasks:
            if task is not here:
                # From the hub's own turn a kill must not switch, so it is left to the next turn.
                hubs.get_hub().schedule_call_global(0, task.kill)
        hubs.get_hub().schedule_call_global(0, self._stream.close)
        self._on_stream_terminated(error)

    def _on_open(self, _: Connection) -> None:
        self.ready.send()

    def _on_over(self, _: Connection, reason: Exception) -> None:
        self.over.send(reason)
        if not self.ready.ready():
            self.ready.send_exception(reason)

    def _set_blocked(self, blocked: bool) -> None:
        self.blocked = blocked
        if blocked:
            log.warning("the broker has an alarm on and takes nothing")


def _numeric(host: str, timeout_s: float) -> str:
    """The IP address of `host`, looked up in a thread: the C library would hold up every greenlet while it waits."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    with eventlet.Timeout(timeout_s, OSError("the broker's name was not found in time")):
        return str(tpool.execute(socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)[0][4][0])


def _decode(kind: int, channel: int, data: bytes) -> Any:
    try:
        return decode_frame(data)[1]
    except Exception:
        if kind != FRAME_HEADER:
            raise
        # Any peer may write headers that the broker takes and pika does not (a time beyond year 9999). Losing the
        # connection over one would bring it back for ever.
        (body_size,) = struct.unpack_from(">Q", data, _FRAME_HEAD.size + 4)
        return Header(channel, body_size, _readable_properties(data[_FRAME_HEAD.size + 12 : -1]))


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


class GreenChannel:
    """A channel whose questions to the broker are asked by blocking only the greenlet that asks."""

    def __init__(self, raw: Channel, opened: Event) -> None:
        self.raw = raw
        #: Sent the reason when the channel is over.
        self.over: Event = Event()
        self._asking: Event | None = opened
        raw.add_on_close_callback(self._on_over)

    def ask(self, method: str, timeout_s: float = CONNECT_TIMEOUT_S, **arguments: Any) -> Any:
        """Calls pika's `method` and returns the broker's answer. Raises AMQPError when the broker refuses or is silent."""
        self._asking = answer = Event()
        getattr(self.raw, method)(callback=answer.send, **arguments)
        return self.wait_for(answer, timeout_s)

    def close_when_cancelled(self) -> None:
        """Ends the channel when the broker ends its consumer, because the queue was deleted or its node is gone."""
        self.raw.add_on_cancel_callback(lambda _: self.raw.close())

    def wait_for(self, answer: Event, timeout_s: float) -> Any:
        with eventlet.Timeout(timeout_s, False):
            return answer.wait()
        raise AMQPConnectionError("the broker did not answer in time")

    def _on_over(self, _: Channel, reason: Exception) -> None:
        if not self.over.ready():
            self.over.send(reason)
        if self._asking is not None and not self._asking.ready():
            self._asking.send_exception(reason)
