"""Unified social credit codes (GB 32100): 18 characters with a check by ISO 7064 MOD 31-3."""

from __future__ import annotations

from stdnum.cn import uscc


def is_credit_code(code: str) -> bool:
    """Whether it is one, written without spaces and in capitals."""
    return bool(uscc.is_valid(code)) and uscc.compact(code) == code
