"""How long to wait before a message without a receipt goes out again: longer each time, by chance a little different."""

from __future__ import annotations

from datetime import timedelta

FIRST_S, LONGEST_S = 10.0, 600.0


def pause(attempts: int, chance: float, first_s: float = FIRST_S) -> timedelta:
    """After `attempts` publishes (1 or more); `chance` in [0, 1) spreads it by a fifth either way. Never gives up."""
    base = min(LONGEST_S, first_s * 2 ** min(attempts - 1, 16))
    return timedelta(seconds=base * (0.8 + 0.4 * chance))
