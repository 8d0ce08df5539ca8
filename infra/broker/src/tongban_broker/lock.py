"""`python -m tongban_broker.lock [--check]`: queues.lock, the names of every queue that keeps messages.

nameko and we put a method's name into its queue's name. Renaming the method would leave the old queue behind with what
waits in it, so a rename must show up in a review: as a changed line of the lock file, next to the plan for the old queue.
"""

from __future__ import annotations

import sys

from tongban_broker.bus import LOCK, Bus
from tongban_broker.definitions import queue_names
from tongban_broker.rights import COURIER_VHOST, VHOST


def lock_text(bus: Bus) -> str:
    """What the lock file holds: vhost and queue, one a line."""
    rows = [f"{vhost} {name}" for vhost in (COURIER_VHOST, VHOST) for name in queue_names(bus, vhost)]
    return "".join(f"{row}\n" for row in rows)


def main(argv: list[str]) -> int:
    fresh = lock_text(Bus.load())
    if argv != ["--check"]:
        LOCK.write_text(fresh)
        return 0
    locked = LOCK.read_text() if LOCK.exists() else ""
    gone, new = set(locked.splitlines()) - set(fresh.splitlines()), set(fresh.splitlines()) - set(locked.splitlines())
    for row in sorted(gone):
        print(f"gone, with whatever waits in it: {row}", file=sys.stderr)
    for row in sorted(new):
        print(f"not in the lock file: {row}", file=sys.stderr)
    if locked != fresh:
        print(
            "if that is meant: python -m tongban_broker.lock, and say in the review what empties the old queues",
            file=sys.stderr,
        )
    return int(locked != fresh)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
