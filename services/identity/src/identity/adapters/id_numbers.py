"""Citizen numbers (GB 11643): 18 characters, a place, a date, and a check by ISO 7064 MOD 11-2."""

from __future__ import annotations

from stdnum.cn import ric


def is_id_number(number: str) -> bool:
    """Whether it is one, written without spaces and with a capital X."""
    return bool(ric.is_valid(number)) and ric.compact(number) == number
