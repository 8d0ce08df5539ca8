"""The connection itself; see the package."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import eventlet
from eventlet import hubs, tpool
from eventlet.event import Event
from pika.connection import Connection
from pika.exceptions import AMQPConnectionError, AMQPError, StreamLostError

from chassis.amqp.address import Address
from chassis.amqp.channel import GreenChannel
from chassis.amqp.frames import FRAME_HEAD, decode
from chassis.green import spawn_apart

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
#: Octets waiting to be sent beyond which publishing is refused: the broker does not keep up, or is blocked.
BUFFER_LIMIT = 32 * 1024 * 1024

_CHUNK = 16 * 1024


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
        while size - at >= FRAME_HEAD.size:
            if buffer.startswith(b"AMQP", at):
                raise AMQPConnectionError("the broker speaks another version of AMQP")
            kind, channel, length = FRAME_HEAD.unpack_from(buffer, at)
            end = at + FRAME_HEAD.size + length + 1
            if end > size or self._ended:
                break
            self._process_frame(decode(kind, channel, buffer[at:end]))
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
