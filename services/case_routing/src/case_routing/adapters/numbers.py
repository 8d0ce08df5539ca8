"""Case and document numbers from the machine's randomness: nobody can guess a number from another."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

#: Asia/Shanghai has had one offset since 1991; containers may lack the time zone database.
SHANGHAI = timezone(timedelta(hours=8))
#: RFC 4648, section 6: no digit that looks like a letter.
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
RANDOM_CHARACTERS = 8


class RandomNumbers:
    """`<district>-<day>-<40 random bits>`; documents have a D before the random part."""

    def __init__(self, choose: Callable[[str], str] = secrets.choice) -> None:
        self._choose = choose

    def case_number(self, intake: str, now: datetime) -> str:
        return f"{intake}-{now.astimezone(SHANGHAI):%Y%m%d}-{self._random()}"

    def document_number(self, district: str, now: datetime) -> str:
        return f"{district}-{now.astimezone(SHANGHAI):%Y%m%d}-D{self._random()}"

    def _random(self) -> str:
        return "".join(self._choose(BASE32) for _ in range(RANDOM_CHARACTERS))
