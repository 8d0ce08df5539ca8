"""How often something that works in batches begins one."""

from __future__ import annotations

import time

import eventlet


class Pace:
    """Leaves `spacing_s` between the beginnings of batches that follow each other; whoever was idle begins at once.

    So one message alone is not kept waiting, and under load a batch, which costs about the same for one as for ten, holds ten.
    """

    def __init__(self, spacing_s: float) -> None:
        self._spacing_s = spacing_s
        self._began_at = float("-inf")

    def wait(self) -> None:
        """Returns when the next batch may begin."""
        if (left_s := self._began_at + self._spacing_s - time.monotonic()) > 0:
            eventlet.sleep(left_s)

    def begin(self) -> None:
        """A batch begins."""
        self._began_at = time.monotonic()
