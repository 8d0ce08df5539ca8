"""The road between two districts: a small TCP forwarder that a trial may cut, block, or make forget what ran over it."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tongban_local.ports import free_port

_CHUNK = 64 * 1024
#: Linger 0: closing sends RST, as a router does that knows nothing of the connection.
_RESET = struct.pack("ii", 1, 0)


class State(StrEnum):
    """What happens to octets."""

    OPEN = "open"
    #: Nothing goes on and nobody is told; new connections are taken and get no answer.
    HOLE = "hole"
    #: Connections are reset and none is taken.
    CUT = "cut"


@dataclass(eq=False)
class _Way:
    """One connection that runs over the road."""

    near: socket.socket
    far: socket.socket | None = None
    #: Forgotten on the way: what either end still sends disappears.
    forgotten: bool = False

    def close(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                with suppress(OSError):
                    end.close()


@dataclass
class Road:
    """Listens on a port of `host` and forwards to `port` there."""

    host: str
    port: int
    entry: int = 0
    _state: State = State.OPEN
    _ways: set[_Way] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    def start(self) -> Road:
        self.entry = self.entry or free_port(self.host)
        self._listener = socket.create_server((self.host, self.entry), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    @property
    def address(self) -> str:
        return f"{self.host}:{self.entry}"

    def stop(self) -> None:
        self._ended = True
        self.cut()
        self._listener.close()

    # What a trial does to it --------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Resets every connection; what was under way is gone."""
        self._become(State.CUT)
        with self._changed:
            ways, self._ways = self._ways, set()
        for way in ways:
            way.close()

    def swallow(self) -> None:
        """From now on nothing goes on, in either direction, and nobody hears of it."""
        self._become(State.HOLE)

    def mend(self, *, forget: bool = False) -> None:
        """Open again. `forget`: what was connected before stays dead without being told, and only new connections work."""
        if forget:
            with self._changed:
                for way in self._ways:
                    way.forgotten = True
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    # Threads ------------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            way = _Way(near)
            with self._changed:
                if self._state is State.CUT:
                    way.close()
                    continue
                self._ways.add(way)
            threading.Thread(target=self._open, args=(way,), daemon=True).start()

    def _open(self, way: _Way) -> None:
        if not self._passes(way):
            return
        try:
            way.far = socket.create_connection((self.host, self.port), 5)
        except OSError:
            self._end(way)
            return
        way.far.settimeout(None)
        for end in (way.near, way.far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._carry, args=(way, way.far, way.near), daemon=True).start()
        self._carry(way, way.near, way.far)

    def _carry(self, way: _Way, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                if not self._passes(way):
                    return
                if not way.forgotten:
                    target.sendall(data)
        except OSError:
            pass
        if not way.forgotten:
            self._end(way)

    def _passes(self, way: _Way) -> bool:
        """Waits until what `way` carries may go on; False when it never may."""
        with self._changed:
            self._changed.wait_for(lambda: self._state is not State.HOLE)
            return way in self._ways

    def _end(self, way: _Way) -> None:
        with self._changed:
            self._ways.discard(way)
        way.close()
