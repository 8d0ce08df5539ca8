"""intake: a complete application at the gateway until it is durable and numbered, beside one commit of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tongban_local.installation import Installation

from tests.bench.by_hand import Likeness, likeness, pack, session
from tests.bench.districts import GUSU, PEOPLE, Grounds, superuser_url
from tests.bench.line import Line
from tests.bench.rows import DURABLE, Row, durability, interleave, row

ROWS = ("intake",)
AIM = "≥ 0.25 × floor, then 0.5 ×"
APPLICATIONS, WARM_UP = 400, 80
#: What submit_case writes, in an order that foreign keys allow.
_OF_A_CASE = ("cases", "case_history", "case_material", "case_custody", "case_trace")


def rows_of_application(place: Installation, number: str = "") -> tuple[str, list[Likeness]]:
    """The latest application's number (or `number`) and every row that its commit wrote."""
    connection = session(superuser_url(place, "case_routing"))
    with connection.cursor() as cursor:
        if not number:
            cursor.execute("SELECT number FROM cases ORDER BY submitted_at DESC LIMIT 1")
            [number] = cursor.fetchone()
        rows = [likeness(cursor, table, "number = %s", number) for table in _OF_A_CASE if _any(cursor, table, number)]
        rows.append(likeness(cursor, "once", "answer = %s", number.encode()))
        rows.append(likeness(cursor, "outbox", "headers ->> 'cloudEvents:subject' = %s", f"case/{number}"))
        cursor.execute("SELECT count(*) FROM subject_sequence WHERE subject = %s", (f"case/{number}",))
        if cursor.fetchone()[0]:
            rows.append(likeness(cursor, "subject_sequence", "subject = %s", f"case/{number}"))
    connection.close()
    return number, rows


def _any(cursor: Any, table: str, number: str) -> bool:
    cursor.execute(f"SELECT count(*) FROM {table} WHERE number = %s", (number,))
    return bool(cursor.fetchone()[0])


def counted(rows: Sequence[Likeness]) -> dict[str, int]:
    return {one.table: len(one.rows) for one in rows}


def measure(
    grounds: Grounds, progress: Callable[[str], None], runs: int = 5, applications: int = APPLICATIONS
) -> list[Row]:
    with grounds.line(GUSU) as applying:
        applying.ask("apply", WARM_UP, PEOPLE)
        grounds.quiet()
        number, rows = rows_of_application(grounds.a)
        database = grounds.floor_database(grounds.a, "case_routing")
        with Line("tests.bench.drivers.hand_intake", database, pack(rows)) as hand:
            hand.ask(number, WARM_UP, PEOPLE)
            posted: list[float] = []

            def ours() -> float:
                grounds.quiet()
                applying.ask("tokens", grounds.tokens())
                told = applying.ask("apply", applications, PEOPLE)
                posted.extend(told["posted_ms"])
                return applications / float(told["seconds"])

            def floor() -> float:
                grounds.quiet()
                return applications / float(hand.ask(number, applications, PEOPLE))

            timings = interleave({"ours": ours, "floor": floor}, runs, progress)
    detail = {
        "applications_a_run": applications,
        "commits_an_application": 1,
        "rows_in_the_commit": counted(rows),
        "posted_p50_ms": round(median(posted), 1),
        **durability(database),
    }
    note = f"{DURABLE}; {PEOPLE} applicants at once, each on a kept connection; an item decided in the same district; OTLP on"
    return [row("intake", timings, "applications/s", AIM, note=note, detail=detail)]
