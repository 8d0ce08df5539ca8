"""Free ports, away from the standard ones and from those that the kernel gives to outgoing connections."""

from __future__ import annotations

import random
import socket

#: Below the kernel's usual ephemeral range (32768 and up), above every standard port that we know of.
_RANGE = range(20000, 32000)
_given: set[int] = set()


def free_port(*hosts: str) -> int:
    """A port that nothing listens on at any of `hosts`, and that this process has not given out before."""
    for _ in range(1000):
        port = random.choice(_RANGE)  # noqa: S311  no secret
        if port not in _given and is_free(port, *hosts):
            _given.add(port)
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop} on {', '.join(hosts)}")


def is_free(port: int, *hosts: str) -> bool:
    """Whether nothing listens on `port` at any of `hosts`."""
    return all(_can_bind(host, port) for host in hosts)


def _can_bind(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def listens(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True
