"""Makes this process an eventlet process: importing it is the first statement of every nameko service's `__main__`.

Patching comes before any other import, because what was imported earlier keeps the blocking sockets and locks. Name
look-ups stay with the C library: eventlet's own resolver mishandles the search paths of a cluster.
"""

from __future__ import annotations

import os

os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

import warnings

# Known and decided: services are nameko, which is eventlet (README, "Why eventlet").
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402 -- the resolver is chosen at its import

eventlet.monkey_patch()

import contextvars  # noqa: E402 -- after the patch, like everything else
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from eventlet.greenthread import GreenThread  # noqa: E402


def spawn(function: Callable[..., Any], *args: Any) -> GreenThread:
    """Runs `function` in a greenlet that inherits the context variables (trace, log fields, the call being served).

    The way to start one: a raw greenlet begins with an empty context, and its trace would be lost.
    """
    return eventlet.spawn(contextvars.copy_context().run, function, *args)


def spawn_apart(function: Callable[..., Any], *args: Any) -> GreenThread:
    """Runs `function` in a greenlet that inherits nothing: work that outlives whoever happened to start it.

    A connection opened by the first call that needs it must not log under that call's trace for ever after.
    """
    return eventlet.spawn(function, *args)
